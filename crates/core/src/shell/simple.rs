//! Simple commands and function definitions, and what may stand nowhere in a script.

use std::collections::HashSet;
use std::ops::Range;

use super::lex::Token;
use super::names::{identifier, is_builtin, is_reserved, opens_subscript, reads_subscripts};
use super::parse::Parser;
use super::tree::{Function, Kind, Lexeme, Look, Parsed, Runs, Simple, refuse};
use super::{Dialect, Reason, Refusal};

/// Letters that `set` may change.
const SET_LETTERS: &str = "euxfvaChbETo";

/// Names that may follow `set -o`.
const SET_NAMES: &[&str] = &[
    "errexit",
    "pipefail",
    "nounset",
    "xtrace",
    "noglob",
    "allexport",
    "noclobber",
    "verbose",
    "errtrace",
];

/// The parts of a simple command.
#[derive(Default)]
struct Parts<'a> {
    words: Vec<Lexeme<'a>>,
    assignments: Vec<Lexeme<'a>>,
    redirected: bool,
    computed_redirection: bool,
}

impl<'a> Parser<'a> {
    /// Notes the first thing that may stand nowhere.
    pub(super) fn forbid(&mut self, reason: Reason, at: Range<usize>) {
        self.script.forbidden.get_or_insert(Refusal { reason, at });
    }

    /// Reads a simple command, or a function definition `name()`.
    pub(super) fn simple_or_function(&mut self) -> Parsed<Kind> {
        let start = self.at;
        let mut parts = Parts::default();
        // What was read before a refusal still tells which programs run.
        let read = self.parts(&mut parts);
        if let (Ok(()), Token::Open) = (&read, &self.token) {
            if parts.words.len() != 1 || parts.redirected || !parts.assignments.is_empty() {
                return self.unexpected();
            }
            self.parentheses()?;
            return match parts.words.pop() {
                Some(name) => self.function(&name),
                None => self.unexpected(),
            };
        }
        let kind = self.simple(parts, start..self.before);
        read.map(|()| kind)
    }

