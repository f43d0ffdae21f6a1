//! `softstop-init -- PROGRAM`: the container's PID 1.

use softstop_programs::signal::Signal;

use crate::drain::{Drain, Owner, Step};
use crate::process::{Mark, Process};
use crate::scan::{self, Container};
use crate::signal::send;
use crate::sys::{self, Reaped, SignalSet, Status, Vector};
use crate::text::say;
use crate::tree::{Role, Stop, Table};

/// How many processes a snapshot holds. Only those that exist cost memory, and only while stopping.
const PROCESSES: usize = 32_768;
/// How long the preStop hook may outlive the program, in milliseconds: if PID 1 ended under it, the kubelet would report
/// a failed hook.
const LINGER: u64 = 2000;
/// systemd's "halt": images with that STOPSIGNAL exist.
const RTMIN_3: u8 = 37;
const CHLD: u8 = 17;

/// Runs the program and returns the container's exit code.
#[inline(never)]
pub fn run(program: Vector, environment: Vector, signal: Option<Signal>) -> u8 {
    let mask = sys::block(SignalSet::ASYNCHRONOUS);
    if sys::pid() != 1 && sys::become_subreaper().is_err() {
        say(b"cannot adopt orphans", b"");
    }
    let main = match crate::spawn::spawn(program, environment, mask) {
        Ok(main) => main,
        Err(errno) => {
            say(b"cannot start a process: ", errno.text().as_bytes());
            return 126;
        }
    };
    Init {
        main,
        main_status: None,
        only: None,
        signal: signal.map(Signal::number),
        room: None,
    }
    .supervise()
}

/// Room for a snapshot, taken when it is first needed: an idle PID 1 stays small.
struct Room {
    table: Table<'static>,
    container: Container,
}

impl Room {
    fn take() -> Option<Self> {
        let rows = sys::allocate::<Process>(PROCESSES).ok()?;
        Some(Self {
            table: Table::new(rows),
            container: Container::of(sys::pid()),
        })
    }
}

struct Init {
    main: u32,
    main_status: Option<Status>,
    /// The one program that was told to drain, and how it ended.
    only: Option<(u32, Option<Status>)>,
    /// What `--signal` asks for.
    signal: Option<u8>,
    room: Option<Room>,
}

impl Init {
    fn supervise(mut self) -> u8 {
        loop {
            match sys::next_signal(None) {
                Some(CHLD) => {
                    self.reap();
                    if let Some(status) = self.main_status {
                        self.linger();
                        return status.code();
                    }
                }
                Some(signal) if self.stops(signal) => {
                    let signal = self.signal.unwrap_or(signal);
                    return self.stop(signal);
                }
                Some(signal) => self.pass_on(signal),
                None => {}
            }
        }
    }

    fn stops(&self, signal: u8) -> bool {
        [
            Signal::TERM.number(),
            Signal::INT.number(),
            Signal::QUIT.number(),
            RTMIN_3,
        ]
        .contains(&signal)
            || self.signal == Some(signal)
    }

    /// Reaps all that have ended; false if no child is left.
    fn reap(&mut self) -> bool {
        loop {
            match sys::reap() {
                Reaped::Ended(pid, status) => {
                    if pid == self.main {
                        self.main_status = Some(status);
                    }
                    if let Some((only, ended @ None)) = &mut self.only
                        && *only == pid
                    {
                        *ended = Some(status);
                    }
                }
                Reaped::NoneEnded => return true,
                Reaped::NoChildren => return false,
            }
        }
    }

