//! What the kubelet does to `command` and `args` before anything runs: `$(VAR)` and `$$`, with the way back.
//!
//! One pass, left to right, no recursion into values
//! (kubernetes `third_party/forked/golang/expansion/expand.go`).

use std::ops::Range;

/// What a `$(NAME)` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable<'a> {
    /// This text.
    Value(&'a str),
    /// Text without shell meaning that is known at run time only (a pod name, an IP, a number).
    Plain,
    /// Text nobody can see here (Secret, ConfigMap, label, annotation, possibly `envFrom`).
    Hidden,
    /// No variable of that name: the text stays as it is.
    Undeclared,
}

/// An expanded item and the way back to what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// What the process gets; [`Variable::Plain`] values stand as a placeholder word such as `x0`.
    pub text: String,
    /// Why the text cannot be relied on as shell source: the first `$(NAME)` that is hidden, or `$` before a
    /// non-ASCII character, as bytes of the raw text.
    pub unreadable: Option<(Unreadable, Range<usize>)>,
}

/// Why an expansion cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The value is hidden.
    HiddenVariable,
    /// The kubelet garbles `$` before a non-ASCII character.
    DollarBeforeNonAscii,
}

impl Expanded {
    /// The raw offset at which text inserted before `offset` of the expanded text has to be inserted; `None` inside
    /// of a substituted region.
    pub fn insertion(&self, _offset: usize) -> Option<usize> {
        todo!()
    }

    /// The raw bytes that a range of the expanded text comes from (whole substituted regions).
    pub fn raw(&self, _range: Range<usize>) -> Range<usize> {
        todo!()
    }
}

/// Expands one item of `command` or `args`.
pub fn expand<'a>(_raw: &str, _variable: impl Fn(&str) -> Variable<'a>) -> Expanded {
    todo!()
}
