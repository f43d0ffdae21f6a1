//! The script reader: where `exec` may be inserted so that nothing but the process tree changes.

use std::ops::Range;

pub use softstop_programs::shell::Dialect;

/// What was read from a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What may be done.
    pub outcome: Outcome,
    /// Every simple command that was read, in order of appearance (up to the refusal, if the grammar was left).
    pub commands: Vec<Command>,
    /// The first `trap` that names TERM (or is computed), if any.
    pub trap: Option<Trap>,
    /// Byte offset of the first loop whose body runs a program that is no builtin.
    pub restarts: Option<usize>,
}

/// What may be done with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Insert `exec ` before these byte offsets (ascending, at least one).
    Exec(Vec<usize>),
    /// Nothing to insert: every tail already is `exec`.
    AlreadyExec,
    /// Nothing to insert: the text is empty, or only comments.
    Empty,
    /// Nothing to insert: only builtins run.
    OnlyBuiltins,
    /// Nothing to insert: the script handles TERM itself.
    HandlesTerm,
    /// Insertion is not provable.
    Refused(Refusal),
}

/// Why insertion is not provable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stable kebab-case code (`background-job`, `pipeline`, `not-in-tail-position`).
    pub reason: Reason,
    /// The construct, as bytes of the text that was read.
    pub at: Range<usize>,
}

/// Stable reasons of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// placeholder
    Other,
    /// loop
    Loop,
}

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Words after assignments, redirections left out. The first is the command name. `exec` itself is not a word here.
    pub words: Vec<crate::argv::Word>,
    /// Prefix assignments with a literal value; the value is `None` where it is computed.
    pub assignments: Vec<(String, Option<String>)>,
    /// Byte offset of the command name (where `exec ` would go).
    pub at: usize,
    /// It is in tail position.
    pub tail: bool,
    /// It is written with `exec`.
    pub exec: bool,
    /// It runs in the background, or is a part of a list that does.
    pub background: bool,
    /// It is part of a pipeline of more than one command.
    pub piped: bool,
}

/// A trap for TERM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Byte offset of the word `trap`.
    pub at: usize,
    /// The action's text, where it is literal.
    pub action: Option<String>,
    /// The action waits for the program after it has passed the signal on, or the script waits a second time.
    pub waits: bool,
}

/// Reads a script.
pub fn read(_text: &str, _dialect: Dialect) -> Reading {
    todo!()
}

/// Whether a name is a builtin of any shell.
pub fn is_builtin(_name: &str) -> bool {
    todo!()
}

/// Inserts `exec ` before these byte offsets.
pub fn insert(text: &str, _offsets: &[usize]) -> String {
    text.into()
}

impl Reason {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        ""
    }
    /// One sentence.
    pub const fn explain(self) -> &'static str {
        ""
    }
}
