//! Every annotation key, its type, and how its value is read.
//!
//! Keys carry the prefix `softstop.dev/`; for one container the key becomes the prefix and the container the name,
//! as `AppArmor` did it: `drain-time.softstop.dev/worker: "300"`.

use std::fmt;

use softstop_programs::profile::{self, PROFILES, Profile};
use softstop_programs::signal::Signal;

/// The keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// `mode`: enforce, audit, off.
    Mode,
    /// `entrypoint`: auto, exec, init, hook, off.
    Entrypoint,
    /// `drain-delay`: seconds.
    DrainDelay,
    /// `drain-time`: seconds.
    DrainTime,
    /// `grace-period`: seconds.
    GracePeriod,
    /// `pre-stop`: JSON argv, or `GET :port/path`.
    PreStop,
    /// `stop-signal`: a signal name.
    StopSignal,
    /// `runtime`: a profile name, auto, none.
    Runtime,
    /// `writable`: absolute paths.
    Writable,
    /// `trust-sourced-files`: true, false.
    TrustSourcedFiles,
}

impl Setting {
    /// Every key, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Mode,
        Self::Entrypoint,
        Self::DrainDelay,
        Self::DrainTime,
        Self::GracePeriod,
        Self::PreStop,
        Self::StopSignal,
        Self::Runtime,
        Self::Writable,
        Self::TrustSourcedFiles,
    ];

    /// The key without its prefix: `drain-delay`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::Entrypoint => "entrypoint",
            Self::DrainDelay => "drain-delay",
            Self::DrainTime => "drain-time",
            Self::GracePeriod => "grace-period",
            Self::PreStop => "pre-stop",
            Self::StopSignal => "stop-signal",
            Self::Runtime => "runtime",
            Self::Writable => "writable",
            Self::TrustSourcedFiles => "trust-sourced-files",
        }
    }

    /// The setting of that key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.key() == key)
    }
}

/// What softstop does with a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Change it.
    Enforce,
    /// Only say what would change.
    Audit,
    /// Leave it alone.
    Off,
}

impl Mode {
    /// Reads `enforce`, `audit` or `off`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "enforce" => Some(Self::Enforce),
            "audit" => Some(Self::Audit),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// As written in annotations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
            Self::Off => "off",
        }
    }
}

/// What may be done about an entrypoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrypoint {
    /// Whatever the decision table says.
    Auto,
    /// Edits only; nothing is injected.
    Exec,
    /// softstop-init as PID 1, where its preconditions hold.
    Init,
    /// softstop-init as the preStop hook, where its preconditions hold.
    Hook,
    /// Leave the container alone altogether.
    Off,
}

impl Entrypoint {
    /// Reads `auto`, `exec`, `init`, `hook` or `off`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "exec" => Some(Self::Exec),
            "init" => Some(Self::Init),
            "hook" => Some(Self::Hook),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// A preStop hook that the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreStop {
    /// Run this argv in the container.
    Exec(Vec<String>),
    /// `GET http://POD:port/path`; the port is a number or the name of a container port.
    HttpGet {
        /// Port number or name.
        port: String,
        /// Path, starting with `/`.
        path: String,
    },
}

/// Which program a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// What detection says.
    Auto,
    /// None that softstop knows: no profile applies.
    None,
    /// This one.
    Profile(&'static Profile),
}

/// The prefix of every key; keys for one container end in `.softstop.dev/CONTAINER`.
pub(crate) const DOMAIN: &str = "softstop.dev";

/// The annotation that softstop writes. It is never an input.
pub(crate) const STATUS: &str = "softstop.dev/status";

/// The longest duration that is accepted, in seconds: 24 hours.
const LONGEST: u32 = 86_400;

