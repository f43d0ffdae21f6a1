//! Findings: what is wrong with a pod, where, what it does on SIGTERM, how to repair it.

use std::fmt;
use std::ops::Range;

use crate::rules::Rule;

/// A stable finding code: `SS` and three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is lost because of it.
    Info,
    /// Work can be lost, or what the user wrote has no effect.
    Warning,
    /// Work is lost on every stop.
    Error,
}

impl Severity {
    /// `error`, `warning` or `info`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing softstop has to say of a pod.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule it comes from: code, name, page.
    pub rule: &'static Rule,
    /// How much it matters here; the rule's own severity unless the pod makes it milder.
    pub severity: Severity,
    /// Where: a JSON pointer into the pod (`/spec/containers/0/command/2`); `""` is the pod itself.
    pub pointer: String,
    /// Bytes inside the string at `pointer` (as written in the pod, before any expansion).
    pub span: Option<Range<usize>>,
    /// The container it is about; `None`: the pod.
    pub container: Option<String>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What happens when the pod is stopped as it is; `None` where nothing does.
    pub on_stop: Option<String>,
    /// What to do, in one sentence without a full stop.
    pub fix: String,
    /// The plan repairs it: what is left to say once the changes are made is nothing.
    pub repaired: bool,
}

impl Finding {
    /// The stable code.
    pub const fn code(&self) -> Code {
        self.rule.code
    }
}
