//! Runs a script as a container would: the shell is PID 1 of its own PID, mount and network namespaces, without
//! privileges, in a fresh directory, with nothing on its standard input.

mod isolation;
mod observed;
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tempfile::TempDir;

use isolation::{Isolation, NOBODY};
use observed::{collect, lossy};

pub(super) use observed::{OVER_THE_LIMIT, Observed};
pub(super) use program::Program;

use super::shells::Shell;

/// The time one run may take, on a machine that has other things to do as well.
const LIMIT: Duration = Duration::from_secs(8);

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

pub(super) struct Runner {
    root: TempDir,
    isolation: Isolation,
    program: PathBuf,
}

impl Runner {
    /// A runner for this thread.
    pub(super) fn new(program: &Program) -> anyhow::Result<Self> {
        let isolation = Isolation::new()?;
        let base = program.directory().join(DEEP);
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
