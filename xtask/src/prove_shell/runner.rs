//! Runs a script as a container would: the shell is PID 1 of its own PID, mount and network namespaces, without
//! privileges, in a fresh directory, with nothing on its standard input.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;

use super::shells::Shell;

/// What can be seen of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Observed {
    /// Exit code, 128 + signal, or -1 when the time was up.
    pub(super) status: i32,
    pub(super) stdout: String,
    /// What the programs saw: name, arguments, environment, directory, descriptors; one line each.
    pub(super) runs: String,
    /// Path and content of each file and directory that was left.
    pub(super) files: BTreeMap<String, String>,
}

impl Observed {
    /// What differs, the original first.
    pub(super) fn against(&self, rewritten: &Self) -> String {
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

/// The time one run may take.
const LIMIT: Duration = Duration::from_secs(4);

/// Programs that exit 0, and those that exit 3.
const PROGRAMS: &[(&str, u8)] = &[("ok", 0), ("app", 0), ("app2", 0), ("fail", 3), ("app3", 3)];

/// Without privileges of any kind.
const NOBODY: u32 = 65_534;

pub(super) struct Runner {
    root: TempDir,
    isolate: Vec<String>,
    privileged: bool,
}

impl Runner {
    /// A runner; `None` where this machine makes no namespaces.
    pub(super) fn new() -> anyhow::Result<Option<Self>> {
        let privileged = fs::metadata("/proc/self")?.uid() == 0;
        let isolate: &[&str] = if privileged {
            &[
                "unshare",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount",
                "--net",
                "--ipc",
                "--",
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "--bounding-set=-all",
                "--no-new-privs",
                "--",
            ]
        } else {
            &[
                "unshare",
                "--user",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount",
                "--net",
                "--ipc",
                "--",
            ]
        };
        let isolate: Vec<String> = isolate.iter().map(|&word| word.to_owned()).collect();
        let root = TempDir::with_prefix("prove-shell-")?;
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755))?;
        let runner = Self {
            root,
            isolate,
            privileged,
        };
        runner.install()?;
        let works = runner
            .command()
            .arg("true")
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        Ok(works.then_some(runner))
    }

    /// Writes the programs; each logs where no script's redirection reaches.
    fn install(&self) -> anyhow::Result<()> {
        let bin = self.root.path().join("bin");
        fs::create_dir(&bin)?;
        for (name, status) in PROGRAMS {
            self.install_program(&bin.join(name), *status)?;
        }
        Ok(())
    }

    fn install_program(&self, path: &Path, status: u8) -> anyhow::Result<()> {
        let text = format!(
            "#!/bin/dash\n\
             line=${{0##*/}}; for word; do line=\"$line [$word]\"; done\n\
             line=\"$line FOO=$FOO A=$A umask=$(umask) pwd=${{PWD##*/}}\"\n\
             for fd in 3 4 5; do [ -e /proc/self/fd/$fd ] && line=\"$line fd$fd\"; done\n\
             echo \"$line\"\n\
             echo \"$line\" >>{}\n\
             exit {status}\n",
            self.log().display()
        );
        fs::write(path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.root.path().join("log/runs")
    }

    fn command(&self) -> Command {
        let mut words = self.isolate.iter();
        let mut command = Command::new(words.next().map_or("false", String::as_str));
        command.args(words);
        command
    }

    /// A directory that scripts may write to, with something in it.
    fn fresh(&self, name: &str) -> anyhow::Result<PathBuf> {
        let directory = self.root.path().join(name);
        if directory.exists() {
            // A script may have taken its own permissions away.
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o777))?;
            fs::remove_dir_all(&directory)
                .with_context(|| format!("removing {}", directory.display()))?;
        }
        fs::create_dir(&directory)?;
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777))?;
        Ok(directory)
    }

    /// Runs a script to its end.
    pub(super) fn run(&self, shell: &Shell, script: &str) -> anyhow::Result<Observed> {
        let cwd = self.fresh("cwd")?;
        let log = self.fresh("log")?;
        fs::create_dir(cwd.join("sub"))?;
        fs::write(cwd.join("in"), "one\ntwo\n")?;
        fs::write(cwd.join("plain"), "not executable\n")?;
        self.install_program(&cwd.join("local"), 0)?;
        fs::write(log.join("runs"), "")?;
        fs::set_permissions(log.join("runs"), fs::Permissions::from_mode(0o666))?;
        if self.privileged {
            chown(cwd.join("sub"), Some(NOBODY), Some(NOBODY))?;
        }
        let stdout = self.root.path().join("stdout");
        let mut argv = shell.argv.iter();
        let mut command = self.command();
        // The shell is told its name by a link, as `sh` in an image is one.
        let name = argv.next().copied().unwrap_or(shell.name);
        let link = self
            .root
            .path()
            .join("bin")
            .join(format!("shell-{}", shell.name))
            .join(name);
        if !link.exists() {
            fs::create_dir_all(link.parent().context("no folder")?)?;
            std::os::unix::fs::symlink(&shell.path, &link)?;
        }
        let bin = self.root.path().join("bin");
        let mut child = command
            .arg(&link)
            .args(argv)
            .args(["-c", script, "name", "one", "two words"])
            .current_dir(&cwd)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .envs([
                ("FOO", "old"),
                ("x", "value"),
                ("D", "."),
                ("HOME", "/nowhere"),
                ("LC_ALL", "C.UTF-8"),
            ])
            .stdin(Stdio::null())
            .stdout(fs::File::create(&stdout)?)
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting unshare (package util-linux)")?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status
                    .code()
                    .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            }
            if started.elapsed() > LIMIT {
                // Its own child, PID 1 of the namespace, goes with it.
                child.kill()?;
                child.wait()?;
                break -1;
            }
            std::thread::sleep(Duration::from_micros(500));
        };
        let mut files = BTreeMap::new();
        collect(&cwd, &cwd, &mut files);
        Ok(Observed {
            status,
            stdout: lossy(&stdout),
            runs: lossy(&self.log()),
            files,
        })
    }
}

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
];

/// The beginning of a file, as text, whatever the wording of failures.
fn lossy(path: &Path) -> String {
    let mut bytes = fs::read(path).unwrap_or_default();
    bytes.truncate(65_536);
    let text = String::from_utf8_lossy(&bytes);
    let masked = text.split_inclusive('\n').map(|line| {
        let lower = line.to_ascii_lowercase();
        let failure = FAILURES.iter().any(|failure| lower.contains(failure));
        if failure { "<failure>\n" } else { line }
    });
    masked.collect()
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, String>) {
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
            Ok(kind) if kind.is_file() => {
                files.insert(name, lossy(&path));
            }
            _ => {
                files.insert(name, "other".to_owned());
            }
        }
    }
}
