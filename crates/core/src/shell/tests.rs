//! `»` in a script marks where `exec ` belongs.

mod accepted;
mod commands;
mod grammar;
mod limits;
mod oracle;
mod properties;
mod refused;
mod sourced;
mod strategy;

use super::*;

const BOTH: [Dialect; 2] = [Dialect::Posix, Dialect::Bash];

/// The script without marks, and the offsets of the marks in it.
fn unmark(marked: &str) -> (String, Vec<usize>) {
    let mut text = String::new();
    let mut offsets = Vec::new();
    for part in marked.split_inclusive('»') {
        text.push_str(part.trim_end_matches('»'));
        if part.ends_with('»') {
            offsets.push(text.len());
        }
    }
    (text, offsets)
}

/// Asserts that exec goes exactly to the marks, and that the result is stable.
#[track_caller]
fn execs(dialect: Dialect, marked: &str) {
    let (text, offsets) = unmark(marked);
    assert_eq!(
        read(&text, dialect).outcome,
        Outcome::Exec(offsets.clone()),
        "{dialect:?}: {text}"
    );
    let rewritten = insert(&text, &offsets);
    assert_eq!(rewritten, marked.replace('»', "exec "));
    let again = read(&rewritten, dialect).outcome;
    assert_eq!(again, Outcome::AlreadyExec, "{dialect:?}: {rewritten}");
}

/// Asserts the refusal: its reason and the text of its construct.
#[track_caller]
fn refuses(dialect: Dialect, text: &str, reason: Reason, construct: &str) {
    match read(text, dialect).outcome {
        Outcome::Refused(refusal) => {
            assert_eq!(refusal.reason, reason, "{dialect:?}: {text}");
            assert_eq!(&text[refusal.at], construct, "{dialect:?}: {text}");
        }
        other => panic!("{dialect:?}: {text}: {other:?}"),
    }
}

#[track_caller]
fn reads_as(dialect: Dialect, text: &str, outcome: &Outcome) {
    assert_eq!(&read(text, dialect).outcome, outcome, "{dialect:?}: {text}");
}
