//! What the kubelet does to `command` and `args` before anything runs: `$(VAR)` and `$$`, with the way back.
//!
//! One pass, left to right, no recursion into values
//! (kubernetes `third_party/forked/golang/expansion/expand.go`).

use std::ops::Range;

/// What a `$(NAME)` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable<'a> {
    /// This text.
    Value(&'a str),
    /// Text without shell meaning that is known at run time only (a pod name, an IP, a number).
    Plain,
    /// Text nobody can see here (Secret, `ConfigMap`, label, annotation, possibly `envFrom`).
    Hidden,
    /// No variable of that name: the text stays as it is.
    Undeclared,
}

/// An expanded item and the way back to what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expanded {
    /// What the process gets; [`Variable::Plain`] values stand as a placeholder word such as `x0`.
    pub(crate) text: String,
    /// Why the text cannot be relied on as shell source: the first `$(NAME)` that is hidden, or `$` before a
    /// non-ASCII character, as bytes of the raw text.
    pub(crate) unreadable: Option<(Unreadable, Range<usize>)>,
    /// What was substituted, in order; everything between was copied.
    substitutions: Vec<Substitution>,
    raw_length: usize,
}

/// Why an expansion cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The value is hidden.
    HiddenVariable,
    /// The kubelet garbles `$` before a non-ASCII character.
    DollarBeforeNonAscii,
}

/// `$$` or `$(NAME)` and what it became.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Substitution {
    raw: Range<usize>,
    text: Range<usize>,
}

/// Stands for a value that is known at run time only.
const PLACEHOLDER: &str = "x0";

impl Expanded {
    /// The raw offset at which text inserted before `offset` of the expanded text has to be inserted; `None` inside
    /// of a substituted region. At the start of a region it is the region's own start, so that a word which begins
    /// with `$(NAME)` can get something before it.
    pub(crate) fn insertion(&self, offset: usize) -> Option<usize> {
        if offset > self.text.len() {
            return None;
        }
        let next = self
            .substitutions
            .partition_point(|region| region.text.end <= offset);
        match self.substitutions.get(next) {
            Some(region) if region.text.start < offset => None,
            // Before the empty regions too that may stand right here, or behind them: the text is the same.
            Some(region) if region.text.start == offset => Some(region.raw.start),
            _ => Some(self.copied_from(next, offset)),
        }
    }

    /// The raw bytes that a range of the expanded text comes from (whole substituted regions).
    pub(crate) fn raw(&self, range: Range<usize>) -> Range<usize> {
        let range = range.start.min(self.text.len())..range.end.min(self.text.len());
        let next = self
            .substitutions
            .partition_point(|region| region.text.end <= range.start);
        let start = match self.substitutions.get(next) {
            Some(region) if region.text.start <= range.start => region.raw.start,
            _ => self.copied_from(next, range.start),
        };
        let next = self
            .substitutions
            .partition_point(|region| region.text.start < range.end);
        let end = match next
            .checked_sub(1)
            .and_then(|last| self.substitutions.get(last))
        {
            Some(region) if region.text.end >= range.end => region.raw.end,
            _ => self.copied_from(next, range.end),
        };
        start..end.max(start)
    }

    /// The raw offset of a copied byte; `next` regions come before it.
    fn copied_from(&self, next: usize, offset: usize) -> usize {
        let raw = match next
            .checked_sub(1)
            .and_then(|last| self.substitutions.get(last))
        {
            Some(region) => region.raw.end + offset.saturating_sub(region.text.end),
            None => offset,
        };
        raw.min(self.raw_length)
    }
}

/// Expands one item of `command` or `args`.
pub(crate) fn expand<'a>(raw: &str, variable: impl Fn(&str) -> Variable<'a>) -> Expanded {
    let mut expansion = Expansion {
        raw,
        copied: 0,
        text: String::with_capacity(raw.len()),
        substitutions: Vec::new(),
    };
    let mut unreadable = None;
    // A `$(` behind the last `)` never ends: knowing that keeps the time linear.
    let last_close = raw.rfind(')').unwrap_or(0);
    let mut at = 0;
    while let Some(dollar) = raw
        .get(at..)
        .and_then(|rest| rest.find('$'))
        .map(|found| at + found)
    {
        let after = raw.get(dollar + 1..).unwrap_or_default();
        at = dollar + 2;
        match after.chars().next() {
            Some('$') => expansion.substitute(dollar..at, "$"),
            Some('(') if dollar < last_close => {
                let Some(length) = after.find(')') else {
                    continue;
                };
                let region = dollar..dollar + length + 2;
                at = region.end;
                match variable(after.get(1..length).unwrap_or_default()) {
                    Variable::Value(value) => expansion.substitute(region, value),
                    Variable::Plain => expansion.substitute(region, PLACEHOLDER),
                    Variable::Hidden => {
                        unreadable.get_or_insert((Unreadable::HiddenVariable, region.clone()));
                        expansion.substitute(region, PLACEHOLDER);
                    }
                    Variable::Undeclared => {}
                }
            }
            Some(next) if !next.is_ascii() => {
                at = dollar + 1 + next.len_utf8();
                unreadable.get_or_insert((Unreadable::DollarBeforeNonAscii, dollar..at));
            }
            _ => {}
        }
    }
    expansion.copy(raw.len());
    Expanded {
        text: expansion.text,
        unreadable,
        substitutions: expansion.substitutions,
        raw_length: raw.len(),
    }
}

/// An expansion under way.
struct Expansion<'r> {
    raw: &'r str,
    /// Up to here the raw text is done.
    copied: usize,
    text: String,
    substitutions: Vec<Substitution>,
}

impl Expansion<'_> {
    fn copy(&mut self, end: usize) {
        self.text
            .push_str(self.raw.get(self.copied..end).unwrap_or_default());
        self.copied = end;
    }

    fn substitute(&mut self, raw: Range<usize>, value: &str) {
        self.copy(raw.start);
        let start = self.text.len();
        self.text.push_str(value);
        self.copied = raw.end;
        self.substitutions.push(Substitution {
            raw,
            text: start..self.text.len(),
        });
    }
}

#[cfg(test)]
mod tests;