    fn parts(&mut self, parts: &mut Parts<'a>) -> Parsed<()> {
        loop {
            match &self.token {
                Token::Redirect(redirect) => {
                    let redirect = *redirect;
                    parts.redirected = true;
                    parts.computed_redirection |= self.redirection(redirect)?;
                }
                Token::Word(word) => {
                    let word = word.clone();
                    if parts.words.is_empty() {
                        if word.traits.continued {
                            return refuse(Reason::Continuation, word.span);
                        }
                        if self.is_assignment(&word)? {
                            parts.assignments.push(word);
                            self.advance()?;
                            continue;
                        }
                        if is_reserved(word.raw) {
                            return refuse(Reason::Syntax, word.span);
                        }
                    } else if self.substitutions > 0 && matches!(word.raw, "case" | "esac") {
                        // ksh93 counts them in `$( )`, wherever they stand.
                        return refuse(Reason::Syntax, word.span);
                    }
                    if self.dialect == Dialect::Posix
                        && opens_subscript(word.raw)
                        && parts
                            .words
                            .first()
                            .is_some_and(|first| reads_subscripts(&first.text))
                    {
                        return refuse(Reason::Array, word.span);
                    }
                    parts.words.push(word);
                    self.advance()?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Whether a word before the command name is an assignment.
    fn is_assignment(&self, word: &Lexeme) -> Parsed<bool> {
        let raw = word.raw.as_bytes();
        let name = identifier(raw);
        match (raw.get(name), raw.get(name + 1)) {
            _ if name == 0 => Ok(false),
            (Some(b'['), _) => refuse(Reason::Array, word.span.clone()),
            (Some(b'+'), Some(b'=')) if self.dialect == Dialect::Posix => {
                refuse(Reason::AppendAssignment, word.span.clone())
            }
            (Some(b'='), _) | (Some(b'+'), Some(b'=')) => Ok(true),
            _ => Ok(false),
        }
    }

    fn simple(&mut self, parts: Parts<'a>, span: Range<usize>) -> Kind {
        let (at, exec, look) = resolve(&parts.words, self.dialect);
        let program = parts.words.get(at);
        let runs = match program {
            None => Runs::Nothing,
            Some(word) if !exec && word.known() && is_builtin(&word.text) => Runs::Builtin,
            Some(_) => Runs::Named,
        };
        let mut simple = Simple {
            span,
            at,
            runs,
            exec,
            look,
            handles_term: false,
            nested: self.nested(),
            substituted: self.substitutions > 0,
            background: false,
            piped: false,
            words: parts.words,
            assignments: parts.assignments,
            redirected: parts.redirected,
            computed_redirection: parts.computed_redirection,
        };
        self.check(&mut simple);
        self.script.simples.push(simple);
        Kind::Simple(self.script.simples.len() - 1)
    }

    /// Notes what a command does to the shell itself.
    fn check(&mut self, simple: &mut Simple<'a>) {
        let Some(word) = simple.program() else { return };
        if !simple.exec && !word.known() && !word.traits.slash {
            self.forbid(Reason::ComputedName, word.span.clone());
        }
        if simple.runs != Runs::Builtin {
            return;
        }
        let arguments = simple.words.get(simple.at + 1..).unwrap_or_default();
        let reason = match &*word.text {
            "eval" => Reason::Eval,
            "alias" | "unalias" | "enable" | "builtin" | "shopt" | "setopt" | "unsetopt"
            | "emulate" | "autoload" | "zmodload" => Reason::ChangesShell,
            // `hash -p file name` makes a name run another file.
            "hash" if !arguments.is_empty() => Reason::ChangesShell,
            "set" if !set_is_harmless(arguments) => Reason::SetOption,
            "trap" => {
                simple.handles_term = self.trap(simple);
                Reason::Trap
            }
            _ => return,
        };
        self.forbid(reason, simple.span.clone());
    }

    /// Takes `()`; the current token is `(`.
    pub(super) fn parentheses(&mut self) -> Parsed<()> {
        self.advance()?;
        if matches!(self.token, Token::Close) {
            self.advance()
        } else {
            self.unexpected()
        }
    }

    /// Reads the body of a function.
    pub(super) fn function(&mut self, name: &Lexeme<'a>) -> Parsed<Kind> {
        let plain = match self.dialect {
            Dialect::Posix => identifier(name.raw.as_bytes()) == name.raw.len(),
            Dialect::Bash => name
                .raw
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b)),
        };
        if !plain || name.raw.is_empty() {
            return refuse(Reason::FunctionName, name.span.clone());
        }
        if is_builtin(name.raw) {
            self.forbid(Reason::FunctionName, name.span.clone());
        }
        self.newlines()?;
        match (&self.token, self.raw()) {
            (Token::Open, _) | (_, Some("{")) => {}
            (Token::Word(_), _) => return refuse(Reason::FunctionBody, self.here()),
            _ => return self.unexpected(),
        }
        let first = self.script.simples.len();
        let body = match self.command()?.kind {
            Kind::Group(list) => Some(list),
            _ => None,
        };
        let simples = first..self.script.simples.len();
        self.script.functions.push(Function {
            name: name.text.clone(),
            body,
            simples,
            top_level: false,
        });
        Ok(Kind::Function(self.script.functions.len() - 1))
    }
}

/// Finds the word that names what runs, behind `exec` and `command`.
fn resolve(words: &[Lexeme], dialect: Dialect) -> (usize, bool, Look) {
    let text = |at: usize| {
        words
            .get(at)
            .filter(|word| !word.traits.computed)
            .map_or("", |word| &*word.text)
    };
    let mut at = 0;
    let mut look = Look::Shell;
    while text(at) == "command" {
        let mut next = at + 1;
        while text(next).starts_with('-') {
            if text(next).contains(['v', 'V']) {
                return (at, false, Look::Shell);
            }
            look = Look::Option;
            next += 1;
        }
        if next >= words.len() {
            return (at, false, Look::Shell);
        }
        if look == Look::Shell {
            look = Look::Command;
        }
        at = next;
    }
    if text(at) != "exec" {
        return (at, false, look);
    }
    at += 1;
    while dialect == Dialect::Bash && text(at).starts_with('-') {
        at += if text(at) == "-a" { 2 } else { 1 };
    }
    (at, true, look)
}

/// Whether `set` changes nothing that matters to `exec`, and all that it changes can be seen.
fn set_is_harmless(arguments: &[Lexeme]) -> bool {
    let mut arguments = arguments.iter();
    while let Some(word) = arguments.next() {
        if !word.known() {
            return false;
        }
        if word.text == "--" || word.text == "-" {
            return true;
        }
        let Some(letters) = word.text.strip_prefix(['-', '+']) else {
            return true;
        };
        if !letters.chars().all(|letter| SET_LETTERS.contains(letter)) {
            return false;
        }
        for _ in letters.matches('o') {
            match arguments.next() {
                None => {}
                Some(name) if name.known() && SET_NAMES.contains(&&*name.text) => {}
                Some(_) => return false,
            }
        }
    }
    true
}

/// Where ksh93 expands and opens what stands in front of a program in another order than in front of `exec`: a substitution
/// behind an assignment, or beside a redirection; a redirection that is computed behind an assignment; a name that is
/// assigned twice.
pub(super) fn order_matters(simple: &Simple) -> Option<Range<usize>> {
    let substituted = |assignment: &&Lexeme| assignment.traits.substituted;
    let second = simple.assignments.iter().skip(1).find(substituted);
    if let Some(assignment) = second {
        return Some(assignment.span.clone());
    }
    let mut seen = HashSet::new();
    if let Some(again) = simple
        .assignments
        .iter()
        .find(|assignment| !seen.insert(assignment.raw.split('=').next()))
    {
        return Some(again.span.clone());
    }
    let first = simple.assignments.first()?;
    let matters = simple.computed_redirection || (simple.redirected && first.traits.substituted);
    matters.then(|| simple.span.clone())
}
