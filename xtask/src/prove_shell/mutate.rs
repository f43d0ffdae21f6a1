//! Edits that mostly break a script, and the way back to the smallest one that still shows something.

use super::random::Random;

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
    "[[ x ]]",
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
    ">(",
    "\n",
    "\\\n",
    " ",
    "\t",
    "\r",
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
    "?(",
    "*",
    "?",
    "[",
    "o[",
    ">o[",
    "export o[1 ",
    " ]",
    "~",
    "%",
    "-",
    "+",
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
    " in ",
    "esac",
    "function ",
    "time ",
    "select ",
    "coproc ",
    "f() ",
    "f() { ok; }\n",
    "trap x TERM;",
    "trap 'echo t' EXIT;",
    "trap ",
    "eval ",
    ". ",
    ". ./venv/bin/activate;",
    ". ./harmful;",
    "alias app=ok\n",
    "alias x=",
    "exec ",
    "command ",
    "exit",
    "exit;",
    "$?",
    "é",
    "1",
    "10>",
    "{fd}>",
    "readonly V;",
    "readonly ",
    "set -r;",
    "set -",
    "set -e;",
    "set -o ",
    "unset ",
    "app() { :; };",
    "main() { ok; };",
    "]]\\\n",
    "&\\\n",
    "0",
    "=~",
    "${x:-",
    "$((1",
    "! ",
    "&& ",
    "| cat",
    "; :",
    "sh -c '",
    "sh -c \"ok; app\"",
    "bash -c 'app';",
    "rc=$?;",
    "exit $rc",
    "&>>",
    ">&f",
    "IFS=",
    "PATH=",
    "\u{a0}",
    "\x0b",
];

/// The script after one to three edits.
pub(super) fn mutate(random: &mut Random, script: &str) -> String {
    let mut chars: Vec<char> = script.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(chars.len() + 1);
        match random.below(10) {
            0..3 if at < chars.len() => {
                chars.remove(at);
            }
            3 if at < chars.len() => {
                let end = (at + 1 + random.below(20)).min(chars.len());
                let slice = chars[at..end].to_vec();
                chars.splice(at..at, slice);
            }
            4 if chars.len() > 1 => {
                let other = random.below(chars.len());
                let at = at.min(chars.len() - 1);
                chars.swap(at, other);
            }
            _ => {
                chars.splice(at..at, random.pick(FRAGMENTS).chars());
            }
        }
    }
    // No argument of a process can hold it.
    chars.retain(|c| *c != '\0');
    chars.into_iter().collect()
}

/// The smallest script, by leaving ever smaller parts out, that still fulfils the condition.
pub(super) fn minimise(
    script: &str,
    mut holds: impl FnMut(&str) -> anyhow::Result<bool>,
) -> anyhow::Result<String> {
    let mut chars: Vec<char> = script.chars().collect();
    let mut length = chars.len() / 2;
    let mut tries = 300;
    while length > 0 && tries > 0 {
        let mut at = 0;
        let mut smaller = false;
        while at < chars.len() && tries > 0 {
            let mut candidate = chars.clone();
            candidate.drain(at..(at + length).min(chars.len()));
            tries -= 1;
            if holds(&candidate.iter().collect::<String>())? {
                chars = candidate;
                smaller = true;
            } else {
                at += length;
            }
        }
        if !smaller || length > chars.len() {
            length /= 2;
        }
    }
    Ok(chars.into_iter().collect())
}
