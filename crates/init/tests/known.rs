//! Programs that are known by their name: what they get behind a script, and as the container's own program.

use std::time::{Duration, Instant};

use crate::container::{Container, End, available, softstop_init};
use crate::hook::start;

const GRACE: Duration = Duration::from_secs(2);
const NONE: &[&str] = &[];
const TERM: &[&str] = &["--signal", "TERM"];

#[derive(Clone, Copy, Debug)]
enum Role {
    Hook,
    Pid1,
}

/// Stops `argv` as the kubelet does, with softstop-init in that role; how it ended, and the signals that arrived.
fn stop(role: Role, options: &[&str], argv: &[&str]) -> (End, Vec<String>) {
    let init = softstop_init().to_str().expect("path");
    let mut container = match role {
        Role::Hook => start(argv, 1),
        Role::Pid1 => start(&[&[init], options, &["--"], argv].concat(), 1),
    };
    if let Role::Hook = role {
        let output = container.hook(options);
        assert!(output.status.success(), "{output:?}");
    }
    let end = container.stop(GRACE);
    (end, signals(&container))
}

fn signals(container: &Container) -> Vec<String> {
    let log = container.log();
    let signals = log.lines().filter_map(|line| line.split_once(" signal "));
    signals.map(|(_, number)| number.to_owned()).collect()
}

#[test]
fn what_no_signal_drains_serves_on_behind_a_script() {
    if !available(&["dash"]) {
        return;
    }
    for role in [Role::Hook, Role::Pid1] {
        let script = ["dash", "-c", "daphne; true"];
        let (end, signals) = stop(role, NONE, &script);
        assert_eq!(end, End::Killed, "{role:?}");
        assert_eq!(signals, NONE, "{role:?}");
        let (end, signals) = stop(role, TERM, &script);
        assert!(end.code().is_some(), "{role:?}");
        assert_eq!(signals, ["15"], "{role:?}: the caller knows the program");
        let (end, signals) = stop(role, NONE, &["daphne"]);
        assert_eq!(end.code(), Some(0), "{role:?}");
        assert_eq!(signals, ["15"], "{role:?}: without us it would get it, too");
    }
}

/// Hypercorn cuts requests off 3 s after it is told to stop, where a shell let them go on until the kill.
#[test]
fn a_limit_of_its_own_counts_from_when_it_is_told() {
    if !available(&["dash"]) {
        return;
    }
    for (options, script, seconds) in [
        (&["--grace", "5"][..], "hypercorn; true", 2),
        (&["--grace", "5"], "hypercorn --graceful-timeout=1; true", 0),
        (&["--grace", "5"], "app; true", 0),
        (&["--grace", "2"], "hypercorn; true", 0),
        (&["--grace", "5", "--delay", "1"], "hypercorn; true", 2),
        (NONE, "hypercorn; true", 0),
    ] {
        let mut container = start(&["dash", "-c", script], 1);
        let begun = Instant::now();
        let output = container.hook(options);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(begun.elapsed().as_secs(), seconds, "{options:?} {script}");
        assert!(container.stop(GRACE).code().is_some());
        assert_eq!(signals(&container), ["15"], "{options:?} {script}");
    }
}

#[test]
fn behind_a_script_a_program_gets_the_signal_it_drains_on() {
    if !available(&["dash"]) {
        return;
    }
    for role in [Role::Hook, Role::Pid1] {
        for (options, program, signal) in [
            (NONE, "nginx catch=15,3; true", "3"),
            (NONE, "nginx; true", "15"),
            (TERM, "nginx catch=15,3; true", "15"),
        ] {
            let (end, signals) = stop(role, options, &["dash", "-c", program]);
            assert!(end.code().is_some(), "{role:?} {options:?} {program}");
            assert_eq!(signals, [signal], "{role:?} {options:?} {program}");
        }
    }
}
