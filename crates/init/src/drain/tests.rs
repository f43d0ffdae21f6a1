//! Whom to signal, on trees made up and random.

mod known;

use super::*;
use crate::random::Random;
use crate::sys::bit;

const TERM: u8 = 15;

/// SIGTERM, as the kubelet sends it.
fn term(main: u32) -> Stop {
    Stop {
        signal: TERM,
        chosen: false,
        main,
    }
}

fn process(pid: u32, parent: u32, kind: Kind, handles: bool) -> Process {
    let caught = if handles { bit(TERM) } else { 0 };
    Process {
        pid,
        parent,
        start: u64::from(pid),
        kind,
        caught,
        ..Process::default()
    }
}

/// One step over `processes`; who got which signal.
fn step(drain: &mut Drain, processes: &[Process], now: u64) -> (Step, Vec<(u32, u8)>) {
    let mut sent = Vec::new();
    let step = with(processes, |table| {
        drain.step(table, now, &mut |process, signal| {
            sent.push((process.pid, signal));
            true
        })
    });
    (step, sent)
}

/// SIGTERM once more over `processes`; who got which signal.
fn insist(drain: &mut Drain, processes: &[Process]) -> Vec<(u32, u8)> {
    let mut sent = Vec::new();
    with(processes, |table| {
        drain.insist(table, TERM, &mut |process, signal| {
            sent.push((process.pid, signal));
            true
        });
    });
    sent
}

fn with<T>(processes: &[Process], act: impl FnOnce(&mut Table) -> T) -> T {
    let mut rows = processes.to_vec();
    let mut table = Table::new(&mut rows);
    for process in processes {
        table.push(*process);
    }
    table.sort();
    act(&mut table)
}

#[test]
fn shells_first_then_programs_then_the_rest() {
    let mut marks = [Mark::default(); 16];
    let mut drain = Drain::new(Owner::Init, 1, term(2), &mut marks);
    let tree = [
        process(1, 0, Kind::Softstop, true),
        process(2, 1, Kind::Shell, false),
        process(3, 2, Kind::Program, true),
        process(4, 3, Kind::Program, true), // a worker
        process(5, 2, Kind::Program, false),
        process(6, 2, Kind::Idle, false),
    ];
    assert_eq!(step(&mut drain, &tree, 0), (Step::Again, vec![(2, 9)]));
    let orphans = tree.map(|row| Process {
        parent: if row.parent == 2 { 1 } else { row.parent },
        ..row
    });
    let orphans: Vec<_> = orphans.into_iter().filter(|row| row.pid != 2).collect();
    assert_eq!(
        step(&mut drain, &orphans, 1),
        (Step::Draining, vec![(3, TERM)])
    );
    assert_eq!(step(&mut drain, &orphans, 2), (Step::Draining, vec![]));
    let rest: Vec<_> = orphans
        .into_iter()
        .filter(|row| ![3, 4].contains(&row.pid))
        .collect();
    assert_eq!(
        step(&mut drain, &rest, 3),
        (Step::Quiet, vec![(6, TERM)]),
        "the other may be about to end"
    );
    assert_eq!(
        step(&mut drain, &rest, 1003),
        (Step::Quiet, vec![(5, TERM)])
    );
    assert!(drain.ended_main());
    assert_eq!(drain.only_program(), Some(3), "the others did no work");
}

#[test]
fn a_reused_id_is_another_process() {
    let mut marks = [Mark::default(); 16];
    let mut drain = Drain::new(Owner::Hook, 1, term(1), &mut marks);
    let shell = process(1, 0, Kind::Shell, false);
    let program = process(7, 1, Kind::Program, true);
    assert_eq!(step(&mut drain, &[shell, program], 0).1, [(7, TERM)]);
    let other = Process {
        start: 99,
        ..program
    };
    assert_eq!(step(&mut drain, &[shell, other], 1).1, [(7, TERM)]);
    assert_eq!(step(&mut drain, &[shell, other], 2).1, []);
}

