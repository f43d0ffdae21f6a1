//! Runs a script as a container would: the shell is PID 1 of its own PID, mount and network namespaces, without
//! privileges, in a fresh directory, with nothing on its standard input.

mod isolation;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tempfile::TempDir;

use isolation::{Isolation, NOBODY};

use super::shells::Shell;

/// What can be seen of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Observed {
    /// Exit code, 128 + signal, or [`OVER_THE_LIMIT`].
    pub(super) status: i32,
    pub(super) stdout: String,
    /// What the programs saw: name, arguments, environment, directory, descriptors; one line each.
    pub(super) runs: String,
    /// Path and content of each file and directory that was left.
    pub(super) files: BTreeMap<String, String>,
}

impl Observed {
    /// The same without any digits in what was written.
    pub(super) fn without_numbers(&self) -> Self {
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

/// The time one run may take, on a machine that has other things to do as well.
const LIMIT: Duration = Duration::from_secs(8);

/// Status of a run that took longer and was killed.
pub(super) const OVER_THE_LIMIT: i32 = -1;

/// As much of a file is compared.
const COMPARED: u64 = 65_536;

/// So far below what everybody may write to that no script comes there by `cd ..`.
const DEEP: &str = "1/2/3/4/5/6/7/8";

/// The names that the program is called by: `fail` and `app3` exit 3.
const NAMES: &[&str] = &["ok", "app", "app2", "fail", "app3"];

/// A file that scripts source: what a virtualenv's `activate` does, which is to set variables and functions of its own.
const ACTIVATE: &str = r#"
deactivate () {
    if [ -n "${OLD_PATH:-}" ] ; then
        PATH="$OLD_PATH"
        export PATH
        unset OLD_PATH
    fi
    hash -r 2>/dev/null
    unset VIRTUAL_ENV
    if [ ! "${1-}" = "nondestructive" ] ; then
        unset -f deactivate
    fi
}
deactivate nondestructive
VIRTUAL_ENV=/venv
export VIRTUAL_ENV
OLD_PATH="$PATH"
PATH="$VIRTUAL_ENV/bin:$PATH"
export PATH
if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ] ; then
    PS1="(venv) ${PS1-}"
    export PS1
fi
hash -r 2>/dev/null
V=sourced
"#;

/// One that scripts had better not trust, and its name.
const SHADOWS: &str = "app() { echo shadow; }; app2() { echo shadow; }; trap 'echo bye' EXIT\n";
pub(super) const HARMFUL: &str = "harmful";

/// What `app` does when it is to be stopped.
const SERVE: &str = "\
trap 'echo term >>runs; exit 0' TERM
echo \"ready pid $$\" >>runs
while :; do /bin/sleep 0.02; done
";

/// The program that scripts run, built once; scripts run beside it.
pub(super) struct Program(TempDir);

impl Program {
    pub(super) fn build() -> anyhow::Result<Self> {
        // In memory, where programs may run from there: a disk takes a fifth of the time.
        let memory = Self::build_in(Path::new("/dev/shm"));
        memory.or_else(|_| Self::build_in(&std::env::temp_dir()))
    }

    fn build_in(base: &Path) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix_in("prove-shell-", base)?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let source = directory.path().join("probe.rs");
        fs::write(&source, include_str!("probe.rs"))?;
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let program = Self(directory);
        let built = Command::new(rustc)
            .args(["--edition=2024", "-O", "-Cpanic=abort", "-Cstrip=symbols"])
            .args(["-Ctarget-feature=+crt-static", "-Crelocation-model=static"])
            .arg("-o")
            .arg(program.path())
            .arg(source)
            .status()
            .context("starting rustc")?;
        ensure!(built.success(), "rustc fails on the program of the scripts");
        let runs = Command::new(program.path())
            .stdout(Stdio::null())
            .status()?;
        ensure!(runs.success(), "{} does not run", program.path().display());
        Ok(program)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("probe")
    }
}

pub(super) struct Runner {
    root: TempDir,
    isolation: Isolation,
    program: PathBuf,
}

