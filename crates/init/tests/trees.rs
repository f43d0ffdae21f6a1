//! Process trees as they come: launchers, inits behind inits, pipelines, programs without a handler.

use std::time::Duration;

use crate::container::{Container, End, available, softstop_init};

const GRACE: Duration = Duration::from_secs(6);

/// Starts `script` under dash behind softstop-init, stops it when `programs` run, and returns log and end.
fn stop(script: &str, programs: usize) -> (String, End) {
    stop_argv(&["dash", "-c", script], programs)
}

fn stop_argv(argv: &[&str], programs: usize) -> (String, End) {
    let mut words = vec![softstop_init().to_str().expect("path"), "--"];
    words.extend(argv);
    let mut container = Container::start(&words);
    container.wait_for("start", programs);
    std::thread::sleep(Duration::from_millis(50));
    let end = container.stop(GRACE);
    (container.log(), end)
}

#[track_caller]
fn assert_graceful(result: &(String, End), programs: usize) {
    assert_graceful_in("", result, programs);
}

#[track_caller]
fn assert_graceful_in(what: &str, (log, end): &(String, End), programs: usize) {
    let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!(count("graceful"), programs, "{what}: {end:?}\n{log}");
    assert_eq!(
        count("signal"),
        programs,
        "{what}: nobody twice: {end:?}\n{log}"
    );
    assert!(matches!(end, End::Exit(..)), "{what}: {end:?}\n{log}");
}

/// Real launchers that stay between the shell and the program: what has to be installed, and the command.
const LAUNCHERS: &[(&str, &str)] = &[
    ("flock", "flock {DIR}/lock app"),
    ("flock", "flock {DIR}/lock -c 'app; true'"),
    ("xargs", "echo drain=100 | xargs app"),
    ("xargs", "echo drain=100 | xargs -I% dash -c 'app %; true'"),
    ("script", "script -qec 'app; true' /dev/null"),
    ("timeout", "timeout 60 app"),
    ("timeout", "timeout 60 dash -c 'app; true'"),
    // The environment is kept only so.
    ("su", "su -p root -c 'app; true'"),
    ("runuser", "runuser -u root -- app"),
    ("sudo", "sudo -E {DIR}/app"),
    ("sudo", "sudo -E dash -c '{DIR}/app; true'"),
    ("busybox", "busybox time app"),
    ("time", "/usr/bin/time -o {DIR}/time app"),
    ("setsid", "setsid -w app"),
    ("nice", "nice env A=b app"),
    (
        "make",
        "printf 'run:\\n\\tapp\\n\\ttrue\\n' > Makefile; make -s run",
    ),
    (
        "make",
        "printf 'run:\\n\\t@app; true\\n' > Makefile; make -s run",
    ),
    (
        "npm",
        "echo '{\"scripts\":{\"start\":\"app\"}}' > package.json; npm start",
    ),
    (
        "npm",
        "echo '{\"scripts\":{\"start\":\"app; true\"}}' > package.json; npm start",
    ),
    (
        "runsvdir",
        "mkdir -p sv/app; printf '#!/bin/sh\\nexec app\\n' > sv/app/run; chmod +x sv/app/run; runsvdir sv",
    ),
];

#[test]
fn launchers_are_looked_through() {
    for (needs, command) in LAUNCHERS {
        if available(&[needs]) {
            let result = stop(&format!("{command}; true"), 1);
            assert_graceful_in(command, &result, 1);
        }
    }
}

#[test]
fn a_hook_looks_through_launchers() {
    for (needs, command) in LAUNCHERS {
        if !available(&[needs]) {
            continue;
        }
        softstop_init();
        let mut container = Container::start(&["dash", "-c", &format!("{command}; true")]);
        container.wait_for("start", 1);
        std::thread::sleep(Duration::from_millis(50));
        let hook = container.hook(&[]);
        assert!(hook.status.success() && hook.stderr.is_empty(), "{hook:?}");
        container.signal(15);
        // runsvdir starts its service again after 5 s, and is ended then.
        let end = container.wait(2 * GRACE);
        let log = container.log();
        let runs = log.matches("start").count();
        assert_eq!(runs, if *needs == "runsvdir" { 2 } else { 1 }, "{command}");
        assert_graceful_in(command, &(log, end), runs);
    }
}

