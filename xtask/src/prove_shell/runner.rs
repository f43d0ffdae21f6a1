//! Runs a script as a container would: the shell is PID 1 of its own PID, mount and network namespaces, without
//! privileges, in a fresh directory, with nothing on its standard input.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
                "timeout",
                "--signal=KILL",
                "20",
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
                "--pdeathsig=KILL",
                "--",
            ]
        } else {
            &[
                "timeout",
                "--signal=KILL",
                "20",
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
             echo \"$line\" >>{log}\n\
             if [ \"$line\" != \"${{line#app}}\" ] && [ -e {serve} ]; then\n\
               trap 'echo term >>{log}; exit 0' TERM\n\
               echo \"ready pid $$\" >>{log}\n\
               while :; do /bin/sleep 0.02; done\n\
             fi\n\
             exit {status}\n",
            log = self.log().display(),
            serve = self.log().with_file_name("serve").display(),
        );
        fs::write(path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// What the programs logged.
    pub(super) fn log_text(&self) -> String {
        lossy(&self.log())
    }

    /// Waits until the log is as it should be; whether it came so far.
    pub(super) fn wait_for_log(&self, done: impl Fn(&str) -> bool, limit: Duration) -> bool {
        let started = Instant::now();
        while started.elapsed() < limit {
            if done(&self.log_text()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
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

    /// Starts a script in a fresh directory; `app` then waits for TERM if it is to serve.
    pub(super) fn start(
        &self,
        shell: &Shell,
        options: &[&str],
        script: &str,
        serve: bool,
    ) -> anyhow::Result<Running> {
        let cwd = self.fresh("cwd")?;
        let log = self.fresh("log")?;
        fs::create_dir(cwd.join("sub"))?;
        fs::write(cwd.join("in"), "one\ntwo\n")?;
        fs::write(cwd.join("plain"), "not executable\n")?;
        self.install_program(&cwd.join("local"), 0)?;
        fs::write(log.join("runs"), "")?;
        fs::set_permissions(log.join("runs"), fs::Permissions::from_mode(0o666))?;
        if serve {
            fs::write(log.join("serve"), "")?;
        }
        if self.privileged {
            chown(cwd.join("sub"), Some(NOBODY), Some(NOBODY))?;
        }
        let mut argv = shell.argv.iter();
        // The shell is told its name by a link, as `sh` in an image is one.
        let name = argv.next().copied().unwrap_or(shell.name);
        let bin = self.root.path().join("bin");
        let link = bin.join(format!("shell-{}", shell.name)).join(name);
        if !link.exists() {
            fs::create_dir_all(link.parent().context("no folder")?)?;
            std::os::unix::fs::symlink(&shell.path, &link)?;
        }
        let child = self
            .command()
            .arg(&link)
            .args(argv)
            .args(options)
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
            .stdout(fs::File::create(self.root.path().join("stdout"))?)
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting unshare (package util-linux)")?;
        Ok(Running(child))
    }

    /// Whether the shell itself finds the grammar right (`-n` runs nothing).
    pub(super) fn accepts(&self, shell: &Shell, script: &str) -> anyhow::Result<bool> {
        Ok(self.start(shell, &["-n"], script, false)?.wait(LIMIT)? == Some(0))
    }

    /// Runs a script to its end.
    pub(super) fn run(&self, shell: &Shell, script: &str) -> anyhow::Result<Observed> {
        let status = self
            .start(shell, &[], script, false)?
            .wait(LIMIT)?
            .unwrap_or(-1);
        let cwd = self.root.path().join("cwd");
        let mut files = BTreeMap::new();
        collect(&cwd, &cwd, &mut files);
        Ok(Observed {
            status,
            stdout: lossy(&self.root.path().join("stdout")),
            runs: {
                let log = self.log_text();
                let mut lines: Vec<_> = log.lines().collect();
                // The programs of a pipeline run in any order.
                if script.contains('|') {
                    lines.sort_unstable();
                }
                lines.join("\n")
            },
            files,
        })
    }
}

/// A script that runs. `timeout` ends it even when nobody is left to do so.
pub(super) struct Running(Child);

impl Running {
    /// The host's id of PID 1: the child of `unshare`, which is the child of `timeout`.
    pub(super) fn first_process(&self) -> Option<u32> {
        child_of(child_of(self.0.id())?)
    }

    /// Exit code, or 128 + signal; `None` when the time was up and it was killed.
    pub(super) fn wait(&mut self, limit: Duration) -> anyhow::Result<Option<i32>> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(
                    status
                        .code()
                        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
                ));
            }
            if started.elapsed() > limit {
                self.kill()?;
                return Ok(None);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Ends it: everything in the namespace goes with PID 1.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(first) = self.first_process() {
            Command::new("kill")
                .args(["-KILL", &first.to_string()])
                .status()?;
        } else {
            self.0.kill()?;
        }
        self.0.wait()?;
        Ok(())
    }
}

/// The only child of a process.
fn child_of(id: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
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
    "redirection failure",
];

/// Stands for any number of such lines.
const FAILURE: &str = "<failure>\n";

/// The beginning of a file, as text, whatever the wording of failures.
fn lossy(path: &Path) -> String {
    let mut bytes = fs::read(path).unwrap_or_default();
    bytes.truncate(65_536);
    let text = String::from_utf8_lossy(&bytes);
    let mut masked = String::new();
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        if line.starts_with('+') {
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
