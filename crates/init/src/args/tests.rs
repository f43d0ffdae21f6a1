//! The command line: every form, every error, and a million lines.

use super::*;
use crate::random::Random;

fn parse_line(line: &str) -> Result<Command, UsageError> {
    let words: Vec<&str> = std::iter::once("softstop-init")
        .chain(line.split_whitespace())
        .collect();
    parse(&|at| words.get(at).map(|word| word.as_bytes()))
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
                grace: 0,
                signal: None,
            },
        ),
        (
            "drain --delay 5",
            Command::Drain {
                delay: 5000,
                grace: 0,
                signal: None,
            },
        ),
        (
            "drain --delay=120 --signal SIGQUIT",
            Command::Drain {
                delay: 120_000,
                grace: 0,
                signal: quit,
            },
        ),
        (
            "drain --signal=QUIT --delay 0 --grace 30",
            Command::Drain {
                delay: 0,
                grace: 30_000,
                signal: quit,
            },
        ),
        ("copy /x", Command::Copy { destination: 2 }),
        ("sleep 86400", Command::Sleep(86_400_000)),
        ("--version", Command::Version),
        ("--help", Command::Help),
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
        ("drain --delay 99999999999999999999", 3),
        ("drain --delay", 2),
        ("drain --grace 1m", 3),
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

#[test]
fn signals_are_those_of_the_tables() {
    for number in 1..=64 {
        let signal = Signal::from_number(number).unwrap();
        let name = signal.to_string();
        if let Some(short) = name.strip_prefix("SIG") {
            assert_eq!(signal_number(name.as_bytes()), Some(number), "{name}");
            assert_eq!(signal_number(short.as_bytes()), Some(number), "{short}");
        }
        assert_eq!(signal_number(number.to_string().as_bytes()), Some(number));
    }
    for text in [
        "",
        "SIG",
        "SIGFOO",
        "RTMIN+31",
        "RTMAX-31",
        "RTMIN-1",
        "RTMAX",
        "SIGRTMAX-1",
        "RTMIN3",
        "-9",
        "SIG3",
        "999",
    ] {
        let ours = signal_number(text.as_bytes()).and_then(Signal::from_number);
        assert_eq!(ours, Signal::parse(text), "{text}");
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
        "--grace",
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
        match parse(&|at| line.get(at).copied()) {
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
