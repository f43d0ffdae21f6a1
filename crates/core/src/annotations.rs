//! Every annotation key, its type, and how its value is read.
//!
//! Keys carry the prefix `softstop.dev/`; for one container the key becomes the prefix and the container the name,
//! as AppArmor did it: `drain-time.softstop.dev/worker: "300"`.

use std::fmt;

use softstop_programs::profile::Profile;

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
}

impl Setting {
    /// Every key, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Mode,
        Self::Entrypoint,
        Self::DrainDelay,
        Self::DrainTime,
        Self::GracePeriod,
        Self::PreStop,
        Self::StopSignal,
        Self::Runtime,
        Self::Writable,
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

/// Reads a duration: seconds as a plain number, or a number with `s`, `m` or `h`; 0 to 24 h.
///
/// # Errors
/// Says what is accepted.
pub fn duration(_text: &str) -> Result<u32, BadValue> {
    todo!()
}

/// Why a value was not understood: what it should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue(pub String);

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