/// `timeout` hands a signal on to its whole group, so it must not hear of it when its shell was ended behind its back.
#[test]
fn a_launcher_whose_shell_was_ended_is_not_told() {
    let mut marks = [Mark::default(); 16];
    let mut drain = Drain::new(Owner::Init, 1, term(2), &mut marks);
    let init = process(1, 0, Kind::Softstop, true);
    let launcher = process(2, 1, Kind::Launcher, true);
    let shell = process(3, 2, Kind::Shell, false);
    let program = process(4, 3, Kind::Program, true);
    assert_eq!(
        step(&mut drain, &[init, launcher, shell, program], 0).1,
        [(3, 9)]
    );
    let program = Process {
        parent: 1,
        ..program
    };
    assert_eq!(
        step(&mut drain, &[init, launcher, program], 1).1,
        [(4, TERM)]
    );
    assert_eq!(step(&mut drain, &[init, launcher, program], 2).1, []);
    // Alone, and still there: it was no launcher after all.
    assert_eq!(step(&mut drain, &[init, launcher], 3).1, [(2, TERM)]);
}

/// A loop behind PID 1: the second time its program appears the shell is stopped, and ended when nothing is left to drain.
#[test]
fn a_hook_ends_a_loop_that_is_not_pid_1() {
    let mut marks = [Mark::default(); 16];
    let mut drain = Drain::new(Owner::Hook, 1, term(1), &mut marks);
    let first = process(1, 0, Kind::Shell, false);
    let shell = process(2, 1, Kind::Shell, false);
    let old = process(3, 2, Kind::Program, true);
    let other = process(4, 1, Kind::Program, true);
    let new = process(9, 2, Kind::Program, true);
    let mut after = |tree: &[Process]| step(&mut drain, tree, 0).1;
    assert_eq!(after(&[first, shell, old, other]), [(3, TERM), (4, TERM)]);
    assert_eq!(after(&[first, shell, other]), [], "it may just go on");
    assert_eq!(after(&[first, shell, other, new]), [(9, TERM), (2, STOP)]);
    assert_eq!(after(&[first, shell, other]), [], "another one drains");
    assert_eq!(after(&[first, shell]), [(2, 9)]);
    // A loop that is PID 1 cannot be ended from inside.
    let again = process(10, 1, Kind::Program, true);
    assert_eq!(after(&[first, again]), [(10, TERM)]);
}

/// Every way a script can wait, and what its program must look like for us to know.
#[test]
fn scripts_with_a_handler() {
    let shell = Process {
        stdin: Stdin::Container,
        ..process(2, 1, Kind::Shell, true)
    };
    let child = process(3, 2, Kind::Program, true);
    let int_quit = bit(2) | bit(3);
    let all = Process {
        caught: bit(TERM) | int_quit,
        ..child
    };
    for (what, child, signalled) in [
        (
            "in the background: the script handles it",
            Process {
                ignored: int_quit,
                ..child
            },
            &[2_u32] as &[u32],
        ),
        (
            "with INT and QUIT handled, by its input",
            Process {
                stdin: Stdin::Null,
                ..all
            },
            &[2],
        ),
        ("in the foreground: the script waits", child, &[2, 3]),
        (
            "with INT and QUIT handled, by its input",
            Process {
                stdin: Stdin::Container,
                ..all
            },
            &[2, 3],
        ),
        (
            "who knows: the program now, the script when it is gone",
            all,
            &[3],
        ),
    ] {
        let mut marks = [Mark::default(); 16];
        let mut drain = Drain::new(Owner::Init, 1, term(2), &mut marks);
        let (_, mut sent) = step(
            &mut drain,
            &[process(1, 0, Kind::Softstop, true), shell, child],
            0,
        );
        sent.sort_unstable();
        assert_eq!(
            sent.iter().map(|(pid, _)| *pid).collect::<Vec<_>>(),
            signalled,
            "{what}"
        );
        let orphan = Process { parent: 1, ..child };
        assert_eq!(
            step(
                &mut drain,
                &[process(1, 0, Kind::Softstop, true), orphan],
                1
            )
            .1,
            [],
            "{what}: not again"
        );
    }
}

