//! The script shapes in which people start their programs, each with dash, bash and busybox.

use std::thread;
use std::time::Duration;

use crate::container::{Container, End, available, softstop_init};

const GRACE: Duration = Duration::from_secs(4);
const SHELLS: &[&[&str]] = &[&["dash"], &["bash"], &["busybox", "sh"]];

/// One shape. `app` stands for a program that finishes its work after SIGTERM, `app2` for another one.
struct Shape {
    script: &'static str,
    /// How many programs run.
    programs: usize,
    /// Exit codes that are right with softstop-init as PID 1.
    codes: &'static [i32],
}

const fn shape(script: &'static str, programs: usize, codes: &'static [i32]) -> Shape {
    Shape { script, programs, codes }
}

const SHAPES: &[Shape] = &[
    shape("app; true", 1, &[0]),
    shape("true && app; :", 1, &[0]),
    shape("app | cat", 1, &[0]),
    shape("app 2>&1 | tee {DIR}/tee", 1, &[0]),
    shape("app & app2 & wait", 2, &[143]),
    shape("app & wait $!", 1, &[0]),
    shape("while :; do app; done", 1, &[0]),
    shape("app || exit 1", 1, &[0]),
    shape("( app )", 1, &[0]),
    shape("exec app", 1, &[0]),
    shape("sleep infinity", 0, &[143]),
    shape("while sleep 5; do :; done", 0, &[143]),
    shape("trap 'kill $P; wait $P' TERM; app & P=$!; wait $P", 1, &[143]),
    shape("trap 'kill $P' TERM; app & P=$!; wait $P", 1, &[143]),
    shape("trap 'echo told' TERM; app; echo", 1, &[0]),
    shape("trap 'echo end' EXIT; app", 1, &[0]),
    shape("trap : TERM; sleep infinity & wait", 0, &[0, 143]),
];

/// Signals the program catches: most catch INT too, some QUIT, and then nothing tells whether they run in the background.
const CATCH: &[&str] = &["15", "15,2", "15,2,3"];

fn start(prefix: &[&str], shell: &[&str], shape: &Shape, catch: &str) -> Container {
    let mut argv = prefix.to_vec();
    argv.extend(shell);
    argv.extend(["-c", shape.script]);
    let arguments = format!("catch={catch} drain=300");
    let container = Container::start_with(&argv, |command| {
        command.env("DRAINER_ARGS", arguments);
    });
    container.wait_for("start", shape.programs);
    thread::sleep(Duration::from_millis(60));
    container
}

/// What went wrong, if anything: every program graceful, each signalled once.
fn judge(container: &Container, shape: &Shape, end: End, codes: &[i32]) -> Result<(), String> {
    let log = container.log();
    let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    let graceful = count("graceful");
    let code = end.code();
    let right = graceful == shape.programs
        && count("signal") == shape.programs
        && code.is_some_and(|code| codes.contains(&code));
    if right { Ok(()) } else { Err(format!("{end:?}, {graceful}/{}\n{log}{}", shape.programs, container.output())) }
}

/// Runs `check` for every shape, shell and way to catch, a few at a time; panics with all that failed.
fn matrix(check: impl Fn(&[&str], &Shape, &str) -> Result<(), String> + Sync) {
    let cases: Vec<_> = SHAPES
        .iter()
        .flat_map(|shape| SHELLS.iter().map(move |shell| (shape, *shell)))
        .flat_map(|(shape, shell)| CATCH.iter().map(move |catch| (shape, shell, *catch)))
        .filter(|(shape, _, catch)| shape.programs > 0 || *catch == CATCH[0])
        .collect();
    let check = &check;
    let failures: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let mine = cases.iter().skip(worker).step_by(8);
                scope.spawn(move || {
                    mine.filter_map(|(shape, shell, catch)| {
                        let failure = check(shell, shape, catch).err()?;
                        Some(format!("{shell:?} catch {catch}: {}\n  {failure}", shape.script))
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("worker")).collect()
    });
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn as_pid_1_every_shape_ends_gracefully() {
    if !available(&["dash", "bash", "busybox"]) {
        return;
    }
    let init = softstop_init().to_str().expect("path");
    matrix(|shell, shape, catch| {
        let mut container = start(&[init, "--"], shell, shape, catch);
        let end = container.stop(GRACE);
        judge(&container, shape, end, shape.codes)
    });
}
