//! A container as far as stopping is concerned: a PID and mount namespace, PID 1 leading a session, standard input
//! from `/dev/null` opened as runc opens it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use softstop_init::sys;
use tempfile::TempDir;

/// The program under test, built once.
pub(crate) fn softstop_init() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built(&["build-init"], "tiny/softstop-init"))
}

const AARCH64: &str = "aarch64-unknown-none";
const EMULATOR: &str = "qemu-aarch64-static";

/// The same program for aarch64 behind an emulator, as the first words of a command; says so where it cannot be had.
pub(crate) fn aarch64() -> Option<[&'static str; 2]> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let library = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", AARCH64])
        .output()
        .expect("rustc");
    if !Path::new(String::from_utf8_lossy(&library.stdout).trim()).is_dir() {
        eprintln!("SKIPPED: this needs `rustup target add {AARCH64}`");
        return None;
    }
    if !available(&[EMULATOR]) {
        return None;
    }
    let arguments = ["build-init", "--target", AARCH64];
    let path = format!("{AARCH64}/tiny/softstop-init");
    let program = BUILT.get_or_init(|| built(&arguments, &path));
    Some([EMULATOR, program.to_str().expect("path")])
}

/// The program that logs what reaches it.
pub(crate) fn drainer() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let arguments = [
        "build",
        "--package",
        "softstop-init",
        "--example",
        "drainer",
    ];
    BUILT.get_or_init(|| built(&arguments, "debug/examples/drainer"))
}

fn built(arguments: &[&str], path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let status = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--quiet")
        .current_dir(root)
        .status();
    assert!(
        status.expect("cargo").success(),
        "cargo {arguments:?} failed"
    );
    target().join(path)
}

fn target() -> PathBuf {
    let test = std::env::current_exe().expect("own path"); // target/debug/deps/init-HASH
    test.ancestors()
        .nth(3)
        .expect("target directory")
        .to_path_buf()
}

/// Whether containers can be made here; says so if not.
pub(crate) fn available(programs: &[&str]) -> bool {
    let root = fs::metadata("/proc/self")
        .is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0);
    if !root {
        eprintln!("SKIPPED: this test makes PID namespaces, which needs root");
        return false;
    }
    let missing: Vec<_> = ["unshare", "nsenter", "setsid"]
        .iter()
        .chain(programs)
        .filter(|name| find(name).is_none())
        .collect();
    if !missing.is_empty() {
        eprintln!("SKIPPED: not installed: {missing:?}");
    }
    missing.is_empty()
}

pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|file| file.exists())
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this code, after so long.
    Exit(i32, Duration),
    /// At the end of the grace period.
    Killed,
}

impl End {
    pub(crate) fn code(self) -> Option<i32> {
        match self {
            Self::Exit(code, _) => Some(code),
            Self::Killed => None,
        }
    }
}

pub(crate) struct Container {
    runtime: Child,
    /// PID 1, as the host sees it.
    pub(crate) pid: u32,
    pub(crate) directory: TempDir,
}

impl Container {
    /// Starts `argv` as PID 1. `app` to `app3`, `daphne` and `nginx` are the drainer; `{DIR}` is the container's directory.
    pub(crate) fn start<S: AsRef<str>>(argv: &[S]) -> Self {
        Self::start_with(argv, |_| {})
    }

    pub(crate) fn start_with<S: AsRef<str>>(
        argv: &[S],
        configure: impl FnOnce(&mut Command),
    ) -> Self {
        let directory = TempDir::new().expect("directory");
        fs::write(directory.path().join("log"), "").expect("log");
        let null = File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .expect("/dev/null");
        let output = File::create(directory.path().join("output")).expect("output");
        let mut command = Command::new("unshare");
        command.args([
            "--pid",
            "--mount",
            "--mount-proc",
            "--fork",
            "--kill-child",
            "setsid",
        ]);
        command.args(
            argv.iter()
                .map(|word| expand(word.as_ref(), directory.path())),
        );
        command
            .stdin(null)
            .stdout(output.try_clone().expect("output"))
            .stderr(output);
        for name in ["app", "app2", "app3", "daphne", "hypercorn", "nginx"] {
            std::os::unix::fs::symlink(drainer(), directory.path().join(name)).expect("link");
        }
        command
            .current_dir(directory.path())
            .env("DRAINER_LOG", directory.path().join("log"))
            .env("PATH", path_with(directory.path()));
        configure(&mut command);
        let runtime = command.spawn().expect("unshare");
        let mut container = Self {
            runtime,
            pid: 0,
            directory,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while container.pid == 0 {
            assert!(
                Instant::now() < deadline,
                "PID 1 did not start: {}",
                container.output()
            );
            container.pid = only_child(container.runtime.id()).unwrap_or(0);
            sleep(Duration::from_millis(1));
        }
        container
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).expect("log")
    }

    pub(crate) fn output(&self) -> String {
        fs::read_to_string(self.directory.path().join("output")).expect("output")
    }

    /// Waits until the log holds `count` lines with `what`.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self
            .log()
            .lines()
            .filter(|line| line.contains(what))
            .count()
            < count
        {
            assert!(
                Instant::now() < deadline,
                "no {count} x {what:?} in:\n{}{}",
                self.log(),
                self.output()
            );
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a program of that name runs.
    #[track_caller]
    pub(crate) fn wait_for_process(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let runs = || self.exec(&["busybox", "pidof", name]).output();
        while !runs().expect("pidof").status.success() {
            assert!(Instant::now() < deadline, "no {name}: {}", self.output());
            sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn signal(&self, signal: u8) {
        sys::kill(self.pid, signal).expect("PID 1 is there");
    }

    /// Waits for the end; kills after `grace`, as the kubelet does.
    pub(crate) fn wait(&mut self, grace: Duration) -> End {
        let start = Instant::now();
        loop {
            if let Some(status) = self.runtime.try_wait().expect("unshare") {
                return End::Exit(code(status), start.elapsed());
            }
            if start.elapsed() > grace {
                let _ = sys::kill(self.pid, 9);
                let _ = self.runtime.wait();
                return End::Killed;
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// SIGTERM, then what `wait` says.
    pub(crate) fn stop(&mut self, grace: Duration) -> End {
        self.signal(15);
        self.wait(grace)
    }

    /// Runs a command in the container as the kubelet runs a hook.
    pub(crate) fn exec<S: AsRef<str>>(&self, argv: &[S]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--pid", "--mount", "--target", &self.pid.to_string(), "--"]);
        command.args(
            argv.iter()
                .map(|word| expand(word.as_ref(), self.directory.path())),
        );
        command.stdin(Stdio::null());
        command
    }

    /// A preStop hook with its whole output.
    pub(crate) fn hook(&self, arguments: &[&str]) -> Output {
        let mut argv = vec![softstop_init().to_str().expect("path"), "drain"];
        argv.extend(arguments);
        self.exec(&argv).output().expect("nsenter")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.runtime.kill(); // --kill-child takes PID 1 along
        let _ = self.runtime.wait();
    }
}

fn expand(word: &str, directory: &Path) -> String {
    word.replace("{DIR}", &directory.to_string_lossy())
}

fn path_with(directory: &Path) -> String {
    format!(
        "{}:{}",
        directory.display(),
        std::env::var("PATH").expect("PATH")
    )
}

fn only_child(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let child: u32 = children.split_whitespace().next()?.parse().ok()?;
    // Past setsid: the container's own program.
    let name = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
    (!["unshare\n", "setsid\n"].contains(&name.as_str())).then_some(child)
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