#[test]
fn inits_behind_us_are_looked_through() {
    for init in ["tini", "tini-static", "dumb-init", "catatonit"] {
        if !available(&[init]) {
            continue;
        }
        for argv in [
            vec![init, "--", "app"],
            vec![init, "--", "dash", "-c", "app; true"],
            vec![init, "--", init, "--", "app"],
        ] {
            assert_graceful(&stop_argv(&argv, 1), 1);
        }
        let own = softstop_init().to_str().expect("path");
        assert_graceful(
            &stop_argv(
                &[own, "--", init, "--", "dash", "-c", "app & app2 & wait"],
                2,
            ),
            2,
        );
    }
}

#[test]
fn shells_within_shells() {
    if !available(&["bash", "busybox"]) {
        return;
    }
    assert_graceful(
        &stop(
            "bash -c 'busybox sh -c \"app; true\"; true' & ( ( app2; true ); true ) & wait",
            2,
        ),
        2,
    );
    assert_graceful(&stop("while :; do while :; do app; done; done", 1), 1);
    assert_graceful(&stop("f() { app | cat; }; f; f", 1), 1);
}

/// Scripts run as a file are called by the file's name; only the interpreter's tells that they are shells.
#[test]
fn script_files_are_shells() {
    for shell in ["dash", "bash", "busybox"] {
        if !available(&[shell]) {
            continue;
        }
        let interpreter = if shell == "busybox" {
            "/usr/bin/env busybox sh"
        } else {
            shell
        };
        let write = format!(
            "printf '#!/usr/bin/env {shell}\\napp\\ntrue\\n' > {{DIR}}/start.sh; chmod +x {{DIR}}/start.sh"
        );
        let run = if shell == "busybox" {
            format!("{interpreter} {{DIR}}/start.sh")
        } else {
            "{DIR}/start.sh".to_owned()
        };
        assert_graceful(&stop(&format!("{write}; {run}; true"), 1), 1);
    }
}

/// What reads a pipe ends by end-of-file, after all that was written is read.
#[test]
fn pipelines_drain_from_the_front() {
    if !available(&["bash"]) {
        return;
    }
    for script in [
        "app 2>&1 | tee {DIR}/out",
        "app | while read line; do sleep 0.2; echo \"$line\" > {DIR}/out; done",
        "app | cat | sed s/x/y/ | tee {DIR}/out > /dev/null",
        "app | app2 drain=10 > {DIR}/out",
        "exec > {DIR}/out; app; true",
    ] {
        let (log, end) = stop(script, 1);
        let graceful = log
            .lines()
            .filter(|line| line.starts_with("app ") && line.contains("graceful"))
            .count();
        assert_eq!(graceful, 1, "{script}: {end:?}\n{log}");
        assert!(matches!(end, End::Exit(..)), "{script}: {end:?}\n{log}");
    }
    let bash = &["bash", "-c", "exec > >(tee {DIR}/out) 2>&1; app; true"];
    assert_graceful(&stop_argv(bash, 1), 1);
}

/// A consumer that handles the signal, but not the end of its input, is told when what feeds it is gone.
#[test]
fn a_consumer_is_told_last() {
    if !available(&[]) {
        return;
    }
    let result = stop("app drain=300 | app2 drain=10; true", 2);
    assert_graceful(&result, 2);
    let position = |what: &str| {
        result
            .0
            .lines()
            .position(|line| line.starts_with(what) && line.contains("signal"))
    };
    let graceful = result
        .0
        .lines()
        .position(|line| line.starts_with("app ") && line.contains("graceful"));
    assert!(graceful < position("app2 "), "{}", result.0);
    assert!(position("app ") < position("app2 "), "{}", result.0);
    // Alone it is the program.
    assert_graceful(&stop("echo config | app; true", 1), 1);
    assert_graceful(&stop("tail -f /dev/null | app; true", 1), 1);
}

/// Work without a handler is not cut short while others drain; then its signal ends it.
#[test]
fn who_has_no_handler_is_signalled_last() {
    if !available(&[]) {
        return;
    }
    let script = "app drain=1500 & dash -c 'app2 catch= ; true' & sleep 100 & wait";
    let init = softstop_init().to_str().expect("path");
    let mut container = Container::start(&[init, "--", "dash", "-c", script]);
    container.wait_for("start", 2);
    container.signal(15);
    container.wait_for("signal", 1);
    std::thread::sleep(Duration::from_millis(150));
    let alive = container
        .exec(&["busybox", "pidof", "app2"])
        .output()
        .expect("pidof");
    assert!(alive.status.success(), "app2 lives while app drains");
    let end = container.wait(GRACE);
    assert_graceful(&(container.log(), end), 1);
}

