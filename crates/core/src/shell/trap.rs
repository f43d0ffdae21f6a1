//! Traps for TERM: whether one handles the signal, and whether it waits for the program.

use super::Trap;
use super::parse::{self, Parser};
use super::tree::{Lexeme, Script, Simple};

/// Commands of an action that are looked at.
const MAX_COMMANDS: usize = 100;

impl<'a> Parser<'a> {
    /// Notes a trap for TERM; whether it handles TERM with literal words.
    pub(super) fn trap(&mut self, simple: &Simple<'a>) -> bool {
        let mut arguments = simple.words.get(simple.at + 1..).unwrap_or_default();
        if let Some((first, rest)) = arguments.split_first()
            && first.raw == "--"
        {
            arguments = rest;
        }
        let [action, signals @ ..] = arguments else {
            return false;
        };
        // `trap -p`, `trap - TERM`, `trap TERM`: nothing is handled.
        if signals.is_empty() || action.text.starts_with('-') {
            return false;
        }
        let literal = arguments.iter().all(Lexeme::known);
        let term = signals.iter().any(|signal| {
            ["TERM", "SIGTERM", "15"]
                .iter()
                .any(|name| signal.text.eq_ignore_ascii_case(name))
        });
        let computed = signals.iter().any(|signal| !signal.known());
        if (term || computed) && self.script.trap.is_none() {
            self.script.trap = Some(Trap {
                at: simple
                    .words
                    .get(simple.at)
                    .map_or(simple.span.start, |word| word.span.start),
                action: action.known().then(|| action.text.clone().into_owned()),
                waits: false,
            });
        }
        term && literal
    }
}

/// Whether a program gets the time to end once the trap has run.
pub(super) fn waits(script: &Script, trap: &Trap) -> bool {
    trap.action
        .as_deref()
        .is_some_and(|action| action_waits(script, action))
        || waits_again(script, trap.at)
}

/// The action passes the signal on and waits then, itself or in a function it calls.
fn action_waits(script: &Script, action: &str) -> bool {
    let (inner, _) = parse::script(action, script.dialect);
    let mut killed = false;
    let mut step = |simple: &Simple| match simple.name() {
        "kill" | "pkill" | "killall" => {
            killed = true;
            false
        }
        "wait" => killed,
        _ => false,
    };
    inner.simples.iter().take(MAX_COMMANDS).any(|simple| {
        let called = simple
            .program()
            .and_then(|word| {
                script
                    .functions
                    .iter()
                    .find(|function| function.name == word.text)
            })
            .and_then(|function| script.simples.get(function.simples.clone()));
        step(simple) || called.is_some_and(|body| body.iter().any(&mut step))
    })
}

/// `wait` returns when a trap has run: only a second one, or one in a loop, waits for the program.
fn waits_again(script: &Script, trap: usize) -> bool {
    let mut in_function = vec![false; script.simples.len()];
    for function in &script.functions {
        in_function
            .get_mut(function.simples.clone())
            .unwrap_or_default()
            .fill(true);
    }
    let mut in_loop = vec![false; script.simples.len()];
    for looping in &script.loops {
        in_loop
            .get_mut(looping.simples.clone())
            .unwrap_or_default()
            .fill(true);
    }
    let mut waits = 0;
    for ((simple, in_function), in_loop) in script.simples.iter().zip(in_function).zip(in_loop) {
        if simple.name() == "wait" && !in_function && simple.span.start > trap {
            waits += if in_loop { 2 } else { 1 };
        }
    }
    waits > 1
}
