//! The preStop slot: what is in it, and how many seconds of the grace that takes.

use serde_json::Value;
use softstop_programs::base_name;

use crate::PreStop;
use crate::pod::{ContainerView, items};

/// What stands in a container's preStop slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Free,
    /// The native `sleep` action, seconds.
    Sleep(u64),
    /// An exec hook that only sleeps, seconds.
    ExecSleep(u64),
    /// softstop-init as the hook, with its delay.
    Own(u64),
    /// Something else: nobody can see how long it takes.
    Opaque,
}

impl Slot {
    pub(crate) fn read(container: ContainerView<'_>) -> Self {
        let Some(hook) = container.pre_stop() else {
            return Self::Free;
        };
        if let Some(sleep) = hook.get("sleep").filter(|sleep| !sleep.is_null()) {
            let seconds = sleep.get("seconds").and_then(Value::as_i64).unwrap_or(0);
            return Self::Sleep(u64::try_from(seconds).unwrap_or(0));
        }
        let argv: Vec<_> = items(hook.get("exec").and_then(|exec| exec.get("command")))
            .filter_map(Value::as_str)
            .collect();
        Self::exec(&argv)
    }

    /// What the hook that an annotation asks for would be.
    pub(crate) fn wanted(hook: &PreStop) -> Self {
        match hook {
            PreStop::Exec(argv) => Self::exec(&argv.iter().map(String::as_str).collect::<Vec<_>>()),
            PreStop::HttpGet { .. } => Self::Opaque,
        }
    }

    fn exec(argv: &[&str]) -> Self {
        match argv {
            [program, "drain", rest @ ..] if base_name(program) == super::INIT => {
                Self::Own(own_delay(rest))
            }
            [program, "sleep", seconds] if base_name(program) == super::INIT => {
                sleep_seconds(seconds)
            }
            [program, seconds] if base_name(program) == "sleep" => sleep_seconds(seconds),
            [shell, "-c", script] if matches!(base_name(shell), "sh" | "bash" | "ash" | "dash") => {
                let words: Vec<_> = script
                    .trim()
                    .trim_end_matches(';')
                    .split_ascii_whitespace()
                    .collect();
                match words[..] {
                    ["exec", program, seconds] | [program, seconds]
                        if base_name(program) == "sleep" =>
                    {
                        sleep_seconds(seconds)
                    }
                    _ => Self::Opaque,
                }
            }
            _ => Self::Opaque,
        }
    }

    pub(crate) fn is_free(self) -> bool {
        self == Self::Free
    }

    /// Seconds of the grace that the hook takes, as far as that can be seen (P).
    pub(crate) fn seconds(self) -> u64 {
        match self {
            Self::Free | Self::Opaque => 0,
            Self::Sleep(seconds) | Self::ExecSleep(seconds) | Self::Own(seconds) => seconds,
        }
    }
}

/// The argument of `sleep`: `5`, `5s`, `2m`; fractions rounded up.
fn sleep_seconds(text: &str) -> Slot {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) if text.ends_with('m') => (number, 60.0),
        Some(number) if text.ends_with('h') => (number, 3600.0),
        Some(number) => (number, 1.0),
        None => (text, 1.0),
    };
    let digits = |b: u8| b.is_ascii_digit() || b == b'.';
    match number.parse::<f64>() {
        Ok(seconds) if number.bytes().all(digits) && seconds <= 1e9 =>
        {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 3.6e12"
            )]
            Slot::ExecSleep((seconds * unit).ceil() as u64)
        }
        _ => Slot::Opaque,
    }
}

fn own_delay(words: &[&str]) -> u64 {
    words
        .windows(2)
        .find(|pair| pair[0] == "--delay")
        .and_then(|pair| pair[1].parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_are_seen_through_shells() {
        for (argv, slot) in [
            (&["sleep", "5"][..], Slot::ExecSleep(5)),
            (&["/bin/sleep", "1.5"], Slot::ExecSleep(2)),
            (&["/bin/sh", "-c", "sleep 10;"], Slot::ExecSleep(10)),
            (&["bash", "-c", " exec /bin/sleep 2m"], Slot::ExecSleep(120)),
            (&["sh", "-c", "sleep 5; nginx -s quit"], Slot::Opaque),
            (&["sh", "-c", "sleep $X"], Slot::Opaque),
            (&["sleep", "inf"], Slot::Opaque),
            (&["sleep", "-1"], Slot::Opaque),
            (&["sleep", "1e3"], Slot::Opaque),
            (&["/x/softstop-init", "drain", "--delay", "7"], Slot::Own(7)),
            (
                &[
                    "/x/softstop-init",
                    "drain",
                    "--delay",
                    "7",
                    "--signal",
                    "SIGQUIT",
                ],
                Slot::Own(7),
            ),
            (&["sleep"], Slot::Opaque),
            (&[], Slot::Opaque),
        ] {
            assert_eq!(Slot::exec(argv), slot, "{argv:?}");
        }
    }
}