/// Alone, a program without a handler keeps all the time it had; a second signal ends it.
#[test]
fn a_lone_program_without_a_handler_is_left_alone() {
    if !available(&[]) {
        return;
    }
    for argv in [
        &["app", "catch="] as &[&str],
        &["dash", "-c", "app catch= ; app2"],
    ] {
        let mut words = vec![softstop_init().to_str().expect("path"), "--"];
        words.extend(argv);
        let mut container = Container::start(&words);
        container.wait_for("start", 1);
        container.signal(15);
        std::thread::sleep(Duration::from_millis(300));
        let alive = container
            .exec(&["busybox", "pidof", "app"])
            .output()
            .expect("pidof");
        assert!(alive.status.success(), "{argv:?}: {}", container.output());
        container.signal(15);
        assert_eq!(container.wait(GRACE).code(), Some(143), "{argv:?}");
        assert!(
            !container.log().contains("app2"),
            "the next command does not start"
        );
    }
}

/// A script that handles the signal is asked to stop its programs. `trap : TERM` does not, and nobody can see that from
/// outside: a second signal could be the one that costs a program its work, so the program keeps all the time it had. Told
/// again, it drains.
#[test]
fn a_trap_that_stops_nothing_leaves_its_program_its_time() {
    if !available(&["bash", "busybox"]) {
        return;
    }
    for shell in [&["dash"] as &[&str], &["bash"], &["busybox", "sh"]] {
        let init = softstop_init().to_str().expect("path");
        let argv = [
            &[init, "--"],
            shell,
            &["-c", "trap : TERM; app & wait; echo went on"],
        ]
        .concat();
        let mut container = Container::start(&argv);
        container.wait_for("start", 1);
        std::thread::sleep(Duration::from_millis(60));
        container.signal(15);
        std::thread::sleep(Duration::from_millis(1200));
        assert_eq!(container.output(), "went on\n", "the script has ended");
        assert!(!container.log().contains("signal"), "{}", container.log());
        let end = container.stop(GRACE);
        assert_graceful(&(container.log(), end), 1);
    }
}

/// A launcher written in another language: no handler of its own, but a program behind it.
#[test]
fn a_program_behind_one_without_a_handler_drains_first() {
    if !available(&["python3"]) {
        return;
    }
    let python = "import subprocess, sys, time
code = subprocess.run(['app', 'exit=3']).returncode
time.sleep(0.3)
sys.exit(code)";
    let result = stop_argv(&["python3", "-c", python], 1);
    assert_graceful(&result, 1);
    assert_eq!(result.1.code(), Some(3), "the launcher's own exit code");
}

/// Daemons that were started before an idle command are re-parented to us.
#[test]
fn daemons_behind_an_idle_command_are_the_programs() {
    if !available(&["setsid"]) {
        return;
    }
    assert_graceful(
        &stop("setsid app & setsid app2 & sleep 0.2; tail -f /dev/null", 2),
        2,
    );
    assert_graceful(&stop("(app &); (app2 &); exec sleep infinity", 2), 2);
}

/// What the program leaves behind has its time, too.
#[test]
fn background_programs_drain_after_the_main_one() {
    if !available(&[]) {
        return;
    }
    let (log, end) = stop("app2 drain=600 & exec app drain=100 exit=4", 2);
    assert_graceful(&(log, end), 2);
    let (_, end) = stop("exec app exit=4", 1);
    assert_eq!(end.code(), Some(4));
}

/// Workers of a pool are their parent's business: the parent is signalled, alone.
#[test]
fn workers_are_not_signalled() {
    if !available(&["python3"]) {
        return;
    }
    let python = "
import os, signal, subprocess, sys, time
workers = [subprocess.Popen(['app2']) for _ in range(3)]
def stop(*_):
    time.sleep(0.3)
    for worker in workers: worker.kill()
    open(os.environ['DRAINER_LOG'], 'a').write('app 0 signal\\napp 0 graceful\\n')
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
while True: time.sleep(1)
";
    for shell in [
        &["python3", "-c", python] as &[&str],
        &["dash", "-c", "python3 -c \"$0\"; true", python],
    ] {
        assert_graceful(&stop_argv(shell, 3), 1);
    }
}