    /// The processes of this moment; `None` where they cannot be seen.
    fn look(&mut self) -> Option<&mut Table<'static>> {
        if self.room.is_none() {
            self.room = Room::take();
        }
        let room = self.room.as_mut()?;
        scan::snapshot(&mut room.table, &room.container).ok()?;
        Some(&mut room.table)
    }

    /// What is asked for. Without us the child would be PID 1, and hear the kubelet.
    fn asked(&self, signal: u8) -> Stop {
        Stop {
            signal,
            chosen: self.signal.is_some(),
            main: self.main,
        }
    }

    /// A signal that does not stop: reload, reopen, resize. It goes to the program, or to the first programs behind the
    /// shell, if they have a handler for it: without one, PID 1 would not have died of it.
    fn pass_on(&mut self, signal: u8) {
        let main = self.main;
        let stop = self.asked(signal);
        let Some(table) = self.look() else {
            let _ = sys::kill(main, signal);
            return;
        };
        table.judge(sys::pid(), stop, true);
        let main_handles = table.get(main).is_some_and(|row| row.handles(signal));
        for row in table.rows() {
            let turn = if main_handles {
                row.pid == main
            } else {
                row.role != Role::Away && row.handles(signal)
            };
            if turn {
                send(row, signal);
            }
        }
    }

    /// From the stop signal to the end of the last process.
    fn stop(mut self, signal: u8) -> u8 {
        let Ok(marks) = sys::allocate::<Mark>(PROCESSES) else {
            return self.stop_blindly(signal);
        };
        let mut drain = Drain::new(Owner::Init, sys::pid(), self.asked(signal), marks);
        let mut pause = Pause::new();
        while self.reap() {
            let Some(table) = self.look() else {
                return self.stop_blindly(signal);
            };
            let step = drain.step(table, sys::now(), &mut send);
            if step == Step::Again && pause.again() {
                continue;
            }
            if let (Some(pid), None) = (drain.only_program(), self.only) {
                self.only = Some((pid, None));
            }
            match sys::next_signal(Some(pause.next())) {
                Some(CHLD) => pause.event(),
                Some(again) if self.stops(again) => {
                    let again = self.signal.unwrap_or(again);
                    if let Some(table) = self.look() {
                        drain.insist(table, again, &mut send);
                    }
                }
                Some(other) => self.pass_on(other),
                None => {}
            }
        }
        self.linger();
        let only = self
            .only
            .filter(|_| drain.only_program().is_some())
            .and_then(|(_, status)| status);
        match (only, self.main_status) {
            (Some(status), _) => status.code(),
            (None, Some(status)) if !drain.ended_main() => status.code(),
            // A shell that was ended counts as if the stop signal had done it.
            _ => 128 + signal,
        }
    }

    /// Without `/proc` all that is known is the main child.
    fn stop_blindly(mut self, signal: u8) -> u8 {
        say(
            b"cannot read /proc: only the first process gets the stop signal",
            b"",
        );
        let _ = sys::kill(self.main, signal);
        while self.reap() {
            match sys::next_signal(None) {
                Some(CHLD) | None => {}
                Some(signal) => {
                    let _ = sys::kill(self.main, signal);
                }
            }
        }
        self.main_status.map_or(128 + signal, Status::code)
    }

    /// Waits a little for a hook that still runs in this container.
    fn linger(&mut self) {
        let end = sys::now() + LINGER;
        while sys::pid() == 1
            && self.look().is_some_and(|table| scan::has_guests(table))
            && sys::now() < end
        {
            sys::sleep(Pause::FIRST);
            self.reap();
        }
    }
}

/// When to look next, in milliseconds: soon after something happened, rarely while nothing does.
struct Pause {
    next: u64,
    agains: u32,
}

impl Pause {
    const FIRST: u64 = 10;
    const LAST: u64 = 500;

    fn new() -> Self {
        Self {
            next: Self::FIRST,
            agains: 0,
        }
    }

    fn next(&mut self) -> u64 {
        let now = self.next;
        self.next = (now * 2).min(Self::LAST);
        self.agains = 0;
        now
    }

    /// A child ended; perhaps a thousand do.
    fn event(&mut self) {
        sys::sleep(Self::FIRST);
        self.next = Self::FIRST;
    }

    /// Whether to look again without a pause: so fast that no fork storm keeps up, but not for ever.
    fn again(&mut self) -> bool {
        self.agains += 1;
        self.agains < 1000
    }
}
