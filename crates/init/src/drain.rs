//! What to signal next: the heart of PID 1 and of the preStop hook, as a function of one snapshot.
//!
//! Programs that handle the signal come first, each once. What feeds from a pipe follows when what feeds it has ended.
//! What has no handler comes last. Nobody is signalled twice.

use softstop_programs::signal::Signal;

use crate::process::{Kind, Mark, Process, Stdin};
use crate::tree::{Role, Table, signal_for};

/// Who is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// PID 1 (or the subreaper) of the container: it may end shells, for it outlives them.
    Init {
        /// The child it was started for.
        main: u32,
    },
    /// A preStop hook: ending a shell might end the container.
    Hook,
}

/// How long a program at the end of a pipeline may take to see end-of-file before it is told to stop, in milliseconds.
const END_OF_FILE: u64 = 1000;

/// One stop, from the first signal to the last process.
#[derive(Debug)]
pub struct Drain<'a> {
    owner: Owner,
    root: u32,
    signal: u8,
    marks: &'a mut [Mark],
    marked: usize,
    /// Programs that were told to drain.
    told: u32,
    /// The last of them.
    last: u32,
    /// The main child was a shell, and was ended.
    ended_main: bool,
    /// Since when no program is left.
    quiet: Option<u64>,
}

/// What [`Drain::step`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A shell was ended: look again at once, its children have moved.
    Again,
    /// Programs are draining.
    Draining,
    /// Nothing below the root will drain (any more).
    Quiet,
}

/// Sends a signal to a process; false if it could not be sent.
pub type Send<'s> = &'s mut dyn FnMut(&Process, u8) -> bool;

impl<'a> Drain<'a> {
    /// A stop with `signal` of everything below `root`. `marks` is room to remember who was signalled.
    pub fn new(owner: Owner, root: u32, signal: u8, marks: &'a mut [Mark]) -> Self {
        Self {
            owner,
            root,
            signal,
            marks,
            marked: 0,
            told: 0,
            last: 0,
            ended_main: false,
            quiet: None,
        }
    }

    /// The one program that was told to drain, if it was one: its exit status is the container's.
    pub fn only_program(&self) -> Option<u32> {
        (self.told == 1).then_some(self.last)
    }

    /// Whether the main child was ended rather than told: then its status says nothing.
    pub fn ended_main(&self) -> bool {
        self.ended_main
    }

    /// Whether any program was told to drain.
    pub fn told_any(&self) -> bool {
        self.told > 0
    }

    /// Looks at the processes of this moment and signals those whose turn it is.
    pub fn step(&mut self, table: &mut Table, now: u64, send: Send) -> Step {
        let init = matches!(self.owner, Owner::Init { .. });
        table.judge(self.root, self.signal, init);
        self.forget_the_dead(table);
        if let Owner::Init { main } = self.owner
            && let Some(row) = table.get(main)
            && matches!(row.role, Role::Program | Role::Script)
        {
            self.tell(table, row, send);
            return Step::Draining;
        }
        if init && self.end_shells(table, send) {
            return Step::Again;
        }
        self.tell_traps(table, send);
        for row in table.rows() {
            if matches!(row.role, Role::Program | Role::Script | Role::Deferred) {
                self.tell(table, row, send);
            }
        }
        if table.any(&[Role::Program, Role::Script, Role::Deferred])
            || (init && table.any(&[Role::Trap]))
        {
            self.quiet = None;
            return Step::Draining;
        }
        let quiet = now.saturating_sub(*self.quiet.get_or_insert(now));
        if table.any(&[Role::Consumer]) {
            if !self.told_any() || quiet >= END_OF_FILE {
                self.tell_all(table, Role::Consumer, send);
            }
            return Step::Draining;
        }
        self.end_the_rest(table, send);
        Step::Quiet
    }

    /// The stop signal came once more: those who were told are told again, and if nobody is left of them, the rest is
    /// told that had no handler.
    pub fn insist(&mut self, table: &mut Table, signal: u8, send: Send) {
        table.judge(self.root, self.signal, true);
        let draining = [
            Role::Program,
            Role::Script,
            Role::Deferred,
            Role::Trap,
            Role::Consumer,
        ];
        let any = table.any(&draining);
        for row in table.rows() {
            let turn = if any {
                draining.contains(&row.role)
            } else {
                row.role != Role::Away
            };
            if turn {
                send(row, signal);
            }
        }
    }

    fn is_marked(&self, row: &Process) -> bool {
        self.marks
            .iter()
            .take(self.marked)
            .any(|&mark| row.is(mark))
    }

    /// Whether it could be noted: who cannot be remembered is not signalled.
    fn mark(&mut self, row: &Process) -> bool {
        let Some(slot) = self.marks.get_mut(self.marked) else {
            return false;
        };
        *slot = row.mark();
        self.marked += 1;
        true
    }

    fn forget_the_dead(&mut self, table: &Table) {
        let mut kept = 0;
        for index in 0..self.marked {
            let Some(&mark) = self.marks.get(index) else {
                break;
            };
            if table.get(mark.pid).is_some_and(|row| row.is(mark)) {
                if let Some(slot) = self.marks.get_mut(kept) {
                    *slot = mark;
                }
                kept += 1;
            }
        }
        self.marked = kept;
    }

