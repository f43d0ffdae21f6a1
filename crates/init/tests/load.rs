//! Many processes: orphans, deep trees, fork storms, large process ids; and PID 1's duty to reap.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::container::{Container, End, available, softstop_init};

const GRACE: Duration = Duration::from_secs(15);

fn init() -> &'static str {
    softstop_init().to_str().expect("path")
}

fn zombies(container: &Container) -> usize {
    let output = container
        .exec(&["ps", "-e", "-o", "stat="])
        .output()
        .expect("ps");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.starts_with('Z'))
        .count()
}

fn running(container: &Container, name: &str) -> bool {
    let output = container
        .exec(&["ps", "-C", name, "-o", "stat="])
        .output()
        .expect("ps");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .any(|line| !line.starts_with('Z'))
}

/// The same program leaves zombies where it is PID 1 itself, so this test can fail.
#[test]
fn orphans_are_reaped() {
    if !available(&["ps"]) {
        return;
    }
    let script = "for i in $(seq 20); do (sleep 2 &); done; exec app spawn=20";
    for (prefix, expected) in [(&[] as &[&str], 40), (&[init(), "--"], 20)] {
        let argv = [prefix, &["dash", "-c", script]].concat();
        let mut container = Container::start(&argv);
        container.wait_for("start", 1);
        // The app's own 20 children are its own business; the 20 orphans are PID 1's.
        let deadline = Instant::now() + Duration::from_secs(20);
        while running(&container, "sleep") || zombies(&container) != expected {
            assert!(
                Instant::now() < deadline,
                "{prefix:?}: {} zombies",
                zombies(&container)
            );
            sleep(Duration::from_millis(50));
        }
        container.stop(GRACE);
    }
}

#[test]
fn a_thousand_orphans() {
    if !available(&["ps"]) {
        return;
    }
    let script = "i=0; while [ $i -lt 1000 ]; do (sleep 0.5 &); i=$((i+1)); done; app; true";
    let mut container = Container::start(&[init(), "--", "dash", "-c", script]);
    container.wait_for("start", 1);
    let deadline = Instant::now() + Duration::from_secs(20);
    while running(&container, "sleep") || zombies(&container) != 0 {
        assert!(Instant::now() < deadline, "{} zombies", zombies(&container));
        sleep(Duration::from_millis(50));
    }
    assert_eq!(container.stop(GRACE).code(), Some(0), "{}", container.log());
    // And when they are still there: they hold no work, so they end when the program has.
    let script = "i=0; while [ $i -lt 1000 ]; do (sleep 100 &); i=$((i+1)); done; app; true";
    let mut container = Container::start(&[init(), "--", "dash", "-c", script]);
    container.wait_for("start", 1);
    let End::Exit(0, took) = container.stop(GRACE) else {
        panic!("{}", container.log())
    };
    assert!(took < Duration::from_secs(3), "{took:?}");
}