impl PreStop {
    /// Reads a JSON array of strings, or `GET :port/path`.
    ///
    /// # Errors
    /// Says what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("GET ") {
            let rest = rest
                .trim_start()
                .strip_prefix(':')
                .ok_or_else(BadValue::pre_stop)?;
            let (port, path) = match rest.find('/') {
                Some(slash) => rest.split_at(slash),
                None => (rest, "/"),
            };
            if !is_port(port) || path.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err(BadValue::pre_stop());
            }
            return Ok(Self::HttpGet {
                port: port.into(),
                path: path.into(),
            });
        }
        match serde_json::from_str::<Vec<String>>(text) {
            Ok(argv) if argv.first().is_some_and(|program| !program.is_empty()) => {
                Ok(Self::Exec(argv))
            }
            _ => Err(BadValue::pre_stop()),
        }
    }
}

/// A port number, or a port's name (`IANA_SVC_NAME`: at most 15 of `[a-z0-9-]`, with a letter).
fn is_port(text: &str) -> bool {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<u16>().is_ok_and(|port| port > 0);
    }
    text.len() <= 15
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

impl Runtime {
    /// Reads a profile's name, `auto` or `none`.
    ///
    /// # Errors
    /// Names the profiles.
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            name => profile::by_name(name).map(Self::Profile).ok_or_else(|| {
                let names: Vec<_> = PROFILES.iter().map(|profile| profile.name).collect();
                BadValue(format!("auto, none or one of {}", names.join(", ")))
            }),
        }
    }
}

/// Reads a signal's name or number; one that a program can catch.
///
/// # Errors
/// Says what is accepted.
pub fn stop_signal(text: &str) -> Result<Signal, BadValue> {
    match Signal::parse(text) {
        Some(signal) if signal != Signal::KILL && signal.number() != 19 => Ok(signal),
        _ => Err(BadValue(
            "a signal that a program can catch, such as SIGTERM, SIGQUIT or SIGINT".into(),
        )),
    }
}

/// Reads absolute paths, separated by commas.
///
/// # Errors
/// Says what is accepted.
pub(crate) fn writable(text: &str) -> Result<Vec<String>, BadValue> {
    text.split(',').map(writable_path).collect()
}

/// Reads one absolute path that something may be mounted on; a `/` at its end is dropped.
///
/// # Errors
/// Says what is accepted.
pub fn writable_path(text: &str) -> Result<String, BadValue> {
    let path = text.trim().trim_end_matches('/');
    let good = path.len() <= 256
        && !path.contains(':')
        && !path.chars().any(char::is_control)
        && path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")));
    if good {
        return Ok(path.to_owned());
    }
    Err(BadValue(
        "absolute paths other than /, such as /run or, separated by commas, /run,/tmp".into(),
    ))
}

/// Reads a duration: seconds as a plain number, or numbers with `h`, `m`, `s` (`90`, `90s`, `1m30s`); 0 to 24 h.
///
/// # Errors
/// Says what is accepted.
pub fn duration(text: &str) -> Result<u32, BadValue> {
    let bad = || BadValue("seconds, or a duration such as 90s, 2m or 1m30s, from 0 to 24h".into());
    let mut rest = text.trim();
    let mut total: u32 = 0;
    let mut smallest = u32::MAX;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = rest[..digits].parse().map_err(|_| bad())?;
        rest = &rest[digits..];
        let unit = match rest.bytes().next() {
            Some(b'h') => 3600,
            Some(b'm') => 60,
            Some(b's') => 1,
            None if smallest == u32::MAX => 1,
            _ => return Err(bad()),
        };
        if unit >= smallest {
            return Err(bad());
        }
        smallest = unit;
        rest = rest.get(1..).unwrap_or_default();
        total = number
            .checked_mul(unit)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(bad)?;
    }
    if total <= LONGEST {
        Ok(total)
    } else {
        Err(bad())
    }
}

/// Why a value was not understood: what it should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue(pub String);

impl BadValue {
    fn pre_stop() -> Self {
        Self(r#"a JSON array such as ["/bin/drain", "--now"], or GET :port/path"#.into())
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadValue {}

#[cfg(test)]
mod tests;
