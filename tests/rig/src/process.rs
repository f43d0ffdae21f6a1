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

/// A running server, its output in a log file. Dropping it kills it.
///
/// A *guard* covers the ends that run no destructor (Ctrl-C, `SIGKILL`, abort): a shell that reads from a pipe held open by
/// this process, and kills the server when the pipe closes. `PR_SET_PDEATHSIG` would not do: it fires when the *thread* that
/// started the child ends, and tests run on threads that end early.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    guard: Child,
}

impl Process {
    /// Starts `command` with its output in `log`. `name` is what errors call it.
    pub fn start(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let errors = output.try_clone().context("cannot duplicate the log file handle")?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Not in the terminal's foreground group: on Ctrl-C the guard ends it, not the terminal.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", command.get_program().display()))?;
        let guard = match guard(child.id()) {
            Ok(guard) => guard,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child, guard })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error, with the end of the log, if it has ended.
    pub fn check_alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait().with_context(|| format!("cannot ask for the state of {}", self.name))? {
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
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .with_context(|| format!("cannot send SIGTERM to {}", self.name))
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        self.child.wait().with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Lets it outlive this value and this process; returns its process id.
    pub fn detach(mut self) -> anyhow::Result<u32> {
        // The guard first: it would take the closing of its pipe for our death.
        self.guard.kill().context("cannot end the guard process")?;
        self.guard.wait().context("cannot wait for the guard process")?;
        let id = self.child.id();
        std::mem::forget(self);
        Ok(id)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The guard first, so that it never signals a process id that has been given to somebody else.
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the shell that kills `id` when this process is gone.
fn guard(id: u32) -> anyhow::Result<Child> {
    Command::new("sh")
        .args(["-c", r#"read -r _; kill -KILL "$1""#, "guard", &id.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start sh, which guards the servers")
}