    /// Signals a process that has not been signalled yet.
    fn tell(&mut self, table: &Table, row: &Process, send: Send) {
        if self.is_marked(row) || !self.mark(row) {
            return;
        }
        send(row, signal_for(row, self.signal).unwrap_or(self.signal));
        match row.role {
            // What it has started so far is its own business, whoever its parent will be.
            Role::Script => self.hand_over(table, row.pid),
            Role::Program | Role::Consumer => {
                self.told += 1;
                self.last = row.pid;
            }
            _ => {}
        }
    }

    fn tell_all(&mut self, table: &Table, role: Role, send: Send) {
        for row in table.rows() {
            if row.role == role {
                self.tell(table, row, send);
            }
        }
    }

    fn hand_over(&mut self, table: &Table, script: u32) {
        for row in table.rows() {
            let mut ancestor = row.parent;
            // Bounded, should the snapshot be torn into a loop.
            for _ in 0..64 {
                if ancestor == script {
                    if row.kind != Kind::Idle && !self.is_marked(row) {
                        self.mark(row);
                    }
                    break;
                }
                match table.get(ancestor) {
                    Some(parent) => ancestor = parent.parent,
                    None => break,
                }
            }
        }
    }

    /// A script whose handler would run in the middle of the drain hears of it when its programs are gone.
    fn tell_traps(&mut self, table: &Table, send: Send) {
        if self.owner == Owner::Hook {
            return;
        }
        let draining = table
            .rows()
            .iter()
            .any(|row| row.role == Role::Program && self.is_marked(row));
        let none = !table.any(&[Role::Program, Role::Deferred, Role::Script]);
        if none || (self.told_any() && !draining) {
            self.tell_all(table, Role::Trap, send);
        }
    }

    /// No handler is left anywhere.
    fn end_the_rest(&mut self, table: &Table, send: Send) {
        let unhandled = table.any(&[Role::Unhandled]);
        for row in table.rows() {
            match (self.owner, row.role) {
                // End-of-file ends what reads a pipe, when the last writer is gone.
                _ if row.stdin == Stdin::Pipe => {}
                (Owner::Init { .. }, Role::Idle) => self.tell(table, row, send),
                // The programs with a handler are done, so this one's work is, too. Alone, it keeps the time it had.
                (Owner::Init { .. }, Role::Unhandled)
                    if self.told_any() && !row.ignores(self.signal) =>
                {
                    self.tell(table, row, send);
                }
                // Shells that could not be ended before, for the sake of their terminal.
                (Owner::Init { .. }, Role::Swallower) if !unhandled => {
                    self.end(row, send);
                }
                (Owner::Hook, Role::Idle) if self.told_any() && !unhandled => {
                    self.tell(table, row, send);
                }
                _ => {}
            }
        }
    }

    /// Ends the shells and inits that keep the signal to themselves, so that none starts the next program. True if there
    /// were any. What reads a pipe ends by end-of-file; what leads a terminal's session would hang up on its programs.
    fn end_shells(&mut self, table: &Table, send: Send) -> bool {
        let mut any = false;
        for row in table.rows() {
            if row.role == Role::Swallower && row.stdin != Stdin::Pipe && !row.hangs_up {
                any |= self.end(row, send);
            }
        }
        any
    }

    fn end(&mut self, row: &Process, send: Send) -> bool {
        let ended = send(row, Signal::KILL.number());
        self.ended_main |= ended && matches!(self.owner, Owner::Init { main } if main == row.pid);
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::sys::bit;

    const TERM: u8 = 15;

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
        let mut rows = processes.to_vec();
        let mut table = Table::new(&mut rows);
        for process in processes {
            table.push(*process);
        }
        table.sort();
        let mut sent = Vec::new();
        let step = drain.step(&mut table, now, &mut |process, signal| {
            sent.push((process.pid, signal));
            true
        });
        (step, sent)
    }

    #[test]
    fn shells_first_then_programs_then_the_rest() {
        let mut marks = [Mark::default(); 16];
        let mut drain = Drain::new(Owner::Init { main: 2 }, 1, TERM, &mut marks);
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
            (Step::Quiet, vec![(5, TERM), (6, TERM)])
        );
        assert!(drain.ended_main());
        assert_eq!(drain.only_program(), Some(3), "the others did no work");
    }

    #[test]
    fn a_reused_id_is_another_process() {
        let mut marks = [Mark::default(); 16];
        let mut drain = Drain::new(Owner::Hook, 1, TERM, &mut marks);
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
            let mut drain = Drain::new(Owner::Init { main: 2 }, 1, TERM, &mut marks);
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
            let owner = if hook {
                Owner::Hook
            } else {
                Owner::Init { main: 2 }
            };
            let mut drain = Drain::new(owner, 1, TERM, &mut marks);
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
                    let launched = row.kind == Kind::Launcher
                        && !rows.iter().any(|child| child.parent == row.pid);
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
}
