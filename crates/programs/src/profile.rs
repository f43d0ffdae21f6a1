//! Server programs: how each is recognised, what drains it, how long that takes, where that is configured.

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
    /// Environment that turns `drain` into a drain on SIGTERM.
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

/// One way to recognise a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detect {
    /// Base name of argv[0], or of the script an interpreter runs.
    Program(&'static str),
    /// `python -m MODULE`.
    Module(&'static str),
    /// Program (or module) of that name, with this word among its later ones (`celery ... worker`).
    With(&'static str, &'static str),
    /// A word that begins so, among the words of that program (`java ... org.springframework.boot.loader`).
    WithPrefix(&'static str, &'static str),
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
    /// Neither, or unknown.
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
    /// Seconds, possibly with a suffix (`30`, `30s`, `1m`).
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// Single-purpose environment variables that make a program drain on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulEnv {
    /// Name and value, all of them needed.
    pub vars: &'static [(&'static str, EnvValue)],
    /// Flags whose presence means that the user configured the same thing otherwise: then nothing is set.
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

/// Every profile.
pub const PROFILES: &[Profile] = &[];

/// The profile of that name.
pub fn by_name(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}
