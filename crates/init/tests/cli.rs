//! The command line, and what it says when it cannot do what it was told.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Output};
use std::time::Instant;

use tempfile::TempDir;

use crate::container::softstop_init;

fn run(arguments: &[&str]) -> Output {
    Command::new(softstop_init())
        .args(arguments)
        .output()
        .expect("softstop-init")
}

/// One line on standard error, and nothing else.
#[track_caller]
fn complains(arguments: &[&str], code: i32, line: &str) {
    let output = run(arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text, format!("softstop-init: {line}\n"), "{arguments:?}");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

#[test]
fn a_wrong_command_line_is_one_line_that_says_what_and_where() {
    complains(&[], 2, "no program given after -- (see --help)");
    complains(&["--"], 2, "no program given after -- (see --help)");
    complains(
        &["--", ""],
        2,
        "\"\": the program's name is empty (see --help)",
    );
    complains(
        &["--sgnal", "TERM"],
        2,
        "\"--sgnal\": unknown option (see --help)",
    );
    complains(
        &["nginx"],
        2,
        "\"nginx\": unknown subcommand; a program is given after -- (see --help)",
    );
    complains(
        &["--signal", "FOO", "--", "x"],
        2,
        "\"FOO\": not a signal; say for example SIGQUIT or 3 (see --help)",
    );
    complains(
        &["--signal=KILL", "--", "x"],
        2,
        "\"--signal=KILL\": no program can handle this signal (see --help)",
    );
    complains(&["--signal"], 2, "\"--signal\": needs a value (see --help)");
    complains(
        &["drain", "--delay", "1x"],
        2,
        "\"1x\": not a number of seconds from 0 to 86400 (see --help)",
    );
    complains(
        &["drain", "5"],
        2,
        "\"5\": drain takes --delay, --grace and --signal only (see --help)",
    );
    complains(&["sleep"], 2, "sleep needs SECONDS (see --help)");
    complains(&["copy"], 2, "copy needs DEST (see --help)");
    complains(
        &["copy", "a", "b"],
        2,
        "\"b\": unexpected word (see --help)",
    );
}

#[test]
fn a_program_that_cannot_be_run() {
    let directory = TempDir::new().expect("directory");
    let file = directory.path().join("file");
    fs::write(&file, "#!/bin/sh\n").expect("file");
    let name = file.to_str().expect("path");
    complains(
        &["--", name],
        126,
        &format!("cannot run \"{name}\": permission denied"),
    );
    fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("mode");
    fs::write(&file, "no magic\n").expect("file");
    complains(
        &["--", name],
        126,
        &format!("cannot run \"{name}\": exec format error"),
    );
    complains(
        &["--", "/nosuch/program"],
        127,
        "cannot run \"/nosuch/program\": no such file or directory",
    );
    let output = Command::new(softstop_init())
        .args(["--", "nosuch"])
        .env("PATH", "/a:/b")
        .output()
        .expect("run");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "softstop-init: cannot run \"nosuch\": not found in PATH /a:/b\n"
    );
    assert_eq!(output.status.code(), Some(127));
    // A line stays a line.
    complains(
        &["--", "/x\ny"],
        127,
        "cannot run \"/x?y\": no such file or directory",
    );
}

#[test]
fn copy_is_whole_or_nothing() {
    let directory = TempDir::new().expect("directory");
    let path = |name: &str| {
        directory
            .path()
            .join(name)
            .to_str()
            .expect("path")
            .to_owned()
    };
    let program = fs::read(softstop_init()).expect("program");
    for _ in 0..2 {
        // To a file, into a directory, again over what is there; whatever the umask.
        for (destination, file) in [
            (path("named"), path("named")),
            (path(""), path("softstop-init")),
        ] {
            let script = format!(
                "umask 077; exec '{}' copy '{destination}'",
                softstop_init().display()
            );
            assert!(
                Command::new("dash")
                    .args(["-c", &script])
                    .status()
                    .expect("dash")
                    .success()
            );
            assert!(fs::read(&file).expect("copy") == program);
            assert_eq!(fs::metadata(&file).expect("copy").mode() & 0o7777, 0o555);
            assert!(
                Command::new(&file)
                    .args(["--", "true"])
                    .status()
                    .expect("copy runs")
                    .success()
            );
        }
    }
    assert_eq!(
        fs::read_dir(directory.path()).expect("directory").count(),
        2,
        "nothing else is left"
    );

    let missing = path("missing/x");
    complains(
        &["copy", &missing],
        1,
        &format!("cannot copy to \"{missing}\": no such file or directory"),
    );
    let under_file = path("named/x");
    complains(
        &["copy", &under_file],
        1,
        &format!("cannot copy to \"{under_file}\": not a directory"),
    );
    complains(
        &["copy", "/proc/x"],
        1,
        "cannot copy to \"/proc/x\": no such file or directory",
    );
}

/// A full volume: the old copy stays, the new one leaves nothing behind.
#[test]
fn copy_to_a_full_volume_leaves_nothing_half_copied() {
    if !crate::container::available(&[]) {
        return;
    }
    let directory = TempDir::new().expect("directory");
    let script = format!(
        "mount -t tmpfs -o size=8k none {0} && cd {0} && echo old > softstop-init; {1} copy {0}; echo $?; ls -A; cat softstop-init",
        directory.path().display(),
        softstop_init().display()
    );
    let output = Command::new("unshare")
        .args(["--mount", "dash", "-c", &script])
        .output()
        .expect("unshare");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "1\nsoftstop-init\nold\n"
    );
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("no space left on device\n"));
}

#[test]
fn it_sleeps_and_tells_its_version() {
    let begun = Instant::now();
    assert!(run(&["sleep", "1"]).status.success());
    assert!((950..2000).contains(&begun.elapsed().as_millis()));
    assert_eq!(
        run(&["--version"]).stdout,
        format!("softstop-init {}\n", env!("CARGO_PKG_VERSION")).into_bytes()
    );
    assert!(String::from_utf8_lossy(&run(&["--help"]).stdout).starts_with("Usage: softstop-init"));
}
