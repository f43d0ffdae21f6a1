//! The command line.

use softstop_programs::signal::Signal;

use crate::proc::number;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Be PID 1 of the program whose words start at this place of the command line.
    Run {
        /// What to send instead of the stop signal that arrives.
        signal: Option<Signal>,
        /// Index of the program's first word.
        program: usize,
    },
    /// Be a preStop hook.
    Drain {
        /// Milliseconds to wait first.
        delay: u64,
        /// What drains the programs, if it is not SIGTERM.
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
    pub what: &'static str,
}

/// How to use it.
pub const HELP: &str = "\
Usage: softstop-init [--signal SIG] -- PROGRAM [ARGUMENT]...
       softstop-init drain [--delay SECONDS] [--signal SIG]
       softstop-init copy DEST
       softstop-init sleep SECONDS
       softstop-init --version | --help

As PID 1 it runs PROGRAM, hands signals on, reaps orphans, and when told to
stop waits until every program in the container has finished. SIG is sent
instead of the stop signal that arrives.

drain is a preStop hook: after SECONDS it drains the programs that a shell or
launcher as PID 1 would not pass the signal on to, and waits for them.
copy puts this program at DEST (a file or a directory). sleep sleeps.

Exit status: the program's, or 128 plus the signal that ended it; 126 if it
cannot be run, 127 if it is not found, 2 for a wrong command line.
";

/// Reads the command line; word 0 is our own name.
#[inline(never)]
pub fn parse<'a>(words: impl Iterator<Item = &'a [u8]>) -> Result<Command, UsageError> {
    let mut words = words.enumerate().skip(1);
    let mut signal = None;
    while let Some((at, word)) = words.next() {
        return match word {
            b"--" => match words.next() {
                Some((_, b"")) => fail(at + 1, "the program's name is empty"),
                Some((program, _)) => Ok(Command::Run { signal, program }),
                None => fail(at + 1, "no program given after --"),
            },
            b"--version" | b"-V" => nothing_after(words, Command::Version),
            b"--help" | b"-h" => nothing_after(words, Command::Help),
            b"drain" if signal.is_none() => drain(words),
            b"copy" if signal.is_none() => match words.next() {
                Some((_, b"")) => fail(at + 1, "DEST is empty"),
                Some((destination, _)) => nothing_after(words, Command::Copy { destination }),
                None => fail(at + 1, "copy needs DEST"),
            },
            b"sleep" if signal.is_none() => match words.next() {
                Some((at, text)) => nothing_after(words, Command::Sleep(duration(at, text)?)),
                None => fail(at + 1, "sleep needs SECONDS"),
            },
            _ => {
                if let Some(found) = option(b"--signal", at, word, &mut words)? {
                    signal = Some(signal_named(found)?);
                    continue;
                }
                if word.starts_with(b"-") {
                    fail(at, "unknown option")
                } else {
                    fail(at, "unknown subcommand; a program is given after --")
                }
            }
        };
    }
    fail(usize::MAX, "no program given; a program is given after --")
}

#[inline(never)]
fn drain<'a>(mut words: impl Iterator<Item = (usize, &'a [u8])>) -> Result<Command, UsageError> {
    let (mut delay, mut signal) = (0, None);
    while let Some((at, word)) = words.next() {
        if let Some((at, text)) = option(b"--delay", at, word, &mut words)? {
            delay = duration(at, text)?;
        } else if let Some(found) = option(b"--signal", at, word, &mut words)? {
            signal = Some(signal_named(found)?);
        } else {
            return fail(at, "drain takes --delay SECONDS and --signal SIG only");
        }
    }
    Ok(Command::Drain { delay, signal })
}

/// The value of `--name value` or `--name=value`, and where it is.
fn option<'a>(
    name: &[u8],
    at: usize,
    word: &'a [u8],
    words: &mut impl Iterator<Item = (usize, &'a [u8])>,
) -> Result<Option<(usize, &'a [u8])>, UsageError> {
    match word.strip_prefix(name) {
        Some([]) => words
            .next()
            .map_or_else(|| fail(at, "needs a value"), |value| Ok(Some(value))),
        Some([b'=', value @ ..]) => Ok(Some((at, value))),
        _ => Ok(None),
    }
}

fn nothing_after<'a>(
    mut words: impl Iterator<Item = (usize, &'a [u8])>,
    command: Command,
) -> Result<Command, UsageError> {
    words
        .next()
        .map_or(Ok(command), |(at, _)| fail(at, "unexpected word"))
}

