//! The program for aarch64, in an emulator. The programs it starts are this machine's own.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::container::{Container, End, aarch64};

const GRACE: Duration = Duration::from_secs(6);

fn run(program: [&str; 2], arguments: &[&str]) -> Output {
    let mut command = Command::new(program[0]);
    command.arg(program[1]).args(arguments);
    command.output().expect("emulator")
}

#[test]
fn its_command_line() {
    let Some(program) = aarch64() else { return };
    assert_eq!(
        run(program, &["--version"]).stdout,
        format!("softstop-init {}\n", env!("CARGO_PKG_VERSION")).into_bytes()
    );
    for (arguments, code, line) in [
        (
            &["--sgnal"] as &[&str],
            2,
            "\"--sgnal\": unknown option (see --help)",
        ),
        (&["--"], 2, "no program given after -- (see --help)"),
        (
            &["--", "/nosuch/program"],
            127,
            "cannot run \"/nosuch/program\": no such file or directory",
        ),
        (
            &["--", "/usr/lib"],
            126,
            "cannot run \"/usr/lib\": permission denied",
        ),
        (
            &["copy", "/proc/x"],
            1,
            "cannot copy to \"/proc/x\": no such file or directory",
        ),
    ] {
        let output = run(program, arguments);
        // The emulator knows no subreapers, which is a line of its own.
        let text = String::from_utf8_lossy(&output.stderr);
        let text = text.trim_start_matches("softstop-init: cannot adopt orphans\n");
        assert_eq!(text, format!("softstop-init: {line}\n"));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
    let begun = Instant::now();
    assert!(run(program, &["sleep", "1"]).status.success());
    assert!((950..3000).contains(&begun.elapsed().as_millis()));
}

#[test]
fn it_is_as_small_and_copies_itself() {
    let Some(program) = aarch64() else { return };
    let original = fs::read(program[1]).expect("program");
    assert!(original.len() <= 24 * 1024, "{} bytes", original.len());
    assert_eq!(original[..4], *b"\x7fELF");
    assert_eq!(original[18..20], 183_u16.to_le_bytes(), "EM_AARCH64");
    let directory = TempDir::new().expect("directory");
    for _ in 0..2 {
        let output = run(program, &["copy", directory.path().to_str().expect("path")]);
        assert!(output.status.success(), "{output:?}");
        let copy = directory.path().join("softstop-init");
        assert!(fs::read(&copy).expect("copy") == original);
        assert_eq!(fs::metadata(&copy).expect("copy").mode() & 0o7777, 0o555);
    }
    assert_eq!(
        fs::read_dir(directory.path()).expect("directory").count(),
        1
    );
}

#[test]
fn it_passes_exit_codes_and_signals_on() {
    let Some([emulator, init]) = aarch64() else {
        return;
    };
    for code in [0, 1, 2, 127, 255] {
        let script = format!("exit {code}");
        let output = run([emulator, init], &["--", "dash", "-c", &script]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
    for signal in [1, 6, 9, 11, 15] {
        let script = format!("ulimit -c 0; kill -{signal} $$");
        let output = run([emulator, init], &["--", "dash", "-c", &script]);
        assert_eq!(output.status.code(), Some(128 + signal), "{output:?}");
    }
    let argv = [emulator, init, "--", "app", "catch=1,10,15", "exit=7"];
    let mut container = Container::start(&argv);
    container.wait_for("start", 1);
    for signal in [1, 10] {
        container.signal(signal);
        container.wait_for(&format!("signal {signal}"), 1);
    }
    container.signal(15);
    container.wait_for("signal 15", 1);
    let end = container.wait(GRACE);
    assert_eq!(end.code(), Some(7), "{}", container.log());
    assert_eq!(
        container.log().matches("signal").count(),
        3,
        "{}",
        container.log()
    );
}

/// As a preStop hook it finds the program behind the shell, which gets its signal once.
#[test]
fn as_a_hook() {
    let Some([emulator, init]) = aarch64() else {
        return;
    };
    let mut container = Container::start(&["dash", "-c", "app exit=3; exit $?"]);
    container.wait_for("start", 1);
    let hook = container
        .exec(&[emulator, init, "drain", "--delay", "1"])
        .output();
    let hook = hook.expect("nsenter");
    assert!(hook.status.success() && hook.stderr.is_empty(), "{hook:?}");
    let end = container.stop(GRACE);
    assert_eq!(container.log().matches("graceful").count(), 1, "{end:?}");
    assert_eq!(container.log().matches("signal").count(), 1, "{end:?}");
    assert!(matches!(end, End::Exit(3, _)), "{end:?}");
}
