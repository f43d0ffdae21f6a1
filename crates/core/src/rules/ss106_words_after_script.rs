//! SS106: words after the script of `sh -c`.

use softstop_programs::base_name;
use softstop_programs::shell::by_name;

use super::{Rule, Subject};
use crate::argv::Word;
use crate::observe::runs::Script;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS106"),
    name: "words-after-script",
    severity: Severity::Warning,
    summary: "Words after the script of sh -c are its $0, $1, ..., not a part of it",
    page: "\
## What it does
Finds `sh -c SCRIPT` with further words, in `command` or `args`, that the script does not use.

## Why it hurts
The shell takes the words as `$0`, `$1` and so on. A server whose options stand there runs without them: also without
its `--graceful-timeout`.

## Before
```yaml pod
spec:
  containers:
  - name: job
    image: example/job
    command: [sh, -c, exec celery, -A, app, worker]
```

## After
```yaml pod
spec:
  containers:
  - name: job
    image: example/job
    command: [sh, -c, exec celery -A app worker]
```

## How softstop changes it
It does not: what was meant cannot be known.

## How to opt out
Use the words in the script (`\"$@\"`), or remove them.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.containers() {
        let Some(script) = container.runs.script() else {
            continue;
        };
        let Some(zero) = script.zero else { continue };
        let text = container
            .argv
            .words
            .get(script.arg)
            .map_or("", |word| word.text.as_str());
        let rest = container.argv.words.get(zero..).unwrap_or_default();
        let uses_them = uses_parameters(text) || hands_them_on(script) || is_only_a_name(rest);
        let Some(place) = container
            .argv
            .args
            .get(zero)
            .and_then(|arg| arg.place.pointer())
        else {
            continue;
        };
        if !uses_them {
            findings.push(RULE.about(
                container,
                &place,
                "the words after the script are its $0, $1, ..., which it does not use".to_owned(),
                "write them into the script, or remove them".to_owned(),
            ));
        }
    }
}

/// Sourced files and `eval` see the positional parameters, and cannot be seen into.
fn hands_them_on(script: &Script) -> bool {
    script.reading.commands.iter().any(|command| {
        command
            .words
            .first()
            .is_some_and(|word| matches!(word.text.as_str(), "." | "source" | "eval"))
    })
}

/// `sh -c SCRIPT sh`: the customary `$0`, with nothing after it that could be lost.
fn is_only_a_name(words: &[Word]) -> bool {
    match words {
        [zero] => {
            matches!(zero.text.as_str(), "-" | "--" | "_")
                || by_name(base_name(&zero.text)).is_some()
        }
        _ => false,
    }
}

/// Whether a script uses its positional parameters, also by `shift`, `getopts` and a `for` without `in`.
fn uses_parameters(text: &str) -> bool {
    let after_dollar = |rest: &str| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_ascii_digit() || "@*#".contains(c))
    };
    text.match_indices('$')
        .any(|(at, _)| after_dollar(&text[at + 1..]))
        || ["shift", "getopts"].iter().any(|word| text.contains(word))
        || (text.contains("for ") && !text.contains(" in "))
}
