//! The script reader: where `exec` may be inserted so that nothing but the process tree changes.
//!
//! An own parser, because it may refuse: what dash, bash, busybox, mksh and ksh93 do not all read alike is left
//! alone with a [`Reason`]. One pass over the bytes, no backtracking, nesting limited, so time is linear in the
//! length of a text that anybody who may create a pod can choose.
//!
//! ```text
//! lex + expansion -> parse (+ conditional) -> simple: what may stand nowhere in a script
//!                                          -> tail:   the commands whose status becomes the script's
//!                                          -> sourced: files that nobody can see
//!                                          -> nested: the same for `sh -c '...'` in tail position
//! ```

mod compound;
mod conditional;
mod expansion;
mod heredoc;
pub(crate) mod invocation;
mod lex;
mod names;
mod nested;
mod parse;
mod reason;
mod simple;
mod sourced;
mod tail;
mod trap;
mod tree;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use names::is_builtin;
pub use reason::Reason;
pub use softstop_programs::shell::Dialect;

use crate::argv::Word;

/// What was read from a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What may be done.
    pub outcome: Outcome,
    /// Every simple command that was read, in order of appearance (up to the refusal, if the grammar was left).
    /// Command substitutions are left out, and so are commands without a word (`FOO=bar`, `exec 2>log`). In place of a
    /// `sh -c '...'` that was read, its own commands stand here.
    pub commands: Vec<Command>,
    /// The first `trap` that names TERM (or is computed), if any.
    pub trap: Option<Trap>,
    /// Byte offset of the first loop that restarts a program: its body runs a program that is neither a builtin nor
    /// `sleep`, and it either has no end (`while true`) or no other program follows it.
    pub restarts: Option<usize>,
    /// Every program in tail position is written with `exec`, so the shell does not stay, whatever else was refused.
    pub replaced: bool,
    /// The first file that is sourced and taken for harmless, as bytes of the text that was read.
    pub trusted: Option<Range<usize>>,
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

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Command {
    /// Words after assignments, redirections left out. The first is the command name. `exec` itself is not a word
    /// here, nor is `command` in front of a program.
    pub words: Vec<Word>,
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

/// What may be taken for granted about files that a script sources. They cannot be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourcedFiles {
    /// Nothing.
    #[default]
    Unknown,
    /// They define no function or alias of a program's name, set no trap, start nothing and leave `set -m` alone.
    Harmless,
}

/// Longest text that is read, in bytes.
pub const MAX_LENGTH: usize = 65_536;

/// Deepest nesting of compound commands, substitutions and parameter expansions that is read.
pub const MAX_NESTING: usize = 40;

/// Reads a script.
pub fn read(text: &str, dialect: Dialect) -> Reading {
    read_with(text, dialect, SourcedFiles::Unknown)
}

/// Reads a script of whose sourced files something is known.
pub fn read_with(text: &str, dialect: Dialect, sourced: SourcedFiles) -> Reading {
    let (script, refusal) = parse::script(text, dialect);
    tail::reading(&script, refusal, sourced)
}

/// The text with `exec ` inserted before each offset (ascending byte offsets on character boundaries, as
/// [`Outcome::Exec`] has them).
pub fn insert(text: &str, offsets: &[usize]) -> String {
    let mut out = String::with_capacity(text.len() + offsets.len() * "exec ".len());
    let mut from = 0;
    for &offset in offsets {
        out.push_str(text.get(from..offset).unwrap_or_default());
        out.push_str("exec ");
        from = offset;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