fn signal_named((at, text): (usize, &[u8])) -> Result<Signal, UsageError> {
    const STOP: u8 = 19;
    let signal = core::str::from_utf8(text).ok().and_then(Signal::parse);
    match signal {
        Some(signal) if signal == Signal::KILL || signal.number() == STOP => {
            fail(at, "no program can handle this signal")
        }
        Some(signal) => Ok(signal),
        None => fail(at, "not a signal; say for example SIGQUIT or 3"),
    }
}

/// Seconds with an optional `s`, minutes with an `m`; at most a day.
fn duration(at: usize, text: &[u8]) -> Result<u64, UsageError> {
    const DAY: u64 = 24 * 60 * 60;
    let (digits, unit) = match text {
        [digits @ .., b'm'] => (digits, 60),
        _ => (text.strip_suffix(b"s").unwrap_or(text), 1),
    };
    let seconds = number(digits)
        .and_then(|count| count.checked_mul(unit))
        .filter(|seconds| *seconds <= DAY);
    seconds.map_or_else(
        || fail(at, "not a number of seconds from 0 to 86400"),
        |seconds| Ok(seconds * 1000),
    )
}

fn fail<T>(at: usize, what: &'static str) -> Result<T, UsageError> {
    Err(UsageError { at, what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn parse_line(line: &str) -> Result<Command, UsageError> {
        parse(
            std::iter::once("softstop-init")
                .chain(line.split_whitespace())
                .map(str::as_bytes),
        )
    }

    #[test]
    fn every_form() {
        let quit = Some(Signal::QUIT);
        for (line, command) in [
            (
                "-- app -x --",
                Command::Run {
                    signal: None,
                    program: 2,
                },
            ),
            (
                "-- --",
                Command::Run {
                    signal: None,
                    program: 2,
                },
            ),
            (
                "--signal QUIT -- app",
                Command::Run {
                    signal: quit,
                    program: 4,
                },
            ),
            (
                "--signal=3 -- app",
                Command::Run {
                    signal: quit,
                    program: 3,
                },
            ),
            (
                "drain",
                Command::Drain {
                    delay: 0,
                    signal: None,
                },
            ),
            (
                "drain --delay 5",
                Command::Drain {
                    delay: 5000,
                    signal: None,
                },
            ),
            (
                "drain --delay=2m --signal SIGQUIT",
                Command::Drain {
                    delay: 120_000,
                    signal: quit,
                },
            ),
            (
                "drain --signal=quit --delay 0s",
                Command::Drain {
                    delay: 0,
                    signal: quit,
                },
            ),
            ("copy /x", Command::Copy { destination: 2 }),
            ("sleep 86400", Command::Sleep(86_400_000)),
            ("--version", Command::Version),
            ("-h", Command::Help),
        ] {
            assert_eq!(parse_line(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn errors_point_at_the_word() {
        for (line, at) in [
            ("--signal KILL -- app", 2),
            ("--signal STOP -- app", 2),
            ("--signal QUIT drain", 3),
            ("drain --delay -1", 3),
            ("drain --delay 86401", 3),
            ("drain --delay 99999999999999999999m", 3),
            ("drain --delay", 2),
            ("drain -- x", 2),
            ("--signals QUIT -- x", 1),
            ("sleep 1 2", 3),
            ("--version x", 2),
        ] {
            assert_eq!(
                parse_line(line).map_err(|error| error.at),
                Err(at),
                "{line}"
            );
        }
    }

    /// No panic, and whatever runs is what stands behind the first `--`.
    #[test]
    fn a_million_command_lines() {
        let words = [
            "--",
            "--signal",
            "--signal=",
            "QUIT",
            "9",
            "drain",
            "--delay",
            "5",
            "5m",
            "copy",
            "sleep",
            "/x",
            "",
            "-h",
            "--version",
            "\u{e9}",
            "99999999999999999999",
            "--delay=1",
            "--signal=TERM",
            "-",
        ];
        let mut random = Random::new(3);
        let mut line: Vec<&[u8]> = Vec::new();
        for _ in 0..1_000_000 {
            line.clear();
            line.push(b"softstop-init");
            for _ in 0..random.below(6) {
                line.push(words[random.below(words.len())].as_bytes());
            }
            match parse(line.iter().copied()) {
                Ok(Command::Run { program, .. }) => {
                    assert!(program < line.len() && line[program - 1] == b"--");
                }
                Ok(Command::Copy { destination }) => assert!(destination < line.len()),
                Ok(Command::Sleep(time) | Command::Drain { delay: time, .. }) => {
                    assert!(time <= 86_400_000);
                }
                _ => {}
            }
        }
    }
}
