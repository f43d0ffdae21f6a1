//! `softstop-init drain`: the preStop hook.
//!
//! It needs no knowledge of the image: it looks at the processes that really run. Whatever goes wrong, it ends with 0 and
//! the kubelet sends its own signal, as it would have without a hook.

use softstop_programs::signal::Signal;

use crate::drain::{Drain, Owner, Step};
use crate::process::{Kind, Mark, Process};
use crate::scan::{self, Container};
use crate::signal::send;
use crate::sys::{self, Fork};
use crate::text::{decimal, say};
use crate::tree::{Role, Stop, Table, signal_for};

const PROCESSES: usize = 32_768;
/// How long nothing must be left to drain before a launcher is believed not to start the program again.
const QUIET: u64 = 1000;
const POLL: u64 = 50;
const SIGNALLED_NOTHING: &[u8] = b"drain: nothing was signalled: ";

/// Waits `delay` milliseconds, then drains what PID 1 would not. What had `grace` milliseconds until the kill keeps them.
/// Always 0: a hook that fails helps nobody.
#[inline(never)]
pub fn run(delay: u64, grace: u64, signal: Option<Signal>) -> u8 {
    let (Ok(rows), Ok(marks)) = (
        sys::allocate::<Process>(PROCESSES),
        sys::allocate::<Mark>(PROCESSES),
    ) else {
        say(b"drain: out of memory", b"");
        sys::sleep(delay);
        return 0;
    };
    let mut hook = Hook {
        table: Table::new(rows),
        container: Container::of(1),
        signal,
        late: grace.saturating_sub(delay),
    };
    if hook.look() && hook.leaves_it_to_another() {
        return 0;
    }
    sys::sleep(delay);
    let mut seen = hook.look();
    if seen && let later @ 1.. = hook.later() {
        sys::sleep(later);
        seen = hook.look();
    }
    if !seen {
        say(SIGNALLED_NOTHING, b"/proc cannot be read");
        return 0;
    }
    if scan::first_is_of_this_container() {
        hook.drain(marks);
    } else {
        say(SIGNALLED_NOTHING, b"PID 1 is not this container's");
    }
    0
}

/// What to do about PID 1.
#[derive(Debug, PartialEq, Eq)]
enum First {
    /// It is the program, or hands the kubelet's signal on to it.
    Leave,
    /// It is the program, and drains on another signal than it will get.
    Signal(u8),
    /// It would not hand the signal on.
    LookBehind {
        /// The kubelet's signal would end it: everything must have drained before.
        ends: bool,
    },
}

struct Hook {
    table: Table<'static>,
    container: Container,
    signal: Option<Signal>,
    /// What is left, after the delay, of the time that work had until the kill.
    late: u64,
}

impl Hook {
    fn look(&mut self) -> bool {
        scan::snapshot(&mut self.table, &self.container).is_ok() && self.table.get(1).is_some()
    }

    /// A hook that is run twice (the kubelet was restarted) must not signal twice: the first one does the work. True when
    /// that is done, or goes on in the background.
    fn leaves_it_to_another(&mut self) -> bool {
        let own = sys::pid();
        let mut found = false;
        while let Some(older) = scan::older_drain(&self.table, own) {
            found = true;
            if older.kind == Kind::Watch {
                break;
            }
            sys::sleep(POLL);
            if !self.look() {
                break;
            }
        }
        found
    }

    /// What is asked for. PID 1 itself hears the kubelet.
    fn stop(&self) -> Stop {
        Stop {
            signal: self.signal.unwrap_or(Signal::TERM).number(),
            chosen: self.signal.is_some(),
            main: 1,
        }
    }

