//! Tail position: the commands whose exit status is the script's, with nothing left to do after them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::names::{ATTRIBUTES, is_computed_program_name, is_program_name};
use super::nested;
use super::simple::order_matters;
use super::sourced;
use super::trap::waits;
use super::tree::{Item, Kind, List, Look, Node, Runs, Script, Simple};
use super::{Command, Dialect, Outcome, Reading, Reason, Refusal, SourcedFiles};
use crate::argv::Word;

/// How deep calls of functions are followed.
const MAX_CALLS: usize = 4;

/// Judges what was read; `grammar` is the refusal that ended the reading, if one did.
pub(super) fn reading(script: &Script, grammar: Option<Refusal>, sourced: SourcedFiles) -> Reading {
    let mut walk = Walk::new(script, sourced);
    if grammar.is_none() {
        walk.list(&script.list, 0);
    }
    let trap = script.trap.clone().map(|trap| super::Trap {
        waits: waits(script, &trap),
        ..trap
    });
    let trusted = walk.trusted();
    let restarts = walk.restarts();
    let commands = commands(script, &walk.tails, &mut walk.nested);
    let replaced = walk.already && walk.inserts.is_empty() && walk.refused.is_none();
    let outcome = match grammar {
        Some(refusal) => Outcome::Refused(refusal),
        None => walk.outcome(),
    };
    Reading {
        trusted: trusted.filter(|_| matches!(outcome, Outcome::Exec(_))),
        outcome,
        commands,
        trap,
        restarts,
        replaced,
    }
}

fn commands(
    script: &Script,
    tails: &[usize],
    nested: &mut HashMap<usize, Reading>,
) -> Vec<Command> {
    let tails: HashSet<_> = tails.iter().collect();
    let listed = script
        .simples
        .iter()
        .enumerate()
        .filter(|(_, simple)| !simple.substituted);
    listed
        .flat_map(|(index, simple)| match nested.remove(&index) {
            Some(inner) => inner.commands,
            None => command(simple, tails.contains(&index))
                .into_iter()
                .collect(),
        })
        .collect()
}

fn command(simple: &Simple, tail: bool) -> Option<Command> {
    let words = simple.words.get(simple.at..).unwrap_or_default();
    Some(Command {
        at: words.first()?.span.start,
        words: words
            .iter()
            .map(|word| Word {
                text: word.text.to_string(),
                known: word.known(),
            })
            .collect(),
        assignments: simple
            .assignments
            .iter()
            .filter_map(|word| {
                let (name, value) = word.text.split_once('=')?;
                let known =
                    !word.traits.computed && !value.starts_with('~') && !name.ends_with('+');
                Some((
                    name.trim_end_matches('+').to_owned(),
                    known.then(|| value.to_owned()),
                ))
            })
            .collect(),
        tail,
        exec: simple.exec,
        background: simple.background,
        piped: simple.piped,
    })
}

/// A walk along the tails of a script.
struct Walk<'s, 'a> {
    script: &'s Script<'a>,
    sourced: SourcedFiles,
    /// How often a function is defined, and where last.
    defined: HashMap<&'s str, (usize, usize)>,
    tails: Vec<usize>,
    inserts: Vec<usize>,
    already: bool,
    refused: Option<Refusal>,
    /// What was read of the tails that are shells with a script.
    nested: HashMap<usize, Reading>,
    /// They are not looked into.
    closed: bool,
    /// Some variable may be more than its value: read-only, or a number.
    has_attributes: bool,
}

impl<'s, 'a> Walk<'s, 'a> {
    fn new(script: &'s Script<'a>, sourced: SourcedFiles) -> Self {
        let mut defined = HashMap::new();
        for (index, function) in script.functions.iter().enumerate() {
            let entry = defined.entry(&*function.name).or_insert((0, 0));
            *entry = (entry.0 + 1, index);
        }
        // What a sourced file does to functions and variables, nobody knows.
        let unknown = sourced::all(script).next().is_some();
        Self {
            script,
            sourced,
            defined,
            tails: Vec::new(),
            inserts: Vec::new(),
            already: false,
            refused: None,
            nested: HashMap::new(),
            closed: unknown || nested::reaches_into(script),
            has_attributes: unknown
                || script
                    .simples
                    .iter()
                    .any(|simple| ATTRIBUTES.contains(&simple.name())),
        }
    }

