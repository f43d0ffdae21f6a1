//! Celery as it is used: a pre-forking worker on Redis with a task running when the stop comes. With 5.2 a second
//! SIGTERM loses the task as surely as SIGKILL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::container::{Container, End, available, softstop_init};

const GRACE: Duration = Duration::from_secs(15);
const TASKS: &str = "
import os, time
from celery import Celery
app = Celery(broker='redis+socket://' + os.environ['REDIS'])
app.conf.worker_hijack_root_logger = False
@app.task
def work(log):
    with open(log, 'a') as file: file.write('task begins\\n')
    time.sleep(2)
    with open(log, 'a') as file: file.write('task ends\\n')
";

const TRAP: &str = "trap 'kill $P' TERM; {CELERY} & P=$!; wait $P";

/// A virtual environment with Celery 5.2.7, kept outside the source tree; `None`, loudly, if it cannot be had.
fn celery() -> Option<PathBuf> {
    let cache = PathBuf::from(std::env::var_os("HOME")?).join(".cache/softstop/celery");
    let program = cache.join("bin/celery");
    if !program.exists() {
        let made = Command::new("python3")
            .args(["-m", "venv"])
            .arg(&cache)
            .status()
            .is_ok_and(|status| status.success());
        let packages = [
            "install",
            "--quiet",
            "celery[redis]==5.2.7",
            "setuptools<81",
            "packaging",
        ];
        let pip = Command::new(cache.join("bin/pip"))
            .args(packages)
            .stderr(Stdio::null())
            .status();
        if !made || !pip.is_ok_and(|status| status.success()) {
            eprintln!(
                "SKIPPED: Celery cannot be installed into {}",
                cache.display()
            );
            return None;
        }
    }
    Some(program)
}

/// A Redis of our own, on a socket.
struct Redis(Child);

impl Redis {
    fn start(directory: &Path) -> Self {
        let socket = directory.join("redis.sock");
        let mut command = Command::new("redis-server");
        command
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .current_dir(directory);
        let server = command.stdout(Stdio::null()).spawn().expect("redis-server");
        let deadline = Instant::now() + Duration::from_secs(10);
        while !socket.exists() {
            assert!(Instant::now() < deadline, "redis-server did not start");
            sleep(Duration::from_millis(20));
        }
        Self(server)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a worker as `argv` (with `{CELERY}`), gives it a task, and stops it in the middle of that.
fn stop_in_the_middle(argv: &[&str], hook: bool) -> Option<(String, End, String)> {
    let celery = celery()?;
    let redis_directory = tempfile::TempDir::new().expect("directory");
    let _redis = Redis::start(redis_directory.path());
    let modules = tempfile::TempDir::new().expect("directory");
    fs::write(modules.path().join("tasks.py"), TASKS).expect("tasks");
    let environment = |command: &mut Command| {
        command
            .env("REDIS", redis_directory.path().join("redis.sock"))
            .env("PYTHONPATH", modules.path());
        command.env("C_FORCE_ROOT", "1").current_dir(modules.path());
    };
    let worker = format!(
        "{} -A tasks worker --concurrency=2 --loglevel=info",
        celery.display()
    );
    let multi = format!(
        "{} multi start one -A tasks --concurrency=2 --pidfile=one.pid --logfile=one.log",
        celery.display()
    );
    let expand = |word: &&str| word.replace("{CELERY}", &worker).replace("{MULTI}", &multi);
    let argv: Vec<_> = argv.iter().map(expand).collect();
    let mut container = Container::start_with(&argv, environment);
    let log = container.directory.path().join("log");
    let mut call = Command::new(celery.with_file_name("python"));
    call.args(["-c", "import sys, tasks; tasks.work.delay(sys.argv[1])"])
        .arg(&log);
    environment(&mut call);
    let mut call = call.spawn().expect("python");
    container.wait_for("task begins", 1);
    sleep(Duration::from_millis(200));
    if hook {
        container.hook(&[]);
    }
    let _ = softstop_init::sys::kill(container.pid, 15);
    let end = container.wait(GRACE);
    assert!(call.wait().expect("python").success());
    Some((container.log(), end, container.output()))
}

#[test]
fn a_running_task_is_finished() {
    if !available(&["redis-server", "python3", "bash"]) {
        return;
    }
    let init = softstop_init().to_str().expect("path");
    let cases: [(&[&str], bool); 7] = [
        (&[init, "--", "dash", "-c", "{CELERY}; true"], false),
        (&[init, "--", "bash", "-c", "exec {CELERY}"], false),
        (&["dash", "-c", "{CELERY}; true"], true),
        (&["bash", "-c", TRAP], true),
        (
            &["dumb-init", "--", "dash", "-c", "{CELERY} 2>&1 | tee log"],
            true,
        ),
        // The worker is a daemon; the idle command only keeps the container alive.
        (
            &[init, "--", "dash", "-c", "{MULTI}; exec tail -f /dev/null"],
            false,
        ),
        (&["dash", "-c", "{MULTI}; tail -f /dev/null; true"], true),
    ];
    std::thread::scope(|scope| {
        for (argv, hook) in cases {
            scope.spawn(move || {
                let Some((log, end, output)) = stop_in_the_middle(argv, hook) else {
                    return;
                };
                assert_eq!(
                    log, "task begins\ntask ends\n",
                    "{argv:?}: {end:?}\n{output}"
                );
                assert!(matches!(end, End::Exit(..)), "{argv:?}: {end:?}\n{output}");
                assert!(
                    !output.contains("Cold shutdown"),
                    "{argv:?}: signalled twice\n{output}"
                );
            });
        }
    });
}

/// The control: without the hook the trap ends the container, and with it the task.
#[test]
fn without_us_the_same_trap_loses_the_task() {
    if !available(&["redis-server", "python3", "bash"]) {
        return;
    }
    if let Some((log, end, output)) = stop_in_the_middle(&["bash", "-c", TRAP], false) {
        assert_eq!(log, "task begins\n", "{end:?}\n{output}");
    }
}
