//! Server programs: how each is recognised, what drains it, how long that takes, where that is configured.

mod table;

pub use table::PROFILES;

use crate::signal::Signal;

/// What is known of one server program.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name users write in `softstop.dev/runtime` (`gunicorn`).
    pub name: &'static str,
    /// The name in messages (`Gunicorn`).
    pub title: &'static str,
    /// How it is recognised, any one suffices.
    pub detect: &'static [Detect],
    /// What drains it.
    pub drain: Drain,
    /// How long the drain takes.
    pub time: DrainTime,
    /// What it does for a living.
    pub role: Role,
    /// Seconds to add to a known drain time (5; 10 for uWSGI and queue workers).
    pub margin: u32,
    /// Environment that makes it drain on SIGTERM, or (where it does so anyway) drain to the end.
    pub graceful_env: Option<GracefulEnv>,
    /// A signal to the whole process group interrupts its workers (Celery prefork, uWSGI, Dramatiq).
    pub group_signal_harms: bool,
    /// It must not be PID 1 (Julia: its preStop hook dies with it).
    pub not_pid1: bool,
    /// A development server, not meant for production.
    pub development: bool,
    /// Versions it was verified with, and what differs between them.
    pub note: &'static str,
}

impl Profile {
    /// SIGTERM drains it, without any help.
    pub fn drains_on_term(&self) -> bool {
        self.drain == Drain::On(Signal::TERM)
    }

    /// Whether it handles a signal is the application's business, which nobody can see from outside.
    pub fn handler_unknown(&self) -> bool {
        self.drain == Drain::Application
    }
}

/// The profile of that name.
///
/// ```
/// use softstop_programs::profile;
/// assert_eq!(profile::by_name("gunicorn").map(|p| p.title), Some("Gunicorn"));
/// assert_eq!(profile::by_name("Gunicorn"), None);
/// ```
pub fn by_name(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// All names, in the order of the table.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROFILES.iter().map(|profile| profile.name)
}

/// One way to recognise a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detect {
    /// Base name of argv\[0\], or of the script an interpreter runs; a version may follow (`python3.11`, `php-fpm8.2`).
    Program(&'static str),
    /// `python -m MODULE`.
    Module(&'static str),
    /// Program (or module) of that name, with these words, in this order, among its later ones
    /// (`celery ... worker`, `airflow celery worker`).
    With(&'static str, &'static [&'static str]),
    /// A word that begins so, among the words of that program (`java ... org.springframework.boot.loader`).
    WithPrefix(&'static str, &'static str),
    /// A word that ends so, among the words of that program (`dotnet app.dll`).
    WithSuffix(&'static str, &'static str),
}

/// What drains the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// This signal.
    On(Signal),
    /// No signal does: it stops at once and drops what it was doing (daphne, Envoy).
    Never,
    /// It is known to install no handler (sleep, tail, cat).
    NoHandler,
    /// The application's own business, which nobody can see from outside (python x.py, node, java).
    Application,
}

/// What the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers requests over the network.
    Server,
    /// Takes work from a queue: a drain delay only costs it time.
    Worker,
    /// Neither, or unknown. Databases too: their clients hold on to connections, so a delay gains them nothing.
    Other,
}

/// How long a drain takes, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainTime {
    /// The program's finite default; `None`: it waits for its work as long as that takes, or nobody knows.
    pub default: Option<u32>,
    /// Where users configure it, first found wins.
    pub sources: &'static [TimeSource],
}

/// A place where the drain time is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// A command line flag: `--graceful-timeout 60`, `--graceful-timeout=60`, and for one-letter flags `-t 60`, `-t60`.
    Flag(&'static str, Unit),
    /// An environment variable holding a number.
    Env(&'static str, Unit),
    /// An environment variable holding command line flags (`GUNICORN_CMD_ARGS`), read with the flags before it.
    EnvArgs(&'static str),
}

/// The unit of a configured number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, unless a suffix says otherwise (`30`, `30s`, `1m`).
    Seconds,
    /// Milliseconds, unless a suffix says otherwise (`1500`, `20s`).
    Milliseconds,
}

/// Single-purpose environment variables that make a program drain on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulEnv {
    /// Name and value, all of them needed.
    pub vars: &'static [(&'static str, EnvValue)],
    /// Flags (with or without a value) whose presence means that the user configured the same thing otherwise:
    /// then nothing is set.
    pub unless: &'static [&'static str],
}

