//! What to signal next: the heart of PID 1 and of the preStop hook, as a function of one snapshot.
//!
//! Programs that handle the signal come first, each once. What feeds from a pipe follows when what feeds it has ended.
//! What has no handler comes last. Nobody is signalled twice.

use softstop_programs::signal::Signal;

use crate::process::{Kind, Mark, Process, Stdin};
use crate::tree::{Role, Stop, Table, signal_for};

/// Who is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// PID 1 (or the subreaper) of the container: it may end shells, for it outlives them.
    Init,
    /// A preStop hook: ending a shell might end the container.
    Hook,
}

const STOP: u8 = 19;

/// How long a program may take to see that another one has ended, by end-of-file or as its parent, before it is told to
/// stop itself; in milliseconds.
const PATIENCE: u64 = 1000;

/// One stop, from the first signal to the last process.
#[derive(Debug)]
pub struct Drain<'a> {
    owner: Owner,
    root: u32,
    stop: Stop,
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
    /// When the youngest process started that was there at the beginning.
    begun: u64,
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
    /// A stop of everything below `root`. `marks` is room to remember who was signalled.
    pub fn new(owner: Owner, root: u32, stop: Stop, marks: &'a mut [Mark]) -> Self {
        Self {
            owner,
            root,
            stop,
            marks,
            marked: 0,
            told: 0,
            last: 0,
            ended_main: false,
            quiet: None,
            begun: 0,
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
        let init = self.owner == Owner::Init;
        table.judge(self.root, self.stop, init);
        self.forget_the_dead(table);
        if self.begun == 0 {
            self.begun = table.rows().iter().map(|row| row.start).max().unwrap_or(0);
        }
        if init
            && let Some(row) = table.get(self.stop.main)
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
            if !self.told_any() || quiet >= PATIENCE {
                self.tell_all(table, Role::Consumer, send);
            }
            return Step::Draining;
        }
        self.end_the_rest(table, quiet >= PATIENCE, send);
        Step::Quiet
    }

    /// The stop signal came once more: those who were told are told again, and if nobody is left of them, the rest is
    /// told that had no handler.
    pub fn insist(&mut self, table: &mut Table, signal: u8, send: Send) {
        let stop = Stop {
            signal,
            ..self.stop
        };
        table.judge(self.root, stop, true);
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
                send(row, signal_for(row, stop).unwrap_or(signal));
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
        send(row, signal_for(row, self.stop).unwrap_or(self.stop.signal));
        match row.role {
            // What it has started so far is its own business, whoever its parent will be.
            Role::Script => self.hand_over(table, row.pid),
            Role::Program | Role::Consumer => {
                self.told += 1;
                self.last = row.pid;
                if self.owner == Owner::Hook && row.start > self.begun {
                    self.restrain(table, row.parent, send);
                }
            }
            _ => {}
        }
    }

    /// What starts another program behind PID 1 while all are told to stop is a loop: it is stopped, and ended when all
    /// have drained. Not earlier, because PID 1 might wait for it, and end.
    fn restrain(&mut self, table: &Table, parent: u32, send: Send) {
        if let Some(row) = table.get(parent)
            && row.role == Role::Swallower
            && self.mark(row)
        {
            send(row, STOP);
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
    fn end_the_rest(&mut self, table: &Table, patient: bool, send: Send) {
        let unhandled = table.any(&[Role::Unhandled]);
        for row in table.rows() {
            match (self.owner, row.role) {
                // End-of-file ends what reads a pipe, when the last writer is gone.
                _ if row.stdin == Stdin::Pipe => {}
                (Owner::Init, Role::Idle) => self.tell(table, row, send),
                // The programs with a handler are done, so this one's work is, too. Alone, it keeps the time it had.
                (Owner::Init, Role::Unhandled)
                    if patient && self.told_any() && !row.ignores(self.stop.signal) =>
                {
                    self.tell(table, row, send);
                }
                // Something that only has a launcher's name, or waits to launch again. Not earlier: a real launcher whose
                // shell was just ended would hand the signal on to the whole group.
                (_, Role::Wrapper)
                    if signal_for(row, self.stop).is_some()
                        && table.children(row.pid).next().is_none() =>
                {
                    self.tell(table, row, send);
                }
                // Shells that could not be ended before, for the sake of their terminal.
                (Owner::Init, Role::Swallower) if !unhandled => {
                    self.end(row, send);
                }
                (Owner::Hook, Role::Idle) if self.told_any() && !unhandled => {
                    self.tell(table, row, send);
                }
                (Owner::Hook, Role::Swallower) if self.is_marked(row) && !unhandled => {
                    self.end(row, send);
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
        self.ended_main |= ended && self.owner == Owner::Init && self.stop.main == row.pid;
        ended
    }
}

#[cfg(test)]
mod tests;
