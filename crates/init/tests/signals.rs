//! Exit codes, signals and the terminal: what dumb-init and tini test about themselves.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::container::{Container, End, available, softstop_init};

const GRACE: Duration = Duration::from_secs(4);

fn run(arguments: &[&str]) -> Command {
    let mut command = Command::new(softstop_init());
    command.args(arguments);
    command
}

fn code(arguments: &[&str]) -> i32 {
    let status = run(arguments).status().expect("softstop-init");
    status.code().expect("an exit code, never a signal")
}

fn init() -> &'static str {
    softstop_init().to_str().expect("path")
}

#[test]
fn every_exit_code_is_passed_on() {
    for expected in 0..=255 {
        assert_eq!(
            code(&["--", "busybox", "sh", "-c", &format!("exit {expected}")]),
            expected
        );
    }
}

#[test]
fn a_fatal_signal_is_128_plus_its_number() {
    for signal in (1..=31).filter(|signal| ![17, 18, 19, 20, 21, 22, 23, 28].contains(signal)) {
        // A background job of a shell ignores SIGINT, and so does all that it starts: these tests, too, where they are one.
        let status = Command::new("env")
            .arg("--default-signal")
            .args([init(), "--", "dash", "-c"])
            .arg(format!("ulimit -c 0; kill -{signal} $$"))
            .status();
        let status = status.expect("env of coreutils 8.31 or newer");
        assert_eq!(status.code(), Some(128 + signal));
    }
}

#[test]
fn the_program_starts_as_the_runtime_would_start_it() {
    let output = run(&[
        "--",
        "dash",
        "-c",
        "pwd; echo $0 $MARK $(umask); cat /proc/$$/stat | cut -d' ' -f1,5,6",
        "zero",
    ])
    .current_dir("/usr/lib")
    .env("MARK", "x y")
    .output()
    .expect("softstop-init");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "/usr/lib");
    assert!(lines[1].starts_with("zero x y 00"), "{text}");
    // Process group and session leader, as PID 1 of a container is.
    let ids: Vec<_> = lines[2].split(' ').collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{text}");
    // No signal blocked or ignored that was not before.
    let masks = run(&["--", "grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"])
        .output()
        .expect("grep");
    let plain = Command::new("grep")
        .args(["-E", "Sig(Blk|Ign)", "/proc/self/status"])
        .output()
        .expect("grep");
    assert_eq!(masks.stdout, plain.stdout);
}

/// Every signal that can be passed on reaches a program that has a handler, exactly once; those that stop are passed on,
/// too.
#[test]
fn every_signal_reaches_the_program() {
    if !available(&[]) {
        return;
    }
    let fatal_or_not_for_programs = [4, 5, 6, 7, 8, 9, 11, 17, 19, 31];
    let all: Vec<u8> = (1..=31)
        .filter(|signal| !fatal_or_not_for_programs.contains(signal))
        .chain([34, 50, 64])
        .collect();
    let catch = all
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",");
    let argument = format!("catch={catch}");
    let mut container = Container::start(&[init(), "--", "app", &argument, "drain=100"]);
    container.wait_for("start", 1);
    let stops = [2, 3, 15];
    for signal in all.iter().filter(|signal| !stops.contains(signal)) {
        container.signal(*signal);
        container.wait_for(&format!("signal {signal}"), 1);
    }
    let end = container.stop(GRACE);
    assert_eq!(end.code(), Some(0), "{}", container.log());
    let log = container.log();
    for signal in all.iter().filter(|signal| ![2, 3].contains(*signal)) {
        let line = format!("signal {signal}");
        assert_eq!(
            log.lines().filter(|text| text.ends_with(&line)).count(),
            1,
            "{line} in\n{log}"
        );
    }
}

#[test]
fn a_signal_without_a_handler_is_not_passed_on() {
    if !available(&[]) {
        return;
    }
    let mut container = Container::start(&[init(), "--", "dash", "-c", "app; true"]);
    container.wait_for("start", 1);
    // As PID 1 neither shell nor program would have died of these.
    for signal in [1, 10, 12, 14, 28] {
        container.signal(signal);
    }
    sleep(Duration::from_millis(100));
    assert_eq!(container.stop(GRACE).code(), Some(0), "{}", container.log());
}

