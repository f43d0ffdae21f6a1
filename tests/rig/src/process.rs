//! Server processes that never outlive the value that started them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

/// How much of the end of a log an error shows.
const LOG_TAIL: u64 = 4096;

/// A running server, its output in a log file. Dropping it kills it, and so does the end of this process ([`Guard`]).
#[derive(Debug)]
pub struct Process {
    // Dropped first, so that it never signals a process id that has been given to somebody else.
    guard: Guard,
    child: Killed,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `log`. `name` is what errors call it.
    pub fn start(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let output =
            File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let errors = output
            .try_clone()
            .context("cannot duplicate the log file handle")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Not in the terminal's foreground group: on Ctrl-C the guard ends it, not the terminal.
            .process_group(0)
            .spawn()
            .map(Killed)
            .with_context(|| {
                format!("cannot start {name} ({})", command.get_program().display())
            })?;
        let guard = Guard::new("kill -KILL \"$1\"", &[&child.0.id().to_string()])?;
        Ok(Self {
            guard,
            child,
            name: name.to_owned(),
            log: log.to_owned(),
        })
    }

    /// What errors call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// An error, with the end of the log, if it has ended.
    pub fn check_alive(&mut self) -> anyhow::Result<()> {
        match self
            .child
            .0
            .try_wait()
            .with_context(|| format!("cannot ask for the state of {}", self.name))?
        {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} ended ({status}):\n{}", self.name, self.log_tail()),
        }
    }

    /// The last lines it wrote.
    pub fn log_tail(&self) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(&self.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().unwrap_or_else(|error| format!("({} cannot be read: {error})", self.log.display()))
    }

    /// Sends SIGTERM, and returns at once.
    pub fn terminate(&self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child.0), Signal::TERM)
            .with_context(|| format!("cannot send SIGTERM to {}", self.name))
    }

    /// Kills it, and waits for its end.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let killed = self.child.0.kill();
        killed.with_context(|| format!("cannot kill {}", self.name))?;
        self.wait().map(drop)
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        self.child
            .0
            .wait()
            .with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Lets it outlive this value and this process; returns its process id.
    pub fn detach(self) -> u32 {
        let Self { guard, child, .. } = self;
        // It would take the closing of its pipe for our death.
        drop(guard);
        let id = child.0.id();
        std::mem::forget(child);
        id
    }
}

/// A child that dies with this value.
#[derive(Debug)]
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A shell that does something when this process is gone, whatever ended it: Ctrl-C, `SIGKILL`, an abort, a panic in a static.
///
/// It reads from a pipe that this process holds open. `PR_SET_PDEATHSIG` would not do: it fires when the *thread* that
/// started the child ends, and test threads end early. Dropping the guard calls it off.
#[derive(Debug)]
pub(crate) struct Guard(#[allow(dead_code, reason = "held for its Drop")] Killed);

impl Guard {
    /// `script` finds `arguments` in `$1`, `$2`, ...
    pub(crate) fn new(script: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        Command::new("sh")
            .args(["-c", &format!("read -r _; {script}"), "guard"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(|child| Self(Killed(child)))
            .context("cannot start sh, which guards the servers")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn sleep() -> Command {
        let mut command = Command::new("sleep");
        command.arg("600");
        command
    }

    #[test]
    fn a_process_ends_with_its_value() {
        let dir = tempfile::tempdir().unwrap();
        let process = Process::start("sleep", sleep(), &dir.path().join("log")).unwrap();
        let id = process.id();
        drop(process);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn a_process_ends_with_the_pipe_of_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = Process::start("sleep", sleep(), &dir.path().join("log")).unwrap();
        // What the kernel does when the owner dies.
        drop(process.guard.0.0.stdin.take());
        assert_eq!(process.wait().unwrap().signal(), Some(9));
    }

    #[test]
    fn an_error_shows_the_end_of_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo reason >&2; exit 3"]);
        let mut process = Process::start("server", command, &dir.path().join("log")).unwrap();
        process.wait().unwrap();
        let error = process.check_alive().unwrap_err().to_string();
        assert!(
            error.contains("server ended (exit status: 3)") && error.contains("reason"),
            "{error}"
        );
    }
}