impl Runner {
    /// A runner for this thread.
    pub(super) fn new(program: &Program) -> anyhow::Result<Self> {
        let isolation = Isolation::new()?;
        let base = program.0.path().join(DEEP);
        fs::create_dir_all(&base)?;
        let root = TempDir::with_prefix_in("worker-", base)?;
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755))?;
        let runner = Self {
            root,
            isolation,
            program: program.path(),
        };
        let bin = runner.root.path().join("bin");
        fs::create_dir(&bin)?;
        for name in NAMES {
            runner.install(&bin.join(name))?;
        }
        let log = runner.log();
        fs::create_dir(log.parent().context("no folder")?)?;
        fs::write(&log, "")?;
        fs::set_permissions(&log, fs::Permissions::from_mode(0o666))?;
        Ok(runner)
    }

    fn install(&self, path: &Path) -> anyhow::Result<()> {
        if self.isolation.drops_privileges {
            fs::hard_link(&self.program, path)?;
        } else {
            // The script's user may write to it.
            fs::copy(&self.program, path)?;
        }
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
        fs::create_dir(cwd.join("sub"))?;
        fs::write(cwd.join("in"), "one\ntwo\n")?;
        fs::write(cwd.join("plain"), "not executable\n")?;
        fs::create_dir_all(cwd.join("venv/bin"))?;
        fs::write(cwd.join("venv/bin/activate"), ACTIVATE)?;
        fs::write(cwd.join(HARMFUL), SHADOWS)?;
        self.install(&cwd.join("local"))?;
        fs::write(self.log(), "")?;
        let serving = self.log().with_file_name("serve");
        if serve {
            fs::write(serving, SERVE)?;
        } else if serving.exists() {
            fs::remove_file(serving)?;
        }
        if self.isolation.drops_privileges {
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
        self.isolation.renew()?;
        let mut command = Command::new(&link);
        self.isolation.drop_privileges(&mut command);
        let child = command
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
            .with_context(|| format!("starting {}", shell.path.display()))?;
        isolation::limit(child.id());
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
            .unwrap_or(OVER_THE_LIMIT);
        let cwd = self.root.path().join("cwd");
        let mut files = BTreeMap::new();
        collect(&cwd, &cwd, &mut files);
        Ok(Observed {
            status,
            stdout: lossy(&self.root.path().join("stdout")),
            runs: {
                // Programs that busybox does not exec have QUIT ignored, which PID 1 is safe from anyway.
                let log = match shell.name {
                    "busybox" => self.log_text().replace("ignores 3, ", ""),
                    _ => self.log_text(),
                };
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

/// A script that runs, as PID 1 of its namespace.
pub(super) struct Running(Child);

impl Running {
    /// PID 1, as this process sees it.
    fn first(&self) -> anyhow::Result<Pid> {
        let id = i32::try_from(self.0.id())?;
        Pid::from_raw(id).context("no process")
    }

    /// Sends TERM from outside, as the kubelet does.
    pub(super) fn terminate(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.first()?, Signal::TERM)?)
    }

    /// Exit code, or 128 + signal; `None` when the time was up and it was killed.
    pub(super) fn wait(&mut self, limit: Duration) -> anyhow::Result<Option<i32>> {
        let process = pidfd_open(self.first()?, PidfdFlags::empty()).context("pidfd_open")?;
        let limit = Timespec::try_from(limit)?;
        if poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit))? == 0 {
            self.kill()?;
            return Ok(None);
        }
        let status = self.0.wait()?;
        let signal = || 128 + status.signal().unwrap_or(0);
        Ok(Some(status.code().unwrap_or_else(signal)))
    }

    /// Ends it: everything in the namespace goes with PID 1.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
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
    "redirection failure",
];

/// Stands for any number of such lines.
const FAILURE: &str = "<failure>\n";

/// Variables that a bare `set` lists, and that are others each time.
const CHANGING: &[&str] = &[
    "RANDOM=", "SECONDS=", "SRANDOM=", "EPOCH", "BASHPID=", "_=", "SHLVL=",
];

/// The script's own text, in a bare `set` of bash; what follows it there.
const OWN_TEXT: (&str, &str) = ("BASH_EXECUTION_STRING=", "BASH_LINENO=");

/// The beginning of a file, as text, without what differs between two runs of the same script, whatever the wording of
/// failures.
fn lossy(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        let _ = file.take(COMPARED).read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut masked = String::new();
    let mut own_text = false;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        own_text = line.starts_with(OWN_TEXT.0) || (own_text && !line.starts_with(OWN_TEXT.1));
        if own_text || CHANGING.iter().any(|name| line.starts_with(name)) {
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