#[test]
fn the_stop_signal_is_translated() {
    if !available(&[]) {
        return;
    }
    for (asked, sent) in [
        ("SIGQUIT", 3),
        ("INT", 2),
        ("WINCH", 28),
        ("SIGRTMIN+3", 37),
    ] {
        let catch = format!("catch={sent},2");
        let mut container = Container::start(&[
            init(),
            "--signal",
            asked,
            "--",
            "dash",
            "-c",
            "app $0 drain=50 & wait",
            &catch,
        ]);
        container.wait_for("start", 1);
        container.signal(15);
        container.wait_for(&format!("signal {sent}"), 1);
        if sent != 2 && sent != 3 {
            container.signal(9); // the drainer only ends on INT, QUIT and TERM
        }
        container.wait(GRACE);
        assert_eq!(
            container.log().matches("signal").count(),
            1,
            "{}",
            container.log()
        );
    }
}

/// An image's STOPSIGNAL arrives as it is, and a program that only knows SIGTERM gets that.
#[test]
fn any_stop_signal_stops() {
    if !available(&[]) {
        return;
    }
    for (arrives, catches, gets) in [(3, "15", 15), (2, "2", 2), (3, "3,15", 3), (37, "15", 15)] {
        let catch = format!("catch={catches}");
        let mut container =
            Container::start(&[init(), "--", "dash", "-c", "app $0 drain=50; true", &catch]);
        container.wait_for("start", 1);
        container.signal(arrives);
        assert_eq!(
            container.wait(GRACE).code(),
            Some(0),
            "{arrives} {catches}: {}",
            container.log()
        );
        assert!(
            container.log().contains(&format!("signal {gets}\n")),
            "{}",
            container.log()
        );
    }
}

#[test]
fn a_second_stop_signal_is_passed_on() {
    if !available(&[]) {
        return;
    }
    let mut container = Container::start(&[
        init(),
        "--",
        "dash",
        "-c",
        "app drain=400 & app2 drain=400; wait",
    ]);
    container.wait_for("start", 2);
    container.signal(15);
    container.wait_for("signal 15", 2);
    container.signal(15);
    container.wait_for("signal 15", 4);
    assert!(matches!(container.wait(GRACE), End::Exit(..)));
    assert_eq!(
        container.log().matches("signal").count(),
        4,
        "{}",
        container.log()
    );
}

/// With `tty: true` the runtime makes PID 1 leader of a session with a terminal; the program must be that instead.
#[test]
fn the_program_gets_the_terminal() {
    if !available(&["script", "bash"]) {
        return;
    }
    // script gives its child a session and a terminal, as the runtime does.
    let inner = "tty; ps -o tpgid= -o pid= -p $$; stty size; set -m; sleep 0.1 & fg; echo jobs $?";
    let command = format!("exec {} -- bash -c '{inner}'", init());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .output()
        .expect("script");
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("/dev/pts/"), "{text}");
    assert!(text.contains("jobs 0"), "{text}");
    assert!(!text.contains("no job control"), "{text}");
    // The terminal's foreground group is the program's.
    let ids: Vec<_> = text
        .lines()
        .nth(1)
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    assert_eq!(ids.first(), ids.get(1), "{text}");
}

/// A terminal's session leader would hang up on its programs if it were ended first.
#[test]
fn a_shell_with_a_terminal_does_not_hang_up_on_its_program() {
    if !available(&["script", "dash"]) {
        return;
    }
    let line = format!("{} -- dash -c 'app catch=15,1 drain=200; true'", init());
    let mut container = Container::start(&["script", "-qec", &format!("exec {line}"), "/dev/null"]);
    container.wait_for("start", 1);
    let inner = container
        .exec(&["busybox", "pidof", "softstop-init"])
        .output()
        .expect("pidof");
    let pid = String::from_utf8(inner.stdout)
        .expect("pid")
        .trim()
        .to_owned();
    assert!(
        container
            .exec(&["kill", "-TERM", &pid])
            .status()
            .expect("kill")
            .success()
    );
    container.wait_for("graceful", 1);
    assert_eq!(
        container.log().matches("signal").count(),
        1,
        "{}",
        container.log()
    );
    container.wait(GRACE);
}
