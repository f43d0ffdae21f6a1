//! `drain` as a preStop hook in containers whose PID 1 is not ours.

use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::container::{Container, End, available, softstop_init};

const GRACE: Duration = Duration::from_secs(5);

/// What the kubelet does: the hook, then SIGTERM, then SIGKILL.
fn terminate(container: &mut Container, hook: &[&str]) -> (Output, End) {
    let output = container.hook(hook);
    let _ = softstop_init::sys::kill(container.pid, 15);
    (output, container.wait(GRACE))
}

pub(crate) fn start(argv: &[&str], programs: usize) -> Container {
    softstop_init();
    let container = Container::start(argv);
    container.wait_for("start", programs);
    sleep(Duration::from_millis(50));
    container
}

#[track_caller]
fn assert_graceful(container: &Container, end: End, programs: usize) {
    let log = container.log();
    let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!(
        count("graceful"),
        programs,
        "{end:?}\n{log}{}",
        container.output()
    );
    assert_eq!(count("signal"), programs, "nobody twice: {end:?}\n{log}");
}

#[track_caller]
pub(crate) fn assert_silent_success(output: &Output) {
    assert!(output.status.success(), "{output:?}");
    assert!(
        output.stderr.is_empty() && output.stdout.is_empty(),
        "{output:?}"
    );
}

/// The program itself is PID 1: the kubelet's signal is right, a second one could be wrong.
#[test]
fn a_program_as_pid_1_is_left_to_the_kubelet() {
    if !available(&[]) {
        return;
    }
    for argv in [&["app"] as &[&str], &["app", "catch=15,2,3"]] {
        for hook in [&[] as &[&str], &["--signal", "TERM"], &["--signal", "USR1"]] {
            let mut container = start(argv, 1);
            let (output, end) = terminate(&mut container, hook);
            assert_silent_success(&output);
            assert_eq!(end.code(), Some(0));
            assert_graceful(&container, end, 1);
            assert!(container.log().contains("signal 15"), "{}", container.log());
        }
    }
    // softstop-init knows better than its hook.
    let mut container = start(
        &[
            softstop_init().to_str().expect("path"),
            "--",
            "dash",
            "-c",
            "app; true",
        ],
        1,
    );
    let (output, end) = terminate(&mut container, &[]);
    assert_silent_success(&output);
    assert_graceful(&container, end, 1);
}

#[test]
fn another_signal_reaches_pid_1_itself() {
    if !available(&[]) {
        return;
    }
    let mut container = start(&["app", "catch=3,15"], 1);
    let (_, end) = terminate(&mut container, &["--signal", "QUIT"]);
    assert_eq!(end.code(), Some(0));
    assert_graceful(&container, end, 1);
    assert!(container.log().contains("signal 3"), "{}", container.log());

    let mut container = start(&["dash", "-c", "app catch=3; true"], 1);
    let (output, end) = terminate(&mut container, &["--signal", "QUIT"]);
    assert_silent_success(&output);
    assert_graceful(&container, end, 1);
}

#[test]
fn the_delay_comes_first() {
    if !available(&[]) {
        return;
    }
    for argv in [&["app"] as &[&str], &["dash", "-c", "app; true"]] {
        let mut container = start(argv, 1);
        let begun = Instant::now();
        let (output, end) = terminate(&mut container, &["--delay", "1"]);
        assert_silent_success(&output);
        assert!(begun.elapsed() >= Duration::from_secs(1));
        assert_graceful(&container, end, 1);
    }
}

/// Where the kernel drops the kubelet's signal, the hook returns at once: no container ends under it, and the kubelet
/// reports no failed hook.
#[test]
fn it_returns_at_once_where_pid_1_ignores_the_signal() {
    if !available(&["bash", "busybox"]) {
        return;
    }
    for shell in [&["dash"] as &[&str], &["bash"], &["busybox", "sh"]] {
        let argv = [shell, &["-c", "app drain=800; true"]].concat();
        let mut container = start(&argv, 1);
        let begun = Instant::now();
        let (output, end) = terminate(&mut container, &[]);
        assert_silent_success(&output);
        assert!(
            begun.elapsed() >= Duration::from_millis(700),
            "the program was not cut short"
        );
        assert_eq!(end.code(), Some(0));
        assert_graceful(&container, end, 1);
    }
}

