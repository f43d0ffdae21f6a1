//! The process tree below a root, and what stopping means for each process in it.

use softstop_programs::signal::Signal;

use crate::process::{Drains, Kind, Process, Stdin};

/// What stopping means for a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Nothing: it is not below the root, or behind a program that looks after it (a worker of a pool).
    #[default]
    Away,
    /// The first program on its branch that handles the signal: it drains when told to.
    Program,
    /// The same, fed by a pipe: end-of-file should end it, after what feeds it.
    Consumer,
    /// A program that the signal would kill, for it has no handler; or whose handler drops its work.
    Unhandled,
    /// It holds no work.
    Idle,
    /// A shell or init that keeps the signal to itself. It might start the next program.
    Swallower,
    /// Something in between that ends when what is behind it ends.
    Wrapper,
    /// A script that handles the signal and is ready to: its programs are its own business.
    Script,
    /// A script that handles the signal, but only when the program it waits for has ended.
    Deferred,
    /// A script that handles the signal in a way that cannot be told: best told when its programs are gone.
    Trap,
}

/// The processes of one moment, sorted by id.
#[derive(Debug)]
pub struct Table<'a> {
    rows: &'a mut [Process],
    length: usize,
}

impl<'a> Table<'a> {
    /// An empty table with room for `rows.len()` processes.
    pub fn new(rows: &'a mut [Process]) -> Self {
        Self { rows, length: 0 }
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Adds a process. What does not fit is left out: it will be seen when others have gone.
    pub fn push(&mut self, process: Process) {
        if let Some(row) = self.rows.get_mut(self.length) {
            *row = process;
            self.length += 1;
        }
    }

    /// Puts the rows in order; to be called after the last `push`.
    pub fn sort(&mut self) {
        // The kernel lists them in order, so this is one walk through them.
        let rows = self.rows_mut();
        for end in 1..rows.len() {
            let mut place = end;
            while place > 0
                && rows
                    .get(place - 1)
                    .zip(rows.get(place))
                    .is_some_and(|(a, b)| a.pid > b.pid)
            {
                rows.swap(place - 1, place);
                place -= 1;
            }
        }
    }

    /// The processes.
    pub fn rows(&self) -> &[Process] {
        self.rows.get(..self.length).unwrap_or_default()
    }

    fn rows_mut(&mut self) -> &mut [Process] {
        self.rows.get_mut(..self.length).unwrap_or_default()
    }

    /// The process of that id.
    pub fn get(&self, pid: u32) -> Option<&Process> {
        let rows = self.rows();
        rows.binary_search_by_key(&pid, |row| row.pid)
            .ok()
            .and_then(|index| rows.get(index))
    }

    /// The processes whose parent is `pid`.
    pub fn children(&self, pid: u32) -> impl Iterator<Item = &Process> {
        self.rows().iter().filter(move |row| row.parent == pid)
    }

    /// Whether any process has one of these roles.
    pub fn any(&self, roles: &[Role]) -> bool {
        self.rows().iter().any(|row| roles.contains(&row.role))
    }

    /// Gives every process below `root` its role for `stop`, from the top: what is behind a process that looks after
    /// its own children stays [`Role::Away`].
    ///
    /// `scripts`: leave a script that is ready to handle the signal alone with it. Otherwise every shell is looked
    /// through.
    pub fn judge(&mut self, root: u32, stop: Stop, scripts: bool) {
        for row in self.rows_mut() {
            row.role = Role::Away;
        }
        // Parents mostly have smaller ids than their children, so this takes one or two rounds.
        loop {
            let mut changed = false;
            for index in 0..self.length {
                let Some(row) = self.rows().get(index) else {
                    break;
                };
                if row.role != Role::Away || !self.reaches(row, root) {
                    continue;
                }
                let role = self.role(row, stop, scripts);
                changed |= role != Role::Away;
                if let Some(row) = self.rows_mut().get_mut(index) {
                    row.role = role;
                }
            }
            if !changed {
                break;
            }
        }
    }

    fn reaches(&self, row: &Process, root: u32) -> bool {
        row.parent == root
            || self.get(row.parent).is_some_and(|parent| {
                match parent.role {
                    Role::Swallower | Role::Wrapper | Role::Deferred | Role::Trap => true,
                    // What never drains looks after its own children all the same.
                    Role::Unhandled => parent.drains != Drains::Never,
                    _ => false,
                }
            })
    }

    fn role(&self, row: &Process, stop: Stop, scripts: bool) -> Role {
        let handles = signal_for(row, stop).is_some();
        match row.kind {
            Kind::Drain | Kind::Watch => Role::Away,
            Kind::Program | Kind::Softstop | Kind::Idle if handles && row.stdin == Stdin::Pipe => {
                Role::Consumer
            }
            Kind::Program | Kind::Softstop | Kind::Idle if handles => Role::Program,
            Kind::Program | Kind::Softstop => Role::Unhandled,
            Kind::Idle => Role::Idle,
            Kind::Launcher => Role::Wrapper,
            Kind::Init => Role::Swallower,
            Kind::Shell | Kind::OtherShell if !catches(row, stop.signal) => Role::Swallower,
            Kind::Shell if scripts => self.script(row),
            Kind::Shell | Kind::OtherShell => Role::Trap,
        }
    }

    /// Which of its two kinds of waiting a script with a handler is in. In `wait` it runs the handler at once; while it
    /// waits for a foreground command it runs the handler after that has ended.
    fn script(&self, shell: &Process) -> Role {
        if dies_of_any_signal(shell) {
            return Role::Trap;
        }
        let mut children = self.children(shell.pid).peekable();
        if children.peek().is_some() && children.all(|child| is_foreground(child, shell)) {
            Role::Deferred
        } else if self
            .children(shell.pid)
            .all(|child| is_background(child, shell))
        {
            Role::Script
        } else {
            Role::Trap
        }
    }
}

/// What a stop asks for.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// The signal.
    pub signal: u8,
    /// The caller chose it, so it knows the program: what is known here does not count.
    pub chosen: bool,
    /// The process that the kubelet's signal reaches, or would reach without us: PID 1, or the child in its place.
    pub main: u32,
}