/// Random trees: nobody is signalled twice but by the final SIGKILL of a shell; who has no handler is not signalled
/// while one who has lives; a hook kills nobody; and it ends.
#[test]
fn random_trees() {
    const KINDS: [Kind; 6] = [
        Kind::Program,
        Kind::Program,
        Kind::Shell,
        Kind::Launcher,
        Kind::Idle,
        Kind::Init,
    ];
    let mut random = Random::new(4);
    for round in 0..20_000 {
        let hook = round % 2 == 0;
        let mut rows = vec![process(
            1,
            0,
            if hook { Kind::Shell } else { Kind::Softstop },
            !hook,
        )];
        for pid in 2..u32::try_from(3 + random.below(12)).unwrap() {
            let parent = 1 + u32::try_from(random.below(pid as usize - 1)).unwrap();
            let kind = KINDS[random.below(KINDS.len())];
            let mut row = process(
                pid,
                parent,
                kind,
                random.below(2) == 0 && kind != Kind::Idle,
            );
            row.stdin = [Stdin::Container, Stdin::Null, Stdin::Pipe][random.below(3)];
            row.ignored = [0, bit(2) | bit(3)][random.below(2)];
            rows.push(row);
        }
        let mut marks = [Mark::default(); 32];
        let owner = if hook { Owner::Hook } else { Owner::Init };
        let main = if hook { 1 } else { 2 };
        let mut drain = Drain::new(owner, 1, term(main), &mut marks);
        let mut told: Vec<u32> = Vec::new();
        let mut scripts = false;
        let mut now = 0;
        for _ in 0..200 {
            now += 600;
            let (found, sent) = step(&mut drain, &rows, now);
            for &(pid, signal) in &sent {
                let row = *rows.iter().find(|row| row.pid == pid).unwrap();
                if signal == 9 {
                    assert!(
                        !hook && matches!(row.kind, Kind::Shell | Kind::Init),
                        "{row:?}"
                    );
                    continue;
                }
                assert!(!told.contains(&pid), "twice: {row:?}\n{rows:?}");
                told.push(pid);
                scripts |= row.kind == Kind::Shell;
                let program = |row: &Process| {
                    row.kind == Kind::Program && row.handles(TERM) && row.parent == 1
                };
                let work = row.kind == Kind::Program && !row.handles(TERM);
                assert!(
                    !work || (!hook && !rows.iter().any(program)),
                    "{row:?}\n{rows:?}"
                );
            }
            // Those with a handler take a while; the others end at once. Orphans come to the root.
            let late = |row: &Process| row.handles(TERM) && random_half(row.pid, now);
            let gone = |row: &Process| {
                let killed = sent.contains(&(row.pid, 9));
                let launched =
                    row.kind == Kind::Launcher && !rows.iter().any(|child| child.parent == row.pid);
                killed || launched || (told.contains(&row.pid) && !late(row))
            };
            let dead: Vec<u32> = rows
                .iter()
                .filter(|row| row.pid != 1 && gone(row))
                .map(|row| row.pid)
                .collect();
            rows.retain(|row| !dead.contains(&row.pid));
            for row in &mut rows {
                if dead.contains(&row.parent) {
                    row.parent = 1;
                }
            }
            if found == Step::Quiet && sent.is_empty() && dead.is_empty() {
                break;
            }
        }
        // What a script started it has to stop itself; these do not.
        let left = |row: &&Process| {
            !scripts && row.parent == 1 && row.kind == Kind::Program && row.handles(TERM)
        };
        assert_eq!(rows.iter().find(left), None, "round {round}: {rows:?}");
    }
}

fn random_half(pid: u32, now: u64) -> bool {
    !(u64::from(pid) + now / 600).is_multiple_of(3)
}
