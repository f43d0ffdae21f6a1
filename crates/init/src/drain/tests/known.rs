//! Programs of which it is known how they drain, or that they never do.

use super::*;
use crate::process::Drains;

const QUIT: u8 = 3;

/// A program that handles SIGTERM by dropping its work, as it would any other signal.
fn dropper(pid: u32, parent: u32) -> Process {
    Process {
        drains: Drains::Never,
        ..process(pid, parent, Kind::Program, true)
    }
}

/// The caller first, then what is known of the program, then the signal that came.
#[test]
fn who_says_what_a_program_gets() {
    const INT: u8 = 2;
    let known = |pid, caught| Process {
        caught,
        drains: Drains::On(Signal::QUIT),
        ..process(pid, 1, Kind::Program, false)
    };
    let programs = [
        known(3, bit(TERM) | bit(QUIT)),
        known(4, bit(TERM)),
        dropper(5, 1),
        process(6, 1, Kind::Program, true),
    ];
    for (signal, chosen, expected) in [
        (TERM, false, vec![(3, QUIT), (4, TERM), (6, TERM)]),
        (TERM, true, vec![(3, TERM), (4, TERM), (5, TERM), (6, TERM)]),
        (INT, false, vec![(3, TERM), (4, TERM), (6, TERM)]),
        (QUIT, true, vec![(3, QUIT), (4, TERM), (5, TERM), (6, TERM)]),
    ] {
        for (owner, first, main) in [
            (Owner::Hook, Kind::Shell, 1),
            (Owner::Init, Kind::Softstop, 2), // the shell that was child 2 is gone
        ] {
            let stop = Stop {
                signal,
                chosen,
                main,
            };
            let tree = [&[process(1, 0, first, false)], &programs[..]].concat();
            let mut marks = [Mark::default(); 16];
            let mut drain = Drain::new(owner, 1, stop, &mut marks);
            let sent = step(&mut drain, &tree, 0).1;
            assert_eq!(sent, expected, "{owner:?} {stop:?}");
        }
    }
}

/// Behind a shell or launcher that keeps the signal it would have served on, so it does; nor are its workers told, or
/// what it runs for a request.
#[test]
fn what_drops_its_work_keeps_the_time_it_had() {
    let shell = process(1, 0, Kind::Shell, false);
    let idle = process(1, 0, Kind::Idle, false);
    let own = process(1, 0, Kind::Softstop, true);
    let launcher = process(2, 1, Kind::Launcher, false);
    let deferred = Process {
        stdin: Stdin::Container,
        ..process(2, 1, Kind::Shell, true)
    };
    let foreground = Process {
        stdin: Stdin::Container,
        ..dropper(3, 2)
    };
    let worker = dropper(4, 3);
    let helper = process(5, 3, Kind::Program, true);
    let program = process(9, 1, Kind::Program, true);
    for (what, owner, main, tree, expected) in [
        (
            "behind a shell that is PID 1",
            Owner::Hook,
            1,
            vec![shell, dropper(3, 1), worker, helper],
            vec![],
        ),
        (
            "a daemon beside an idle PID 1",
            Owner::Hook,
            1,
            vec![idle, dropper(3, 1), worker, helper],
            vec![],
        ),
        (
            "behind a launcher",
            Owner::Hook,
            1,
            vec![shell, launcher, dropper(3, 2), worker, helper],
            vec![],
        ),
        (
            "the same with softstop-init as PID 1",
            Owner::Init,
            2,
            vec![own, launcher, dropper(3, 2), worker, helper],
            vec![],
        ),
        (
            "its shell was ended",
            Owner::Init,
            2,
            vec![own, dropper(3, 1), worker, helper],
            vec![],
        ),
        (
            "in front of a script's trap, which runs when it has ended",
            Owner::Init,
            2,
            vec![own, deferred, foreground, worker, helper],
            vec![(2, TERM)],
        ),
        (
            "in the place of PID 1 it would get the signal",
            Owner::Init,
            3,
            vec![own, dropper(3, 1), worker, helper],
            vec![(3, TERM)],
        ),
        (
            "beside one that drains, for the hook",
            Owner::Hook,
            1,
            vec![shell, dropper(3, 1), worker, helper, program],
            vec![(9, TERM)],
        ),
        (
            "beside one that drains, while that does",
            Owner::Init,
            2,
            vec![own, dropper(3, 1), worker, helper, program],
            vec![(9, TERM)],
        ),
    ] {
        let mut marks = [Mark::default(); 16];
        let mut drain = Drain::new(owner, 1, term(main), &mut marks);
        let mut told = Vec::new();
        for now in [0, 1000, 100_000] {
            told.extend(step(&mut drain, &tree, now).1);
        }
        assert_eq!(told, expected, "{what}");
    }
}

/// As with those that have no handler: when the others have drained nobody needs it, and who asks twice means it.
#[test]
fn what_drops_its_work_ends_after_the_others() {
    let own = process(1, 0, Kind::Softstop, true);
    let program = process(9, 1, Kind::Program, true);
    let helper = process(5, 3, Kind::Program, true);
    let (with, without) = (
        [own, dropper(3, 1), helper, program],
        [own, dropper(3, 1), helper],
    );
    let mut marks = [Mark::default(); 16];
    let mut drain = Drain::new(Owner::Init, 1, term(2), &mut marks);
    assert_eq!(step(&mut drain, &with, 0).1, [(9, TERM)]);
    assert_eq!(step(&mut drain, &without, 1).1, []);
    assert_eq!(step(&mut drain, &without, 1001).1, [(3, TERM)]);
    assert_eq!(insist(&mut drain, &without), [(3, TERM)]);
}

/// The kubelet was restarted and asks again: a known program gets the signal that it drains on, not the one that cuts.
#[test]
fn who_is_asked_twice_gets_the_same_signal() {
    let nginx = Process {
        caught: bit(TERM) | bit(QUIT),
        drains: Drains::On(Signal::QUIT),
        ..process(3, 1, Kind::Program, true)
    };
    let tree = [process(1, 0, Kind::Softstop, true), nginx];
    let mut marks = [Mark::default(); 16];
    let mut drain = Drain::new(Owner::Init, 1, term(2), &mut marks);
    assert_eq!(step(&mut drain, &tree, 0).1, [(3, QUIT)]);
    assert_eq!(insist(&mut drain, &tree), [(3, QUIT)]);
}
