//! Settings with their sources: container annotation > pod > namespace > policy > built-in.

use std::fmt;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// softstop's own default.
    BuiltIn,
    /// The `ShutdownPolicy` of that name.
    Policy(String),
    /// The namespace's label or annotation.
    Namespace,
    /// An annotation of the pod.
    Pod,
    /// An annotation of the pod for one container.
    Container,
    /// `softstop check` assumes that the pod is opted in.
    Assumed,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("softstop's default"),
            Self::Policy(name) => write!(f, "policy {name}"),
            Self::Namespace => f.write_str("the namespace"),
            Self::Pod => f.write_str("the pod's annotation"),
            Self::Container => f.write_str("the container's annotation"),
            Self::Assumed => f.write_str("assumed: as if the pod were opted in"),
        }
    }
}

/// A value that remembers where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Its source.
    pub source: Source,
}
