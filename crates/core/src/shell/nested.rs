//! `sh -c '...'` in tail position: a shell that replaces this one, and whose script is read by the same rules.

use super::invocation::{self, ENVIRONMENT, Invocation};
use super::names::identifier;
use super::tree::{Lexeme, Script, Simple};
use super::{Command, Outcome, Reading, Refusal, SourcedFiles};
use crate::argv::Word;

/// Reads the script of a command that is a shell; all offsets count in the outer text. `None` where there is none.
pub(super) fn read(simple: &Simple, sourced: SourcedFiles) -> Option<Reading> {
    let words = simple.words.get(simple.at..)?;
    let known = |word: &Lexeme| Word {
        text: word.text.to_string(),
        known: word.known(),
    };
    let Some(Invocation::Text {
        dialect,
        text,
        login: false,
        ..
    }) = invocation::read(&words.iter().map(known).collect::<Vec<_>>())
    else {
        return None;
    };
    let word = words.get(text)?;
    if words.get(..text)?.iter().any(exports_all) {
        return None;
    }
    quoted_as_it_is(word).then(|| {
        let reading = super::read_with(&word.text, dialect, sourced);
        moved(reading, word.span.start + 1)
    })
}

/// Whether something of a script could reach into the shells it starts: an exported function, a variable of the shell's.
pub(super) fn reaches_into(script: &Script) -> bool {
    !script.functions.is_empty()
        || script.occurrences.keys().any(|word| {
            let name = word.get(..identifier(word.as_bytes()));
            name.is_some_and(|name| ENVIRONMENT.contains(&name))
        })
}

/// `-a`, `-o allexport`: bash then exports its copy of the script.
fn exports_all(option: &Lexeme) -> bool {
    let letters = option.text.strip_prefix('-').unwrap_or_default();
    option.text == "allexport" || (!letters.starts_with('-') && letters.contains('a'))
}

/// In one pair of quotes, with nothing in it that the outer shell takes away: then an insertion is one there, too.
fn quoted_as_it_is(word: &Lexeme) -> bool {
    let inside = word
        .raw
        .strip_prefix(['\'', '"'])
        .and_then(|rest| rest.strip_suffix(['\'', '"']));
    word.known() && inside == Some(&*word.text)
}

fn moved(reading: Reading, by: usize) -> Reading {
    Reading {
        outcome: match reading.outcome {
            Outcome::Exec(offsets) => {
                Outcome::Exec(offsets.into_iter().map(|at| at + by).collect())
            }
            Outcome::Refused(Refusal { reason, at }) => Outcome::Refused(Refusal {
                reason,
                at: at.start + by..at.end + by,
            }),
            other => other,
        },
        commands: reading
            .commands
            .into_iter()
            .map(|command| Command {
                at: command.at + by,
                ..command
            })
            .collect(),
        restarts: reading.restarts.map(|at| at + by),
        trusted: reading.trusted.map(|at| at.start + by..at.end + by),
        ..reading
    }
}
