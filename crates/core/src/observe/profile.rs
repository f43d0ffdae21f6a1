//! Which program this is, and how long its drain takes.

use softstop_programs::{
    base_name,
    profile::{Detect, PROFILES, Profile, TimeSource, Unit},
};

use super::interpreter;
use crate::argv::Word;

/// A drain time that was found in the command line or the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundTime {
    /// Seconds, rounded up.
    pub(crate) seconds: u32,
    /// Where: `--graceful-timeout`, `GUNICORN_CMD_ARGS`.
    pub(crate) place: String,
}

/// Longer than a day is a day: no grace is longer.
const MAX_SECONDS: u64 = 86_400;

/// A program that a command line runs: argv\[0\], or what an interpreter in argv\[0\] runs.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    name: &'a str,
    is_module: bool,
    words: &'a [Word],
}

/// The profile of a program, by its argv (launchers already peeled).
pub(crate) fn detect(argv: &[Word]) -> Option<&'static Profile> {
    let (program, inner) = candidates(argv)?;
    let matches = |detect: &Detect| {
        matches(detect, &program) || inner.is_some_and(|inner| matches(detect, &inner))
    };
    PROFILES
        .iter()
        .find(|profile| profile.detect.iter().any(matches))
}

/// Whether one of these flags is in the program's own words, with or without a value.
pub(crate) fn has_flag(argv: &[Word], flags: &[&str]) -> bool {
    own_words(argv).iter().any(|word| {
        let name = word
            .text
            .split_once('=')
            .map_or(word.text.as_str(), |(name, _)| name);
        flags.contains(&name)
    })
}

/// The drain time that the user configured for this program: on the command line, else in the
/// environment. `env` gives the literal value of a variable.
pub(crate) fn drain_time<'a>(
    profile: &Profile,
    argv: &[Word],
    env: impl Fn(&str) -> Option<&'a str>,
) -> Option<FoundTime> {
    let sources = profile.time.sources;
    match flag_value(sources, own_words(argv)) {
        Flag::Value(flag, seconds) => {
            return Some(FoundTime {
                seconds,
                place: flag.into(),
            });
        }
        Flag::Hidden => return None,
        Flag::Absent => {}
    }
    sources.iter().find_map(|source| {
        let (variable, seconds) = match *source {
            TimeSource::Flag(..) => return None,
            TimeSource::Env(variable, unit) => (variable, seconds(env(variable)?.trim(), unit)?),
            TimeSource::EnvArgs(variable) => match flag_value(sources, &split(env(variable)?)) {
                Flag::Value(_, seconds) => (variable, seconds),
                Flag::Hidden | Flag::Absent => return None,
            },
        };
        Some(FoundTime {
            seconds,
            place: variable.into(),
        })
    })
}

fn candidates(argv: &[Word]) -> Option<(Candidate<'_>, Option<Candidate<'_>>)> {
    let (first, words) = argv.split_first()?;
    let name = base_name(first.program()?);
    let inner = interpreter::by_name(name)
        .and_then(|i| i.runs(words))
        .and_then(|runs| {
            let name = if runs.is_module {
                runs.name
            } else {
                base_name(runs.name)
            };
            Some(Candidate {
                name,
                is_module: runs.is_module,
                words: words.get(runs.words..)?,
            })
        });
    Some((
        Candidate {
            name,
            is_module: false,
            words,
        },
        inner,
    ))
}

/// The words that the program itself reads: behind the script or module where an interpreter runs one.
fn own_words(argv: &[Word]) -> &[Word] {
    candidates(argv).map_or(&[], |(program, inner)| inner.unwrap_or(program).words)
}

fn matches(detect: &Detect, candidate: &Candidate<'_>) -> bool {
    let named = |name| is_named(candidate.name, name);
    let mut known = candidate
        .words
        .iter()
        .filter(|word| word.known)
        .map(|word| word.text.as_str());
    match *detect {
        Detect::Program(name) => !candidate.is_module && named(name),
        Detect::Module(name) => candidate.is_module && candidate.name == name,
        Detect::With(name, wanted) => {
            named(name) && wanted.iter().all(|w| known.any(|word| word == *w))
        }
        Detect::WithPrefix(name, prefix) => {
            named(name) && known.any(|word| word.starts_with(prefix))
        }
        Detect::WithSuffix(name, suffix) => named(name) && known.any(|word| word.ends_with(suffix)),
    }
}

/// Whether a program has this name, possibly with a version (`python3.11`, `php-fpm8.2`, `postgres-15`).
pub(super) fn is_named(program: &str, name: &str) -> bool {
    program.strip_prefix(name).is_some_and(|version| {
        let digits = version.strip_prefix('-').unwrap_or(version);
        version.is_empty()
            || digits.starts_with(|c: char| c.is_ascii_digit())
                && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
}

/// What a command line says of a drain time.
enum Flag {
    Absent,
    /// A flag is there, but its value is not known before run time.
    Hidden,
    Value(&'static str, u32),
}

/// The last of the flags decides; one whose value is no number does not count.
fn flag_value(sources: &'static [TimeSource], words: &[Word]) -> Flag {
    for (index, word) in words.iter().enumerate().rev() {
        for source in sources {
            let TimeSource::Flag(flag, unit) = *source else {
                continue;
            };
            let Some(rest) = word.text.strip_prefix(flag) else {
                continue;
            };
            let (text, known) = if rest.is_empty() {
                let Some(value) = words.get(index + 1) else {
                    continue;
                };
                (value.text.as_str(), value.known)
            } else if let Some(value) = rest.strip_prefix('=').filter(|_| flag.len() > 2) {
                (value, word.known)
            } else if flag.len() == 2 {
                (rest, word.known)
            } else {
                continue;
            };
            if !known {
                return Flag::Hidden;
            }
            if let Some(seconds) = seconds(text, unit) {
                return Flag::Value(flag, seconds);
            }
        }
    }
    Flag::Absent
}

/// The words of a variable that holds flags. Quotes around a word or a value are dropped.
fn split(text: &str) -> Vec<Word> {
    text.split_whitespace()
        .map(|word| Word {
            text: word.replace(['"', '\''], ""),
            known: true,
        })
        .collect()
}

/// Reads `30`, `1.5`, `500ms`, `30s`, `1m30s`; rounds up to whole seconds, at most a day.
fn seconds(text: &str, unit: Unit) -> Option<u32> {
    let bare = match unit {
        Unit::Seconds => 1000,
        Unit::Milliseconds => 1,
    };
    let mut rest = text;
    let mut micros = 0_u64;
    loop {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (suffix, next) = tail.split_at(end);
        let millis = match suffix {
            "" if rest.len() == text.len() => bare,
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        micros = micros.saturating_add(thousandths(number)?.saturating_mul(millis));
        rest = next;
        if rest.is_empty() {
            break;
        }
    }
    u32::try_from(micros.div_ceil(1_000_000).min(MAX_SECONDS)).ok()
}

/// A plain decimal number, times a thousand, rounded up.
fn thousandths(number: &str) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let (head, tail) = fraction.split_at(fraction.len().min(3));
    let head: u64 = format!("{head:0<3}").parse().ok()?;
    let up = u64::from(tail.bytes().any(|b| b != b'0'));
    // Only a number too long for the type fails here.
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX);
    Some(whole.saturating_mul(1000).saturating_add(head + up))
}

#[cfg(test)]
mod tests;