#[test]
fn inits_that_hand_on_are_left_to_it_and_others_are_not() {
    for init in ["tini", "tini-static", "catatonit"] {
        if !available(&[init]) {
            continue;
        }
        let mut container = start(&[init, "--", "app"], 1);
        let (output, end) = terminate(&mut container, &[]);
        assert_silent_success(&output);
        assert_graceful(&container, end, 1);
        // A shell in between would die of the signal, and the program with it.
        let mut container = start(&[init, "--", "dash", "-c", "app & app2 & wait"], 2);
        let (_, end) = terminate(&mut container, &[]);
        assert_graceful(&container, end, 2);
    }
    // These signal the whole group: a pool's workers would be interrupted.
    for argv in [
        &["tini", "-g", "--", "dash", "-c", "exec app"] as &[&str],
        &["dumb-init", "--", "app"],
    ] {
        if !available(&argv[..1]) {
            continue;
        }
        let mut container = start(argv, 1);
        let (_, end) = terminate(&mut container, &[]);
        assert_graceful(&container, end, 1);
    }
}

/// `service nginx start; tail -f log`: the daemons are the programs, and nothing is left to do without them.
#[test]
fn daemons_behind_an_idle_pid_1() {
    if !available(&["setsid"]) {
        return;
    }
    for script in [
        "setsid app & setsid app2 & sleep 0.1; exec tail -f /dev/null",
        "(app &); (app2 &); exec sleep 1000",
    ] {
        let mut container = start(&["dash", "-c", script], 2);
        let output = container.hook(&[]);
        assert_silent_success(&output);
        container.wait_for("graceful", 2);
        assert_graceful(&container, End::Killed, 2);
        container.signal(9);
        container.wait(GRACE);
    }
    // With a shell as PID 1 the idle command can be ended, and the container with it.
    let mut container = start(
        &[
            "dash",
            "-c",
            "setsid app & sleep 0.1; tail -f /dev/null; exit 5",
        ],
        1,
    );
    let (output, end) = terminate(&mut container, &[]);
    assert_silent_success(&output);
    assert_graceful(&container, end, 1);
    assert_eq!(end.code(), Some(5));
}

/// Only the kernel and the user know what such a program is doing: without a hook it had the whole grace period.
#[test]
fn who_has_no_handler_keeps_its_time() {
    if !available(&[]) {
        return;
    }
    let mut container = start(&["dash", "-c", "app & app2 catch= & wait"], 2);
    let output = container.hook(&[]);
    assert_silent_success(&output);
    container.wait_for("graceful", 1);
    sleep(Duration::from_millis(1500));
    assert!(
        container
            .exec(&["busybox", "pidof", "app2"])
            .output()
            .expect("pidof")
            .status
            .success()
    );
    container.signal(9);
    container.wait(GRACE);
}

/// What is still starting gets its handler later.
#[test]
fn a_program_that_is_still_starting_drains_too() {
    if !available(&["python3"]) {
        return;
    }
    let script =
        "python3 -c 'import os, time; time.sleep(0.7); os.execvp(\"app\", [\"app\"])'; true";
    softstop_init();
    let mut container = Container::start(&["dash", "-c", script]);
    sleep(Duration::from_millis(300));
    let (output, end) = terminate(&mut container, &[]);
    assert_silent_success(&output);
    assert_graceful(&container, end, 1);
}

