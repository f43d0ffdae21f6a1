//! What the parser hands on: a light tree, with the simple commands in one flat table.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::{Dialect, Reason, Refusal, Trap};

/// `Err` ends the reading.
pub(super) type Parsed<T> = Result<T, Refusal>;

/// A refusal as the error of a parse.
pub(super) fn refuse<T>(reason: Reason, at: Range<usize>) -> Parsed<T> {
    Err(Refusal { reason, at })
}

/// One word as the lexer saw it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lexeme<'a> {
    /// Where it stands.
    pub(super) span: Range<usize>,
    /// As it is written.
    pub(super) raw: &'a str,
    /// After quote removal; expansions stay as written.
    pub(super) text: Cow<'a, str>,
    pub(super) traits: Traits,
}

/// What a word is made of.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Traits {
    /// A line continuation stands inside of it, or right after it.
    pub(super) continued: bool,
    /// It has an expansion (`$x`, `$(..)`, backquotes).
    pub(super) computed: bool,
    /// It has a command substitution.
    pub(super) substituted: bool,
    /// It has an unquoted `*`, `?` or `[`.
    pub(super) pattern: bool,
    /// It has an unquoted `{` or `}`.
    pub(super) braces: bool,
    /// It starts with an unquoted `~`.
    pub(super) tilde: bool,
    /// It has a `/` outside of expansions.
    pub(super) slash: bool,
}

impl Lexeme<'_> {
    /// All of it is known before the script runs.
    pub(super) fn known(&self) -> bool {
        !(self.traits.computed || self.traits.pattern || self.traits.braces || self.traits.tilde)
    }
}

/// A sequence of commands.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) items: Vec<Item>,
}

/// An and-or list.
#[derive(Debug)]
pub(super) struct Item {
    /// How many pipelines it has.
    pub(super) pipelines: usize,
    pub(super) last: Pipeline,
    pub(super) background: bool,
}

impl Item {
    /// It is one command in the foreground.
    pub(super) fn is_alone(&self) -> bool {
        self.pipelines == 1 && self.last.commands == 1 && !self.background && !self.last.negated
    }

    /// The command, if it is all there is.
    pub(super) fn alone(&self) -> Option<&Kind> {
        self.is_alone().then_some(&self.last.last.kind)
    }
}

/// One or more commands joined by `|`.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) span: Range<usize>,
    pub(super) negated: bool,
    /// How many commands it has.
    pub(super) commands: usize,
    pub(super) last: Node,
}

/// A command.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// What a command is.
#[derive(Debug)]
pub(super) enum Kind {
    /// Index into [`Script::simples`].
    Simple(usize),
    /// `{ }`
    Group(List),
    /// Branches of `if` or `case`, without conditions.
    Branches(Vec<List>),
    Subshell,
    Loop,
    /// `[[ ]]`
    Conditional,
    /// Index into [`Script::functions`].
    Function(usize),
}

/// What a simple command runs, as far as its words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// Assignments or redirections only.
    Nothing,
    Builtin,
    /// A program, or a function of the script.
    Named,
}

/// A simple command.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Simple<'a> {
    pub(super) span: Range<usize>,
    pub(super) words: Vec<Lexeme<'a>>,
    pub(super) assignments: Vec<Lexeme<'a>>,
    pub(super) redirected: bool,
    /// The target of a redirection, or a here-document, has an expansion, or may have one.
    pub(super) computed_redirection: bool,
    /// Index of the word that names what runs, after `exec` and `command`.
    pub(super) at: usize,
    pub(super) runs: Runs,
    pub(super) exec: bool,
    pub(super) look: Look,
    /// It is a trap that handles TERM, all of its words literal.
    pub(super) handles_term: bool,
    /// It stands inside of another command.
    pub(super) nested: bool,
    /// It stands in a command substitution.
    pub(super) substituted: bool,
    pub(super) background: bool,
    pub(super) piped: bool,
}

/// How the name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As shells do it.
    Shell,
    /// `command`: no functions.
    Command,
    /// `command -p`: another `PATH`.
    Option,
}

impl<'a> Simple<'a> {
    /// The word that names what runs.
    pub(super) fn program(&self) -> Option<&Lexeme<'a>> {
        self.words.get(self.at)
    }

    /// Its text; empty where nothing runs.
    pub(super) fn name(&self) -> &str {
        self.program().map_or("", |word| &word.text)
    }
}

/// A function definition.
#[derive(Debug)]
pub(super) struct Function<'a> {
    pub(super) name: Cow<'a, str>,
    /// The body, where it is `{ }`.
    pub(super) body: Option<List>,
    /// The simple commands inside of it.
    pub(super) simples: Range<usize>,
    /// It is a command of the script itself, unconditionally.
    pub(super) top_level: bool,
}

/// A loop.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) at: usize,
    /// The simple commands of its condition and body.
    pub(super) simples: Range<usize>,
    /// `while true`, `while :`, `until false`.
    pub(super) endless: bool,
}

/// Everything that was read.
#[derive(Debug)]
pub(super) struct Script<'a> {
    pub(super) dialect: Dialect,
    pub(super) list: List,
    pub(super) simples: Vec<Simple<'a>>,
    pub(super) functions: Vec<Function<'a>>,
    pub(super) loops: Vec<Loop>,
    pub(super) trap: Option<Trap>,
    /// How often each word occurs.
    pub(super) occurrences: HashMap<Cow<'a, str>, usize>,
    /// The first thing that may stand nowhere in a script.
    pub(super) forbidden: Option<Refusal>,
}

impl Script<'_> {
    /// `exit`, `exit $?`: nothing but the end of what came before.
    pub(super) fn hands_status_on(&self, pipeline: &Pipeline) -> bool {
        let Kind::Simple(index) = pipeline.last.kind else {
            return false;
        };
        let Some(simple) = self.simples.get(index) else {
            return false;
        };
        let mut words = simple.words.iter().map(|word| word.raw);
        pipeline.commands == 1
            && !pipeline.negated
            && words.next() == Some("exit")
            && matches!(words.next(), None | Some("$?" | "\"$?\""))
            && words.next().is_none()
            && simple.assignments.is_empty()
            && !simple.redirected
    }

    /// `rc=$?; exit $rc`: the same in two steps. The variable has a name that is no shell's own.
    pub(super) fn hands_kept_status_on(&self, keeps: &Item, exits: &Item) -> bool {
        let simple = |item: &Item| match item.alone() {
            Some(Kind::Simple(index)) => {
                self.simples.get(*index).filter(|simple| !simple.redirected)
            }
            _ => None,
        };
        let (Some(keeps), Some(exits)) = (simple(keeps), simple(exits)) else {
            return false;
        };
        let ([kept], [], [exit, status], []) = (
            &*keeps.assignments,
            &*keeps.words,
            &*exits.words,
            &*exits.assignments,
        ) else {
            return false;
        };
        let Some((name, "$?" | "\"$?\"")) = kept.raw.split_once('=') else {
            return false;
        };
        let unquoted = status
            .raw
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let variable = unquoted
            .unwrap_or(status.raw)
            .strip_prefix('$')
            .unwrap_or_default();
        let variable = variable
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(variable);
        exit.raw == "exit"
            && variable == name
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    }
}
