//! Random scripts: programs by grammar, and mutations that mostly break them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const ARGUMENTS: &[&str] = &[
    "x",
    "'a b'",
    "\"$x\"",
    "$x",
    "\\$",
    "é",
    "~",
    "*",
    "$(ok)",
    "\"$(ok 1)\"",
    "`ok`",
    "${x:-y}",
    "$((1+2))",
    "a\\\nb",
    "{",
    "}",
    "if",
    "-f",
    "2",
    "#",
    ">out",
    "2>&1",
    "<in",
];

const NAMES: &[&str] = &[
    "app",
    "./app",
    "\"app\"",
    "$D/app",
    "echo",
    "true",
    "cd",
    "exit",
    "env app",
    "command app",
    "é",
    "exec app",
    "set -e",
    ". ./env",
];

/// Fragments that mutation inserts.
const FRAGMENTS: &[&str] = &[
    "'",
    "\"",
    "\\",
    "`",
    "$(",
    "$((",
    "${",
    "}",
    "{",
    "(",
    ")",
    "((",
    "))",
    "[[",
    "]]",
    ";",
    ";;",
    ";&",
    "&",
    "&&",
    "|",
    "||",
    "|&",
    "<",
    ">",
    ">>",
    "<<E",
    "<<-E",
    "<<'E'",
    "\nE\n",
    "<<<",
    ">&",
    "&>",
    "<(",
    "\n",
    "\\\n",
    " ",
    "\t",
    "\r",
    "\0",
    "#",
    "!",
    "$",
    "$[",
    "$'",
    "$\"",
    "=",
    "+=",
    "a=(",
    "@(",
    "*",
    "?",
    "~",
    "%",
    "if ",
    "then ",
    "fi",
    "else ",
    "elif ",
    "while ",
    "until ",
    "for ",
    "do ",
    "done",
    "case ",
    "in ",
    "esac",
    "function ",
    "time ",
    "select ",
    "coproc ",
    "f() ",
    "trap x TERM;",
    "eval ",
    ". ",
    "alias x=y\n",
    "exec ",
    "command ",
    "exit",
    "$?",
    "é",
    "ß",
    "1",
    "10>",
    "{fd}>",
    "é=",
    "\u{a0}",
];

fn simple() -> impl Strategy<Value = String> {
    (
        select(&["", "", "A=1 ", "A=$x ", ">f "][..]),
        select(NAMES),
        vec(select(ARGUMENTS), 0..3),
    )
        .prop_map(|(prefix, name, arguments)| format!("{prefix}{name} {}", arguments.join(" ")))
}

/// A program that is grammatical in every shell, or nearly so.
pub(super) fn program() -> impl Strategy<Value = String> {
    simple().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            3 => (inner.clone(), select(&["; ", "\n", " && ", " || ", " | ", " &&\n", "; \\\n", " & "][..]), inner.clone())
                .prop_map(|(a, by, b)| format!("{a}{by}{b}")),
            1 => inner.clone().prop_map(|a| format!("{{ {a}; }}")),
            1 => inner.clone().prop_map(|a| format!("( {a} )")),
            1 => inner.clone().prop_map(|a| format!("! {a}")),
            1 => inner.clone().prop_map(|a| format!("{a}; exit $?")),
            1 => inner.clone().prop_map(|a| format!("main() {{ {a}; }}; main")),
            1 => inner.clone().prop_map(|a| format!("cat <<E && {a}\nline $x\nE\n")),
            2 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("if {a}; then {b}; else {c}; fi")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("case $x in a|b) {a};; *) {b};; esac")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("while {a}; do {b}; done")),
        ]
    })
}

/// A program after one to three edits.
pub(super) fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..4,
        select(FRAGMENTS),
    );
    (program(), vec(edit, 1..4)).prop_map(|(mut text, edits)| {
        for (first, second, kind, fragment) in edits {
            let mut boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            boundaries.push(text.len());
            let (a, b) = (
                boundaries[first.index(boundaries.len())],
                boundaries[second.index(boundaries.len())],
            );
            let (a, b) = (a.min(b), a.max(b));
            match kind {
                0 => text.insert_str(a, fragment),
                1 if b - a < 8 => text.replace_range(a..b, ""),
                2 if b - a < 40 => text = format!("{}{}", &text[..b], &text[a..]),
                _ => text.insert_str(b, fragment),
            }
        }
        text
    })
}
