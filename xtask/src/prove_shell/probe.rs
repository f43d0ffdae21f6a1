//! The program that the scripts run, under several names: says what it sees in a log, where no redirection reaches, and
//! its words on standard output. Linked statically, because most of the proof's time is the start of this program.
//!
//! It lies in `DIR/bin` or beside `DIR/log`; `DIR/log/serve` lets it wait for SIGTERM, which a shell does for it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Shells set these for themselves, and again where `exec` is written; most are only exported by `-a`.
const SHELLS_OWN: [&str; 10] = [
    "_",
    "SHLVL",
    "PPID",
    "BASHPID",
    "BASH_EXECUTION_STRING",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "RANDOM",
    "SECONDS",
    "SRANDOM",
];

/// What every script starts with, apart from PATH.
const GIVEN: [(&str, &str); 5] = [
    ("D", "."),
    ("FOO", "old"),
    ("HOME", "/nowhere"),
    ("LC_ALL", "C.UTF-8"),
    ("x", "value"),
];

/// Signals whose ignoring tells nothing: this program's own runtime ignores PIPE, and libc has 32 and 33 for itself.
const OWN_SIGNALS: u64 = 1 << 12 | 1 << 31 | 1 << 32;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os().map(|word| lossy(&word)).collect();
    let name = arguments
        .first()
        .and_then(|path| path.rsplit('/').next())
        .unwrap_or_default();
    let own = env::current_exe().unwrap_or_default();
    let root = own
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("/"));
    let log = root.join("log");
    let arguments = arguments.get(1..).unwrap_or_default();
    let mut line = name.to_owned();
    for word in arguments {
        line = format!("{line} [{word}]");
    }
    // In one piece each: others write at the same time.
    append(&log.join("runs"), &format!("{line} {}\n", context(root)));
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
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

/// Environment as far as it is not as it was given, descriptors, umask, signals and directory.
fn context(root: &Path) -> String {
    let mut line = String::new();
    let mut environment: BTreeMap<_, _> = env::vars_os()
        .map(|(name, value)| (lossy(&name), lossy(&value)))
        .collect();
    for name in SHELLS_OWN {
        environment.remove(name);
    }
    let path = format!("{}/bin:/usr/bin:/bin", root.display());
    for (name, value) in GIVEN.into_iter().chain([("PATH", path.as_str())]) {
        match environment.get(name) {
            None => line = format!("{line}no {name} "),
            Some(found) if found == value => _ = environment.remove(name),
            Some(_) => {}
        }
    }
    for (name, value) in environment {
        let value = value.replace(&*root.to_string_lossy(), "ROOT");
        line = format!("{line}{name}={value:?} ");
    }
    for descriptor in 3..10 {
        if fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_ok() {
            line = format!("{line}fd{descriptor} ");
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_default().trim()
    };
    let signals = |name| u64::from_str_radix(field(name), 16).unwrap_or_default();
    let ignored = signals("SigIgn:") & !OWN_SIGNALS;
    for number in (1..=64).filter(|number| ignored & 1 << (number - 1) != 0) {
        line = format!("{line}ignores {number}, ");
    }
    let directory = env::current_dir().unwrap_or_default();
    format!(
        "{line}umask {} blocks {:x} in {}",
        field("Umask:"),
        signals("SigBlk:"),
        directory.file_name().unwrap_or_default().to_string_lossy()
    )
}

fn append(path: &Path, line: &str) {
    if let Ok(mut log) = OpenOptions::new().append(true).open(path) {
        let _ = log.write_all(line.as_bytes());
    }
}

fn lossy(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}
