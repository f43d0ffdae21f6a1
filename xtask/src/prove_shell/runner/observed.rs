//! What can be seen of a run, without what differs between two runs of the same script.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Status of a run that took longer and was killed.
pub(in crate::prove_shell) const OVER_THE_LIMIT: i32 = -1;

/// What can be seen of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::prove_shell) struct Observed {
    /// Exit code, 128 + signal, or [`OVER_THE_LIMIT`].
    pub(in crate::prove_shell) status: i32,
    pub(in crate::prove_shell) stdout: String,
    /// What the programs saw: name, arguments, environment, directory, descriptors; one line each.
    pub(in crate::prove_shell) runs: String,
    /// Path and content of each file and directory that was left.
    pub(in crate::prove_shell) files: BTreeMap<String, String>,
}

impl Observed {
    /// The same without any digits in what was written.
    pub(in crate::prove_shell) fn without_numbers(&self) -> Self {
        let strip = |text: &String| text.replace(|c: char| c.is_ascii_digit(), "");
        Self {
            status: self.status,
            stdout: strip(&self.stdout),
            runs: strip(&self.runs),
            files: self
                .files
                .iter()
                .map(|(name, content)| (strip(name), strip(content)))
                .collect(),
        }
    }

    /// What differs, the original first.
    pub(in crate::prove_shell) fn against(&self, rewritten: &Self) -> String {
        let mut lines = String::new();
        let mut line = |what: &str, before: String, after: String| {
            if before != after {
                lines = format!("{lines}{what}:\n  original:  {before}\n  rewritten: {after}\n");
            }
        };
        line(
            "status",
            self.status.to_string(),
            rewritten.status.to_string(),
        );
        line(
            "stdout",
            format!("{:?}", self.stdout),
            format!("{:?}", rewritten.stdout),
        );
        line(
            "runs",
            format!("{:?}", self.runs),
            format!("{:?}", rewritten.runs),
        );
        for name in self
            .files
            .keys()
            .chain(rewritten.files.keys())
            .collect::<BTreeSet<_>>()
        {
            line(
                name,
                format!("{:?}", self.files.get(name)),
                format!("{:?}", rewritten.files.get(name)),
            );
        }
        lines
    }
}

/// As much of a file is compared.
const COMPARED: u64 = 65_536;

/// How shells say that a program cannot be run. They word it otherwise for `exec`, which nobody depends on.
const FAILURES: &[&str] = &[
    "not found",
    "no such command",
    "no such file",
    "cannot execute",
    "permission denied",
    "is a directory",
    "inaccessible",
    "can't execute",
    "cannot run",
    "redirection failure",
];

/// Stands for any number of such lines.
const FAILURE: &str = "<failure>\n";

/// Variables that a bare `set` lists, and that are others each time.
const CHANGING: &[&str] = &[
    "RANDOM=", "SECONDS=", "SRANDOM=", "EPOCH", "BASHPID=", "_=", "SHLVL=",
];

/// The script's own text, in what a bare `set` of bash lists; what follows it there.
const OWN_TEXT: (&str, &str) = ("BASH_EXECUTION_STRING=", "BASH_LINENO=");

/// The text without bash's copy of the script, in lines of its own or as words of some program.
fn without_own_text(text: &str) -> String {
    let mut parts = text.split(OWN_TEXT.0);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |rest, part| {
        let after = part.find(OWN_TEXT.1).and_then(|end| part.get(end..));
        rest + after.unwrap_or_default()
    })
}

/// The beginning of a file, as text, without what differs between two runs of the same script, whatever the wording of
/// failures.
pub(super) fn lossy(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        let _ = file.take(COMPARED).read_to_end(&mut bytes);
    }
    let text = without_own_text(&String::from_utf8_lossy(&bytes));
    let mut masked = String::new();
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        if CHANGING.iter().any(|name| line.starts_with(name)) {
        } else if line.starts_with('+') {
            // The trace of `set -x` shows the script's own text, and a trailing `exit` that exec leaves no shell for.
            if !line
                .trim_start_matches('+')
                .trim_start()
                .starts_with("exit")
            {
                masked.push_str(&line.replacen("exec ", "", 1));
            }
        } else if !FAILURES.iter().any(|failure| lower.contains(failure)) {
            masked.push_str(line);
        } else if !masked.ends_with(FAILURE) {
            masked.push_str(FAILURE);
        }
    }
    masked
}

pub(super) fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                files.insert(name, "directory".to_owned());
                collect(root, &path, files);
            }
            // The program is long, and has more names than one.
            Ok(kind) if kind.is_file() && entry.metadata().is_ok_and(|meta| meta.nlink() > 1) => {
                files.insert(name, "program".to_owned());
            }
            Ok(kind) if kind.is_file() => {
                files.insert(name, lossy(&path));
            }
            _ => {
                files.insert(name, "other".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_own_text_is_not_compared() {
        let listed = |script: &str| {
            let lines = format!("BASH_EXECUTION_STRING='{script}'\nBASH_LINENO=()\nx=1\n");
            let words = format!("ok [BASH_EXECUTION_STRING='{script}'] [BASH_LINENO=()] [x=1]\n");
            without_own_text(&(lines + &words))
        };
        assert_eq!(listed("ok;\nexec app"), listed("ok;\napp"));
        assert_eq!(
            listed(""),
            "BASH_LINENO=()\nx=1\nok [BASH_LINENO=()] [x=1]\n"
        );
        assert_eq!(without_own_text("exec app\n"), "exec app\n");
    }
}
