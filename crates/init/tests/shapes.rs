//! The script shapes in which people start their programs, each with dash, bash and busybox.

use std::thread;
use std::time::{Duration, Instant};

use crate::container::{Container, End, aarch64, available, softstop_init};

const GRACE: Duration = Duration::from_secs(4);
const SHELLS: &[&[&str]] = &[&["dash"], &["bash"], &["busybox", "sh"]];

/// One line of the table.
struct Shape {
    script: &'static str,
    /// How many programs run.
    programs: usize,
    /// Exit codes that are right with softstop-init as PID 1.
    codes: Vec<i32>,
    /// With the hook, PID 1 goes on until the grace period is over: nobody in the container can end it.
    stays: bool,
}

fn shapes() -> Vec<Shape> {
    let lines = include_str!("shapes.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let shape = |line: &'static str| {
        let mut fields = line.splitn(4, '|').map(str::trim);
        let mut field = || fields.next().expect("four fields");
        Shape {
            programs: field().parse().expect("a number"),
            codes: field()
                .split(' ')
                .map(|code| code.parse().expect("a number"))
                .collect(),
            stays: field() == "stays",
            script: field(),
        }
    };
    lines.map(shape).collect()
}

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
    if shape.programs == 0 {
        container.wait_for_process("sleep");
    }
    // An emulator takes longer until it blocks signals.
    let emulated = prefix.len() > 2;
    thread::sleep(Duration::from_millis(if emulated { 600 } else { 60 }));
    container
}

/// What went wrong, if anything: each of the programs graceful and signalled once; a loop may have started more of them.
fn judge(container: &Container, shape: &Shape, end: End, right: bool) -> Result<(), String> {
    let log = container.log();
    let pids = |what: &str| {
        let lines = log.lines().filter(|line| line.contains(what));
        let mut pids: Vec<_> = lines.filter_map(|line| line.split(' ').nth(1)).collect();
        pids.sort_unstable();
        pids
    };
    let (started, signalled, graceful) = (pids("start"), pids("signal"), pids("graceful"));
    let once = signalled.windows(2).all(|pair| pair[0] != pair[1]);
    let all = if shape.stays {
        // The last one may have been in the middle of it.
        graceful.len() >= shape.programs && graceful.len() + 1 >= started.len()
    } else {
        graceful == started && graceful.len() == shape.programs
    };
    if once && all && right {
        Ok(())
    } else {
        Err(format!("{end:?}\n{log}{}", container.output()))
    }
}

/// Runs `check` for every shape, shell and way to catch, a few at a time; panics with all that failed.
fn matrix(
    catches: &[&'static str],
    check: impl Fn(&[&str], &Shape, &str) -> Result<(), String> + Sync,
) {
    let shapes = shapes();
    let cases: Vec<_> = shapes
        .iter()
        .flat_map(|shape| SHELLS.iter().map(move |shell| (shape, *shell)))
        .flat_map(|(shape, shell)| catches.iter().map(move |catch| (shape, shell, *catch)))
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
                        Some(format!(
                            "{shell:?} catch {catch}: {}\n  {failure}",
                            shape.script
                        ))
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("worker"))
            .collect()
    });
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn as_pid_1_every_shape_ends_gracefully() {
    if !available(&["dash", "bash", "busybox"]) {
        return;
    }
    let init = softstop_init().to_str().expect("path");
    matrix(CATCH, |shell, shape, catch| {
        as_pid_1(&[init, "--"], shell, shape, catch)
    });
}

#[test]
fn as_pid_1_on_aarch64_every_shape_ends_gracefully() {
    let Some([emulator, init]) = aarch64() else {
        return;
    };
    if !available(&["dash", "bash", "busybox"]) {
        return;
    }
    matrix(&CATCH[..1], |shell, shape, catch| {
        as_pid_1(&[emulator, init, "--"], shell, shape, catch)
    });
}

fn as_pid_1(init: &[&str], shell: &[&str], shape: &Shape, catch: &str) -> Result<(), String> {
    let mut container = start(init, shell, shape, catch);
    let end = container.stop(GRACE);
    let right = end.code().is_some_and(|code| shape.codes.contains(&code));
    judge(&container, shape, end, right)
}

#[test]
fn with_the_hook_every_shape_ends_gracefully() {
    if !available(&["dash", "bash", "busybox"]) {
        return;
    }
    softstop_init();
    matrix(CATCH, |shell, shape, catch| {
        let mut container = start(&[], shell, shape, catch);
        let begun = Instant::now();
        let hook = container.hook(&["--delay", "0"]);
        let took = begun.elapsed();
        // The kubelet's own signal, where the container is still there.
        let _ = softstop_init::sys::kill(container.pid, 15);
        let end = container.wait(if shape.stays {
            Duration::from_millis(1500)
        } else {
            GRACE
        });
        let killed_with_it =
            matches!(end, End::Exit(..)) && hook.status.code().is_none_or(|code| code == 137);
        let well = hook.status.success() || killed_with_it;
        judge(
            &container,
            shape,
            end,
            well && hook.stderr.is_empty() && (end == End::Killed) == shape.stays,
        )
        .map_err(|failure| {
            format!(
                "hook {:?} after {took:?}, {:?}: {failure}",
                hook.status, hook.stderr
            )
        })
    });
}
