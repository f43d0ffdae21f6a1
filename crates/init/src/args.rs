//! The command line.

use softstop_programs::signal::Signal;

use crate::proc::{is, number};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Be PID 1 of the program whose words start at this place of the command line.
    Run {
        /// What to send instead of the stop signal that arrives, whatever is known of the programs.
        signal: Option<Signal>,
        /// Index of the program's first word.
        program: usize,
    },
    /// Be a preStop hook.
    Drain {
        /// Milliseconds to wait first.
        delay: u64,
        /// Milliseconds that work had until the kill while nobody told its program to stop; 0 where it is not to have
        /// them.
        grace: u64,
        /// What drains the programs; where nobody says, what is known of each, or SIGTERM.
        signal: Option<Signal>,
    },
    /// Copy this program to the path at this place of the command line.
    Copy {
        /// Index of the destination.
        destination: usize,
    },
    /// Sleep so many milliseconds.
    Sleep(u64),
    /// Say which version this is.
    Version,
    /// Say how to use it.
    Help,
}

/// Why a command line is refused. `at` is the index of the word that is wrong, or missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageError {
    /// Index of the word.
    pub at: usize,
    /// What is wrong with it.
    pub what: What,
}

const UNKNOWN: &str = "unknown subcommand; a program is given after --";

/// How to use it.
pub const HELP: &str = "\
Usage: softstop-init [--signal SIG] -- PROGRAM [ARGUMENT]...
       softstop-init drain [--delay SECONDS] [--grace SECONDS] [--signal SIG]
       softstop-init copy DEST
       softstop-init sleep SECONDS

Runs PROGRAM as PID 1 and, when told to stop, waits until all has finished.
drain is a preStop hook for what PID 1 does not drain. Without SIG, each program
gets the signal that is known to drain it, or SIGTERM.

Exit status: PROGRAM's, or 128 + its signal; 126 cannot run it, 127 not found,
2 wrong command line.
";

/// Reads the command line, given its words by their place; word 0 is our own name.
#[inline(never)]
pub fn parse<'a>(word: &dyn Fn(usize) -> Option<&'a [u8]>) -> Result<Command, UsageError> {
    let mut words = Words { word, at: 0 };
    command(&mut words).map_err(|what| UsageError { at: words.at, what })
}

/// The words of the command line, one after the other.
struct Words<'w, 'a> {
    word: &'w dyn Fn(usize) -> Option<&'a [u8]>,
    /// The place of the last one that was asked for: whatever is wrong is wrong with that.
    at: usize,
}

/// What is wrong.
type What = &'static str;

impl<'a> Words<'_, 'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        self.at += 1;
        (self.word)(self.at)
    }

    /// A word that must be there.
    fn argument(&mut self, missing: What, empty: What) -> Result<&'a [u8], What> {
        match self.next() {
            None => Err(missing),
            Some(b"") => Err(empty),
            Some(word) => Ok(word),
        }
    }

    /// The value, if `word` is `--name value` or `--name=value`.
    fn option(&mut self, name: &[u8], word: &'a [u8]) -> Result<Option<&'a [u8]>, What> {
        match word.strip_prefix(name) {
            Some([]) => {
                let value = self.next();
                if value.is_none() {
                    self.at -= 1; // the option is wrong, not what is missing
                    return Err("needs a value");
                }
                Ok(value)
            }
            Some([b'=', value @ ..]) => Ok(Some(value)),
            _ => Ok(None),
        }
    }
}

fn command(words: &mut Words) -> Result<Command, What> {
    let mut signal = None;
    while let Some(word) = words.next() {
        if let Some(found) = words.option(b"--signal", word)? {
            signal = Some(signal_named(found)?);
            continue;
        }
        let command = if is(word, b"--") {
            words.argument("no program given after --", "the program's name is empty")?;
            let program = words.at;
            return Ok(Command::Run { signal, program });
        } else if word.starts_with(b"-") {
            match word {
                _ if is(word, b"--help") => Command::Help,
                _ if is(word, b"--version") => Command::Version,
                _ => return Err("unknown option"),
            }
        } else if signal.is_some() {
            return Err(UNKNOWN);
        } else if is(word, b"drain") {
            return drain(words);
        } else if is(word, b"copy") {
            words.argument("copy needs DEST", "DEST is empty")?;
            let destination = words.at;
            Command::Copy { destination }
        } else if is(word, b"sleep") {
            let seconds = words.argument("sleep needs SECONDS", "SECONDS is empty")?;
            Command::Sleep(duration(seconds)?)
        } else {
            return Err(UNKNOWN);
        };
        return match words.next() {
            None => Ok(command),
            Some(_) => Err("unexpected word"),
        };
    }
    Err("no program given after --")
}

fn drain(words: &mut Words) -> Result<Command, What> {
    let (mut delay, mut grace, mut signal) = (0, 0, None);
    while let Some(word) = words.next() {
        if let Some(found) = words.option(b"--delay", word)? {
            delay = duration(found)?;
        } else if let Some(found) = words.option(b"--grace", word)? {
            grace = duration(found)?;
        } else if let Some(found) = words.option(b"--signal", word)? {
            signal = Some(signal_named(found)?);
        } else {
            return Err("drain takes --delay, --grace and --signal only");
        }
    }
    Ok(Command::Drain {
        delay,
        grace,
        signal,
    })
}

fn signal_named(text: &[u8]) -> Result<Signal, What> {
    const STOP: u8 = 19;
    match signal_number(text).and_then(Signal::from_number) {
        Some(signal) if signal == Signal::KILL || signal.number() == STOP => {
            Err("no program can handle this signal")
        }
        Some(signal) => Ok(signal),
        None => Err("not a signal; say for example SIGQUIT or 3"),
    }
}

/// Signals 1 to 31, in order. Plain text: the table of softstop-programs and its parser would be a tenth of this program.
const SIGNALS: &[u8] =
    b"HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT \
    STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

/// `3`, `QUIT`, `SIGQUIT`, `SIGRTMIN`, `SIGRTMIN+3` or `SIGRTMAX-1`.
fn signal_number(text: &[u8]) -> Option<u8> {
    const RTMIN: u8 = 34;
    const RTMAX: u8 = 64;
    let name = text.strip_prefix(b"SIG").unwrap_or(text);
    let small = |digits| number(digits).and_then(|number| u8::try_from(number).ok());
    if let Some(place) = SIGNALS
        .split(|&byte| byte == b' ')
        .position(|signal| is(signal, name))
    {
        return u8::try_from(place + 1).ok();
    }
    let signal = match name.split_at_checked(5) {
        Some((b"RTMIN", b"")) => RTMIN,
        Some((b"RTMIN", [b'+', more @ ..])) => RTMIN.checked_add(small(more)?)?,
        Some((b"RTMAX", b"")) => RTMAX,
        Some((b"RTMAX", [b'-', less @ ..])) => RTMAX.checked_sub(small(less)?)?,
        _ => return small(text),
    };
    (RTMIN..=RTMAX).contains(&signal).then_some(signal)
}

/// Seconds, at most a day; in milliseconds.
fn duration(text: &[u8]) -> Result<u64, What> {
    const DAY: u64 = 24 * 60 * 60;
    match number(text) {
        Some(seconds) if seconds <= DAY => Ok(seconds * 1000),
        _ => Err("not a number of seconds from 0 to 86400"),
    }
}

#[cfg(test)]
mod tests;
