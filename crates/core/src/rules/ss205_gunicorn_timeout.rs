//! SS205: gunicorn's --timeout is not its drain limit.

use super::{Rule, Subject};
use crate::observe::runs::Program;
use crate::observe::{Observed, has_flag};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS205"),
    name: "gunicorn-timeout",
    severity: Severity::Info,
    summary: "gunicorn's --timeout does not limit its drain: --graceful-timeout does",
    page: "\
## What it does
Finds gunicorn with `--timeout` above 30 and without `--graceful-timeout`.

## Why it hurts
`--timeout` is the heartbeat of the workers. On SIGTERM gunicorn waits for `--graceful-timeout`, 30 s by default, and
then kills what is left: requests that are allowed to take longer are lost (measured with gunicorn 27:
`--timeout 30 --graceful-timeout 1` lost 18 of 27 requests of 3 s; `--timeout 1 --graceful-timeout 30` none).

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --timeout, \"120\", app:app]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 125
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --timeout, \"120\", --graceful-timeout, \"120\", app:app]
```

## How softstop changes it
It does not: how long a request may take is the application's own business.

## How to opt out
Write `--graceful-timeout`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.signalled() {
        let is_gunicorn = container
            .profile()
            .is_some_and(|profile| profile.name == "gunicorn");
        let Some(program) = container
            .main_program()
            .filter(|_| is_gunicorn && container.found_time.is_none())
        else {
            continue;
        };
        // A hidden value, or a configuration file: nobody can tell.
        let hidden = may_say(
            container,
            program,
            &["--graceful-timeout", "-c", "--config"],
        );
        if !hidden && timeout(&program.words).is_some_and(|seconds| seconds > 30) {
            findings.push(Finding {
                pointer: container.entry_pointer(),
                span: container.entry_span(),
                ..RULE.about(
                    container,
                    "",
                    "gunicorn's --timeout does not limit its drain, and requests may take longer than its 30 s".to_owned(),
                    "add --graceful-timeout with the same number".to_owned(),
                )
            });
        }
    }
}

/// Whether gunicorn is given one of these flags, or may be where nobody sees it: it reads `GUNICORN_CMD_ARGS`, too.
pub(super) fn may_say(container: &Observed<'_>, program: &Program, flags: &[&str]) -> bool {
    const ARGS: &str = "GUNICORN_CMD_ARGS";
    let given = |text: &str| {
        text.split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']))
            .any(|word| flags.contains(&word.split('=').next().unwrap_or(word)))
    };
    let variable = match program.env(ARGS).or_else(|| container.env.value(ARGS)) {
        Some(text) => given(text),
        None => program.sets(ARGS) || container.env.may_have(ARGS),
    };
    variable || has_flag(&program.words, flags)
}

fn timeout(words: &[crate::argv::Word]) -> Option<u32> {
    let mut words = words.iter().map(|word| word.text.as_str());
    while let Some(word) = words.next() {
        if matches!(word, "--timeout" | "-t") {
            return words.next()?.parse().ok();
        }
        let value = word
            .strip_prefix("--timeout=")
            .or_else(|| word.strip_prefix("-t"));
        if let Some(value) = value {
            return value.parse().ok();
        }
    }
    None
}