/// The value of a variable that softstop sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// These characters.
    Literal(&'static str),
    /// The drain time in milliseconds.
    DrainMillis,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    #[test]
    fn names_are_unique_and_can_be_written_in_an_annotation() {
        let unique: BTreeSet<_> = names().collect();
        assert_eq!(unique.len(), PROFILES.len());
        for profile in PROFILES {
            let name = profile.name;
            assert!(
                !name.is_empty() && !profile.title.is_empty() && !profile.note.is_empty(),
                "{name}"
            );
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
            assert!(
                !["auto", "none"].contains(&name),
                "{name} means something else in an annotation"
            );
            assert_eq!(by_name(name), Some(profile));
        }
        assert_eq!(by_name(""), None);
    }

    #[test]
    fn every_detection_can_match() {
        for profile in PROFILES {
            assert!(!profile.detect.is_empty(), "{}", profile.name);
            for detect in profile.detect {
                let parts: Vec<&str> = match detect {
                    Detect::Program(name) | Detect::Module(name) => [*name].into(),
                    Detect::With(name, words) => {
                        assert!(!words.is_empty(), "{detect:?}");
                        core::iter::once(name).chain(*words).copied().collect()
                    }
                    Detect::WithPrefix(name, part) | Detect::WithSuffix(name, part) => {
                        [*name, *part].into()
                    }
                };
                assert!(parts.iter().all(|part| !part.is_empty()), "{detect:?}");
                assert!(
                    !parts[0].contains('/'),
                    "{detect:?}: base names are compared"
                );
            }
        }
    }

    #[test]
    fn no_row_hides_a_later_one() {
        let mut seen: Vec<Detect> = Vec::new();
        for profile in PROFILES {
            for detect in profile.detect {
                let (Detect::Program(name)
                | Detect::Module(name)
                | Detect::With(name, _)
                | Detect::WithPrefix(name, _)
                | Detect::WithSuffix(name, _)) = detect;
                let hidden = seen.contains(detect) || seen.contains(&Detect::Program(name));
                let own = profile.detect.contains(&Detect::Program(name)) && !seen.contains(detect);
                assert!(
                    !hidden || own,
                    "{}: {detect:?} never gets its turn",
                    profile.name
                );
            }
            seen.extend(profile.detect);
        }
    }

    #[test]
    fn times_are_sensible() {
        for profile in PROFILES {
            let name = profile.name;
            assert!((5..=10).contains(&profile.margin), "{name}");
            assert!(
                profile.time.default.is_none_or(|t| (1..=600).contains(&t)),
                "{name}"
            );
            if profile.role == Role::Worker {
                assert_eq!(profile.margin, 10, "{name}: queue workers get 10");
            }
            if matches!(profile.drain, Drain::NoHandler | Drain::Application) {
                assert_eq!(
                    profile.time.default, None,
                    "{name}: nobody knows how long it takes"
                );
            }
            let sources = profile.time.sources;
            for (index, source) in sources.iter().enumerate() {
                match source {
                    TimeSource::Flag(flag, _) => {
                        assert!(flag.starts_with('-') && !flag.ends_with('='), "{name}");
                    }
                    TimeSource::Env(variable, _) => assert!(!variable.is_empty(), "{name}"),
                    TimeSource::EnvArgs(_) => assert!(
                        sources[..index]
                            .iter()
                            .any(|s| matches!(s, TimeSource::Flag(..))),
                        "{name}: which flags?"
                    ),
                }
            }
        }
    }

    #[test]
    fn a_signal_that_cannot_be_caught_drains_nothing() {
        for profile in PROFILES {
            assert_ne!(profile.drain, Drain::On(Signal::KILL), "{}", profile.name);
        }
    }

    #[test]
    fn graceful_environment_is_complete() {
        for profile in PROFILES {
            let Some(env) = profile.graceful_env else {
                continue;
            };
            assert!(!env.vars.is_empty(), "{}", profile.name);
            assert!(
                env.vars
                    .iter()
                    .all(|(name, _)| !name.is_empty() && !name.contains('='))
            );
            assert!(env.unless.iter().all(|flag| flag.starts_with('-')));
        }
        let uwsgi = by_name("uwsgi").and_then(|p| p.graceful_env).unwrap();
        assert!(uwsgi.vars.contains(&(
            "UWSGI_HOOK_MASTER_START",
            EnvValue::Literal("unix_signal:15 gracefully_kill_them_all")
        )));
    }
}