    fn outcome(self) -> Outcome {
        let sourced = sourced::in_the_way(self.script, self.sourced);
        match (self.of_the_text(), sourced) {
            (Outcome::Exec(_) | Outcome::AlreadyExec, Some(refusal)) => Outcome::Refused(refusal),
            (outcome, _) => outcome,
        }
    }

    /// The first file on whose harmlessness insertions rest.
    fn trusted(&self) -> Option<Range<usize>> {
        let own = sourced::all(self.script).map(|simple| simple.span.clone());
        let inner = self
            .nested
            .values()
            .filter_map(|reading| reading.trusted.clone());
        own.chain(inner).min_by_key(|span| span.start)
    }

    /// What the text itself allows, whatever it sources.
    fn of_the_text(mut self) -> Outcome {
        let handles_term = |item: &Item| match item.alone() {
            Some(Kind::Simple(index)) => self
                .script
                .simples
                .get(*index)
                .is_some_and(|simple| simple.handles_term),
            _ => false,
        };
        if self.script.list.items.iter().any(handles_term) {
            return Outcome::HandlesTerm;
        }
        if let Some(refusal) = &self.script.forbidden {
            return Outcome::Refused(refusal.clone());
        }
        if self.script.list.items.is_empty() {
            return Outcome::Empty;
        }
        let programs = || {
            self.script
                .simples
                .iter()
                .filter(|simple| self.is_program(simple))
        };
        let Some(last) = programs()
            .rfind(|simple| !simple.substituted)
            .or_else(|| programs().next_back())
        else {
            // Unless the program runs in what is sourced.
            return sourced::all(self.script)
                .next()
                .map_or(Outcome::OnlyBuiltins, |simple| {
                    Outcome::Refused(simple.sources_unseen())
                });
        };
        if let Some(refusal) = self.refused {
            return Outcome::Refused(refusal);
        }
        if !self.inserts.is_empty() {
            self.inserts.sort_unstable();
            return Outcome::Exec(self.inserts);
        }
        if self.already {
            return Outcome::AlreadyExec;
        }
        Outcome::Refused(Refusal {
            reason: Reason::NotInTailPosition,
            at: last.span.clone(),
        })
    }

    /// Whether a command runs a program, not a builtin or a function of the script.
    fn is_program(&self, simple: &Simple) -> bool {
        let function = |name: &str| simple.look == Look::Shell && self.defined.contains_key(name);
        simple.runs == Runs::Named
            && (simple.exec
                || simple
                    .program()
                    .is_some_and(|word| !word.known() || !function(&word.text)))
    }

    fn refuse(&mut self, reason: Reason, at: Range<usize>) {
        self.refused.get_or_insert(Refusal { reason, at });
    }

    fn list(&mut self, list: &List, calls: usize) {
        let mut items = list.items.as_slice();
        while let [rest @ .., last] = items
            && last.is_alone()
            && self.script.hands_status_on(&last.last)
        {
            items = rest;
        }
        if let [rest @ .., keeps, exits] = items
            && !self.has_attributes
            && self.script.hands_kept_status_on(keeps, exits)
        {
            items = rest;
        }
        let Some(item) = items.last() else { return };
        if item.background {
            return self.refuse(Reason::BackgroundJob, item.last.span.clone());
        }
        if item.last.commands > 1 {
            return self.refuse(Reason::Pipeline, item.last.span.clone());
        }
        if item.last.negated {
            return self.refuse(Reason::Negated, item.last.span.clone());
        }
        self.node(&item.last.last, calls);
    }

