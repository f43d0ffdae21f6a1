//! The real program, run as a user runs it.

mod explain;
mod findings;
pub(crate) mod fixtures;
mod input;
mod output;
mod refusals;
mod scripts;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `softstop` with these arguments, in a directory, without the surroundings of the test run.
pub(crate) fn command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softstop"));
    command
        .current_dir(directory)
        .args(args)
        .env_remove("NO_COLOR")
        .env("TERM", "xterm");
    command
}

/// Runs it with nothing on standard input.
pub(crate) fn run(directory: &Path, args: &[&str]) -> Run {
    run_with(directory, args, "")
}

/// Runs it with that text on standard input.
pub(crate) fn run_with(directory: &Path, args: &[&str], stdin: &str) -> Run {
    let mut child = command(directory, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It may end without having read anything; that is its business.
    let _ = child
        .stdin
        .take()
        .expect("piped")
        .write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run {
        status: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A directory with these files.
pub(crate) fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("in it")).expect("created");
        std::fs::write(path, text).expect("written");
    }
    directory
}

/// A pod that loses work: the shell does not pass the signal on.
pub(crate) const BAD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: web
    image: shop/web:1
    command: [sh, -c, \"gunicorn shop.wsgi\"]
";

/// A pod there is nothing to say of.
pub(crate) const GOOD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: drain
spec:
  terminationGracePeriodSeconds: 60
  containers:
  - name: worker
    image: shop/worker:1
    command: [python, worker.py]
";

/// A document that is no YAML: the bracket of line 2 is not closed.
pub(crate) const BROKEN: &str = "a: 1\nb: [\nc: }\n";