/// The signal that stops this process gracefully: what the caller says, else what is known of the program, else SIGTERM.
/// None if it has no handler, or drops its work on every signal and would not have got one without us.
pub fn signal_for(process: &Process, stop: Stop) -> Option<u8> {
    let term = Signal::TERM.number();
    let shell = matches!(process.kind, Kind::Shell | Kind::OtherShell);
    if !stop.chosen {
        match process.drains {
            Drains::On(signal) if stop.signal == term && process.catches(signal.number()) => {
                return Some(signal.number());
            }
            Drains::Never if process.pid != stop.main => return None,
            _ => {}
        }
    }
    if process.handles(stop.signal) && !(shell && stop.signal == Signal::INT.number()) {
        Some(stop.signal)
    } else {
        process.handles(term).then_some(term)
    }
}

/// Whether a script handles the stop signal. Shells catch INT for themselves, which says nothing about the script.
fn catches(shell: &Process, stop: u8) -> bool {
    shell.catches(Signal::TERM.number()) || (stop != Signal::INT.number() && shell.catches(stop))
}

/// bash with an EXIT trap catches every signal that would end it, runs the trap and dies.
fn dies_of_any_signal(shell: &Process) -> bool {
    const ALRM: u8 = 14;
    const XCPU: u8 = 24;
    const VTALRM: u8 = 26;
    [ALRM, XCPU, VTALRM]
        .iter()
        .all(|&signal| shell.catches(signal))
}

/// Every shell starts a `&` job with INT and QUIT ignored and standard input from `/dev/null`.
fn is_background(child: &Process, shell: &Process) -> bool {
    let newly_ignored =
        |signal: Signal| child.ignores(signal.number()) && !shell.ignores(signal.number());
    newly_ignored(Signal::INT)
        || newly_ignored(Signal::QUIT)
        || (child.stdin == Stdin::Null && !matches!(shell.stdin, Stdin::Null | Stdin::Unknown))
}

fn is_foreground(child: &Process, shell: &Process) -> bool {
    let untouched =
        |signal: Signal| !child.handles(signal.number()) && !child.ignores(signal.number());
    !is_background(child, shell)
        && (untouched(Signal::INT)
            || untouched(Signal::QUIT)
            || (child.stdin == Stdin::Container && shell.stdin == Stdin::Container))
}