    fn node(&mut self, node: &Node, calls: usize) {
        match &node.kind {
            Kind::Simple(index) => self.simple(*index, calls),
            Kind::Group(list) => self.list(list, calls),
            Kind::Branches(branches) => branches.iter().for_each(|branch| self.list(branch, calls)),
            Kind::Subshell => self.refuse(Reason::Subshell, node.span.clone()),
            Kind::Loop => self.refuse(Reason::Loop, node.span.clone()),
            Kind::Conditional | Kind::Function(_) => {}
        }
    }

    fn simple(&mut self, index: usize, calls: usize) {
        let Some(simple) = self.script.simples.get(index) else {
            return;
        };
        let Some(word) = simple.program() else { return };
        if let Some((count, function)) = self.defined.get(&*word.text).copied()
            && !simple.exec
            && !word.traits.computed
        {
            return self.call(simple, count, function, calls);
        }
        self.tails.push(index);
        self.nested(index, simple);
        if simple.exec {
            self.already = true;
            return;
        }
        if simple.sources() {
            self.refused.get_or_insert_with(|| simple.sources_unseen());
            return;
        }
        if simple.runs == Runs::Builtin {
            return;
        }
        if simple.look == Look::Option {
            return self.refuse(Reason::CommandOption, simple.span.clone());
        }
        if self.script.dialect == Dialect::Posix
            && let Some(at) = order_matters(simple)
        {
            return self.refuse(Reason::AssignmentOrder, at);
        }
        if word.traits.continued {
            return self.refuse(Reason::Continuation, word.span.clone());
        }
        let takes_exec = if word.traits.computed {
            let traits = word.traits;
            let known = !traits.substituted && !traits.pattern && !traits.braces;
            traits.slash && known && is_computed_program_name(&word.text)
        } else {
            is_program_name(&word.text, word.traits.pattern)
        };
        if takes_exec {
            self.inserts.push(word.span.start);
        } else {
            self.refuse(Reason::ProgramName, word.span.clone());
        }
    }

    /// Looks into `sh -c '...'`: what its script does is what the tail does.
    fn nested(&mut self, index: usize, simple: &Simple) {
        if self.closed {
            return;
        }
        let Some(reading) = nested::read(simple, self.sourced) else {
            return;
        };
        match &reading.outcome {
            Outcome::Exec(offsets) => self.inserts.extend(offsets),
            Outcome::Refused(refusal) => self.refuse(refusal.reason, refusal.at.clone()),
            _ => {}
        }
        self.nested.insert(index, reading);
    }

    /// Follows a call into the body of the function, where the tail then is.
    fn call(&mut self, simple: &Simple, count: usize, function: usize, calls: usize) {
        let script = self.script;
        let function = script
            .functions
            .get(function)
            .filter(|function| function.top_level);
        let body = function.and_then(|function| function.body.as_ref());
        let name = simple.name();
        // Once as the definition's name, once as the call's.
        let once = count == 1 && script.occurrences.get(name) == Some(&2);
        match body {
            Some(body)
                if once
                    && simple.look == Look::Shell
                    && simple.assignments.is_empty()
                    && calls < MAX_CALLS =>
            {
                self.list(body, calls + 1);
            }
            _ => self.refuse(Reason::FunctionCall, simple.span.clone()),
        }
    }

    /// The first loop that starts a program over and over.
    fn restarts(&self) -> Option<usize> {
        let last = self
            .script
            .simples
            .iter()
            .rposition(|simple| !simple.substituted && self.is_program(simple))?;
        let restarting = self.script.loops.iter().filter(|looping| {
            let Some(body) = self.script.simples.get(looping.simples.clone()) else {
                return false;
            };
            let runs = body.iter().any(|simple| {
                simple.runs == Runs::Named && !simple.substituted && simple.name() != "sleep"
            });
            let leaves = body
                .iter()
                .any(|simple| simple.exec || matches!(simple.name(), "break" | "exit" | "return"));
            runs && (last < looping.simples.end || (looping.endless && !leaves))
        });
        let inner = self.nested.values().filter_map(|reading| reading.restarts);
        restarting.map(|looping| looping.at).chain(inner).min()
    }
}