/// A chain of 250 shells, each with an idle child, and a program at its end.
#[test]
fn five_hundred_descendants() {
    if !available(&[]) {
        return;
    }
    let script =
        "n=${1:-250}; if [ $n = 0 ]; then app; else sleep 1000 & dash $0 $((n-1)); fi; true";
    let write = format!("cat > {{DIR}}/chain <<'E'\n{script}\nE\ndash {{DIR}}/chain; true");
    for hook in [false, true] {
        let prefix: &[&str] = if hook { &[] } else { &[init(), "--"] };
        let mut container = Container::start(&[prefix, &["dash", "-c", &write]].concat());
        container.wait_for("start", 1);
        let begun = Instant::now();
        if hook {
            container.hook(&[]);
        }
        let end = container.stop(GRACE);
        assert_eq!(
            container.log().matches("graceful").count(),
            1,
            "{end:?}\n{}",
            container.log()
        );
        assert_eq!(
            container.log().matches("signal").count(),
            1,
            "{}",
            container.log()
        );
        assert!(
            matches!(end, End::Exit(..)) && begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
    }
}

/// Shells that fork without a pause while the tree is walked: none escapes, and the programs among them drain.
#[test]
fn fork_storms() {
    if !available(&[]) {
        return;
    }
    for script in [
        "while :; do (:); done & while :; do busybox true; done & app & app2 & wait",
        "f() { while :; do (sleep 0.01; :) & (:); done; }; f & f & app & app2; true",
    ] {
        let mut container = Container::start(&[init(), "--", "dash", "-c", script]);
        container.wait_for("start", 2);
        sleep(Duration::from_millis(200));
        let end = container.stop(GRACE);
        let log = container.log();
        assert_eq!(
            log.matches("graceful").count(),
            2,
            "{script}: {end:?}\n{log}"
        );
        assert_eq!(log.matches("signal").count(), 2, "{script}: {end:?}\n{log}");
        let End::Exit(_, took) = end else {
            panic!("{script}: still forking")
        };
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

/// Ids of 22 bits, and parents with larger ids than their children, for PID 1 and for a hook.
#[test]
fn large_process_ids() {
    const PID_MAX: &str = "/proc/sys/kernel/pid_max";
    if !available(&[]) {
        return;
    }
    let before = fs::read_to_string(PID_MAX).expect("pid_max");
    let script = "echo 4194304 > /proc/sys/kernel/pid_max && echo 4194290 > /proc/sys/kernel/ns_last_pid; \
                  dash -c 'dash -c \"app & app2 & wait; true\"; app3' & wait; true";
    for hook in [false, true] {
        let prefix: &[&str] = if hook { &[] } else { &[init(), "--"] };
        let mut container = Container::start(&[prefix, &["dash", "-c", script]].concat());
        container.wait_for("start", 2);
        let log = container.log();
        let ids = || log.lines().filter_map(|line| line.split(' ').nth(1));
        let largest = ids().filter_map(|id| id.parse::<u32>().ok()).max();
        if hook {
            let output = container.hook(&[]);
            assert!(output.status.success() && output.stderr.is_empty());
        }
        let end = container.stop(GRACE);
        let log = container.log();
        // With the hook the shell goes on to its next command, which drains as well.
        let programs = if hook { 3 } else { 2 };
        let count = |what: &str| log.matches(what).count();
        assert_eq!(count("graceful"), programs, "{end:?}\n{log}");
        assert_eq!(count("signal"), programs, "{end:?}\n{log}");
        assert!(matches!(end, End::Exit(..)), "{end:?}\n{log}");
        if fs::read_to_string(PID_MAX).expect("pid_max") != before {
            fs::write(PID_MAX, &before).expect("pid_max");
            eprintln!("this kernel has one pid_max for all namespaces: put back");
        }
        assert!(largest > Some(4_194_290), "{largest:?}\n{log}");
    }
}

/// With `shareProcessNamespace` PID 1 is another: orphans still come to us.
#[test]
fn as_a_subreaper() {
    if !available(&[]) {
        return;
    }
    let inner = format!(
        "{} -- dash -c '(app2 &); app exit=6; true' & echo $! > {{DIR}}/pid; wait $!; echo $? > {{DIR}}/code",
        init()
    );
    // PID 1 is a shell that takes no signal, as the pause container would be.
    let mut container = Container::start(&["dash", "-c", &inner]);
    container.wait_for("start", 2);
    let pid = fs::read_to_string(container.directory.path().join("pid")).expect("pid");
    assert!(
        container
            .exec(&["kill", "-TERM", pid.trim()])
            .status()
            .expect("kill")
            .success()
    );
    container.wait_for("graceful", 2);
    container.wait(GRACE);
    let code = fs::read_to_string(container.directory.path().join("code")).expect("code");
    // Two programs drained and the shell between them was ended: the stop signal's code.
    assert_eq!(code.trim(), "143");
    assert_eq!(
        container.log().matches("signal").count(),
        2,
        "{}",
        container.log()
    );
}

/// Without `/proc` the first process still gets its signal, and everything is waited for.
#[test]
fn without_proc_the_first_process_is_signalled() {
    if !available(&[]) {
        return;
    }
    let script = format!("mount -t tmpfs none /proc; exec {} -- app exit=2", init());
    let mut container = Container::start(&["dash", "-c", &script]);
    container.wait_for("start", 1);
    let end = container.stop(GRACE);
    assert_eq!(
        end.code(),
        Some(2),
        "{}{}",
        container.log(),
        container.output()
    );
    assert!(
        container
            .output()
            .contains("softstop-init: cannot read /proc"),
        "{}",
        container.output()
    );
}

/// It is in every pod: a small file, a few pages of memory, and idle means idle: not one wake-up in a second.
#[test]
fn it_is_small_and_sleeps_while_nothing_happens() {
    let size = fs::metadata(softstop_init()).expect("program").len();
    assert!(size <= 24 * 1024, "{size} bytes");
    let mut child = Command::new(softstop_init())
        .args(["--", "sleep", "3"])
        .spawn()
        .expect("softstop-init");
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("status");
        let line = status
            .lines()
            .find(|line| line.starts_with("voluntary_ctxt_switches"))
            .expect("line");
        line.split_whitespace()
            .nth(1)
            .and_then(|count| count.parse::<u64>().ok())
            .expect("count")
    };
    sleep(Duration::from_millis(300));
    let before = switches();
    sleep(Duration::from_secs(1));
    assert_eq!(switches(), before);
    let maps = fs::read_to_string(format!("/proc/{}/smaps_rollup", child.id())).expect("maps");
    let resident = maps
        .lines()
        .find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB"));
    let resident: u32 = resident
        .and_then(|number| number.parse().ok())
        .expect("a number");
    assert!(resident <= 64, "{resident} KiB");
    let _ = softstop_init::sys::kill(child.id(), 15);
    child.wait().expect("end");
}