    #[inline(never)]
    fn first(&self) -> First {
        let term = Signal::TERM.number();
        let Some(first) = self.table.get(1) else {
            return First::Leave;
        };
        let stop = self.stop();
        let other = Some(stop.signal).filter(|&signal| signal != term);
        match first.kind {
            Kind::Program | Kind::Softstop if signal_for(first, stop).is_some() => match other {
                Some(signal) if first.handles(signal) => First::Signal(signal),
                _ => First::Leave,
            },
            Kind::Init
                if other.is_none()
                    && scan::forwards_to_child_only(1)
                    && self.only_programs_behind() =>
            {
                First::Leave
            }
            _ => First::LookBehind {
                ends: first.handles(term),
            },
        }
    }

    fn only_programs_behind(&self) -> bool {
        let stop = self.stop();
        let mut children = self
            .table
            .rows()
            .iter()
            .filter(|row| row.parent == 1 && row.kind != Kind::Watch)
            .peekable();
        children.peek().is_some()
            && children
                .all(|row| row.kind == Kind::Program && signal_for(row, stop) == Some(stop.signal))
    }

    fn drain(&mut self, marks: &'static mut [Mark]) {
        let ends = match self.first() {
            First::Leave => return,
            First::Signal(signal) => {
                if self.table.get(1).is_some_and(|first| tell(first, signal)) {
                    // Its end is ours.
                    sys::sleep(u64::MAX);
                }
                return;
            }
            First::LookBehind { ends } => ends,
        };
        let mut drain = Drain::new(Owner::Hook, 1, self.stop(), marks);
        let step = drain.step(&mut self.table, sys::now(), &mut tell);
        if !ends {
            // The kernel drops the kubelet's signal, so PID 1 stays while its programs drain. Without a hook in the
            // container when it ends, nobody reports a failed hook.
            return self.watch(&mut drain);
        }
        if step == Step::Quiet && !drain.told_any() {
            return;
        }
        let mut quiet = sys::now();
        while sys::now().saturating_sub(quiet) < QUIET {
            sys::sleep(POLL);
            if !self.look() {
                return;
            }
            if drain.step(&mut self.table, sys::now(), &mut tell) != Step::Quiet {
                quiet = sys::now();
            }
        }
    }

    /// How much later the programs are to be told, in milliseconds. Where PID 1 keeps the kubelet's signal, they worked until
    /// the kill; a limit of their own that is shorter counts from when they are told.
    fn later(&mut self) -> u64 {
        if !matches!(self.first(), First::LookBehind { ends: false }) {
            return 0;
        }
        self.table.judge(1, self.stop(), false);
        let mut limit = u64::MAX;
        for row in self.table.rows() {
            if row.limit > 0 && matches!(row.role, Role::Program | Role::Consumer) {
                limit = limit.min(u64::from(row.limit) * 1000);
            }
        }
        self.late.saturating_sub(limit)
    }

    /// Goes on in the background until the container ends: what was behind a pipe comes later, what is still starting
    /// gets its handler, what a loop starts again drains again.
    fn watch(&mut self, drain: &mut Drain) {
        match sys::fork() {
            Ok(Fork::Parent(_)) => return,
            Ok(Fork::Child) => {}
            Err(errno) => {
                return say(
                    b"drain: cannot stay in the background: ",
                    errno.text().as_bytes(),
                );
            }
        }
        sys::new_session();
        sys::set_name(c"softstop-watch");
        // The runtime waits until the hook's output is closed.
        for descriptor in 0..3 {
            sys::close(descriptor);
        }
        sys::change_to_root();
        let mut pause = POLL;
        loop {
            sys::sleep(pause);
            if !self.look() {
                sys::exit(0);
            }
            let draining = drain.step(&mut self.table, sys::now(), &mut tell) != Step::Quiet;
            pause = if draining { POLL } else { (pause * 2).min(500) };
        }
    }
}

fn tell(process: &Process, signal: u8) -> bool {
    let sent = send(process, signal);
    if !sent && scan::is_still(process) {
        say(
            b"drain: may not signal process ",
            decimal(process.pid).as_bytes(),
        );
    }
    sent
}