/// The kubelet may run a hook again. Celery 5.2 takes a second SIGTERM for an order to drop everything.
#[test]
fn a_second_hook_does_not_signal_again() {
    if !available(&["bash"]) {
        return;
    }
    for script in [
        "app drain=900; true",
        "trap : TERM; app drain=900 & wait $!; wait",
    ] {
        let mut container = start(&["bash", "-c", script], 1);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for wait in [0, 100, 400] {
                let container = &container;
                scope.spawn(move || {
                    sleep(Duration::from_millis(wait));
                    container.hook(&["--delay", "0"])
                });
            }
        });
        let end = container.wait(GRACE);
        assert!(begun.elapsed() >= Duration::from_millis(850));
        assert_graceful(&container, end, 1);
    }
}

/// A loop in a subshell restarts its program, which drains again; then the loop is ended, and PID 1 goes on. Not before
/// the others have drained: PID 1 may wait for the loop, and end.
#[test]
fn a_loop_behind_pid_1_is_drained_again_and_ended() {
    if !available(&["bash", "busybox"]) {
        return;
    }
    let script =
        "( while :; do app drain=100; done ) & P=$!; app2 drain=900 & wait $P; echo went on";
    for shell in [&["dash"] as &[&str], &["bash"], &["busybox", "sh"]] {
        let argv = [shell, &["-c", script]].concat();
        let mut container = start(&argv, 2);
        let (output, end) = terminate(&mut container, &[]);
        assert_silent_success(&output);
        let log = container.log();
        assert!(
            matches!(end, End::Exit(0, _)) && container.output().contains("went on"),
            "{shell:?}: {end:?}\n{log}"
        );
        let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
        assert_eq!(count("start"), 3, "{shell:?}\n{log}");
        assert_eq!(count("signal"), 3, "{shell:?}: nobody twice\n{log}");
        assert_eq!(count("graceful"), 3, "{shell:?}\n{log}");
    }
}

/// A shell that only goes on to its next command is no loop, and finishes.
#[test]
fn the_end_of_a_subshell_still_runs() {
    if !available(&[]) {
        return;
    }
    let script = "( app; echo one; (echo two) ) & wait; echo three";
    let mut container = start(&["dash", "-c", script], 1);
    let (output, end) = terminate(&mut container, &[]);
    assert_silent_success(&output);
    assert_graceful(&container, end, 1);
    assert_eq!(container.output(), "app last words\none\ntwo\nthree\n");
}

/// `trap : TERM` stops nothing, but the hook does not ask the script: it finds the program, as with any other trap.
#[test]
fn a_trap_that_stops_nothing() {
    if !available(&["bash", "busybox"]) {
        return;
    }
    for shell in [&["dash"] as &[&str], &["bash"], &["busybox", "sh"]] {
        let argv = [shell, &["-c", "trap : TERM; app drain=500 & wait"]].concat();
        let mut container = start(&argv, 1);
        let (output, end) = terminate(&mut container, &[]);
        // The container may have ended first, and the hook with it.
        assert!(output.stderr.is_empty(), "{output:?}");
        assert_graceful(&container, end, 1);
    }
}

/// As PID 1 we give a hook that still runs a moment to end: the kubelet would report that it failed.
#[test]
fn pid_1_lingers_for_a_hook() {
    if !available(&[]) {
        return;
    }
    let init = softstop_init().to_str().expect("path");
    let mut container = start(&[init, "--", "app", "drain=10"], 1);
    let mut hook = container
        .exec(&["dash", "-c", "kill -TERM 1; sleep 0.6; exit 9"])
        .spawn()
        .expect("hook");
    let end = container.wait(GRACE);
    assert_eq!(
        hook.wait().expect("hook").code(),
        Some(9),
        "the hook ended by itself"
    );
    assert_eq!(end.code(), Some(0));
    // But not for ever.
    let mut container = start(&[init, "--", "app", "drain=10"], 1);
    let mut hook = container
        .exec(&["dash", "-c", "sleep 60; exit 9"])
        .spawn()
        .expect("hook");
    sleep(Duration::from_millis(100));
    let End::Exit(0, took) = container.stop(GRACE) else {
        panic!("did not end")
    };
    assert!(
        (Duration::from_millis(1900)..Duration::from_secs(3)).contains(&took),
        "{took:?}"
    );
    let _ = hook.wait();
}
