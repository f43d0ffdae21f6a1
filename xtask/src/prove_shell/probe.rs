//! The program that the scripts run, under several names: says what it sees on standard output and in a log, where no
//! redirection reaches. Linked statically, because most of the proof's time is the start of this program.
//!
//! It lies in `DIR/bin` or beside `DIR/log`; `DIR/log/serve` lets it wait for SIGTERM, which a shell does for it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Shells set these for themselves, and again where `exec` is written.
const SHELLS_OWN: [&str; 2] = ["_", "SHLVL"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os().map(lossy).collect();
    let name = arguments
        .first()
        .and_then(|path| path.rsplit('/').next())
        .unwrap_or_default();
    let line = format!("{name} {}", context(arguments.get(1..).unwrap_or_default()));
    let own = env::current_exe().unwrap_or_default();
    let log = own
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("/"))
        .join("log");
    // In one piece each: others write at the same time.
    append(&log.join("runs"), &line);
    let _ = std::io::stdout().write_all(line.as_bytes());
    if name.starts_with("app") && log.join("serve").exists() {
        let error = Command::new("/bin/dash")
            .arg("serve")
            .current_dir(&log)
            .exec();
        append(&log.join("runs"), &format!("cannot wait: {error}\n"));
    }
    ExitCode::from(if matches!(name, "fail" | "app3") {
        3
    } else {
        0
    })
}

/// Arguments, environment, directory, descriptors, umask and signals, in one line.
fn context(arguments: &[String]) -> String {
    let mut line: String = arguments.iter().map(|word| format!("[{word}] ")).collect();
    let mut environment: Vec<_> = env::vars_os()
        .map(|(name, value)| (lossy(name), lossy(value)))
        .filter(|(name, _)| !SHELLS_OWN.contains(&name.as_str()))
        .collect();
    environment.sort();
    for (name, value) in environment {
        line = format!("{line}{name}={value:?} ");
    }
    for descriptor in 3..10 {
        if fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_ok() {
            line = format!("{line}fd{descriptor} ");
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for field in ["Umask", "SigBlk", "SigIgn"] {
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .unwrap_or_default();
        line = format!("{line}{field}{} ", value.trim_start_matches(':').trim());
    }
    let directory = env::current_dir().unwrap_or_default();
    let directory = directory.file_name().unwrap_or_default();
    format!("{line}in {}\n", directory.to_string_lossy())
}

fn append(path: &Path, line: &str) {
    if let Ok(mut log) = OpenOptions::new().append(true).open(path) {
        let _ = log.write_all(line.as_bytes());
    }
}

fn lossy(text: OsString) -> String {
    text.to_string_lossy().into_owned()
}
