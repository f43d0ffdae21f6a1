//! SS203: uWSGI's die-on-term is an orderly exit, not a drain.

use super::{Rule, Subject};
use crate::observe::has_flag;
use crate::{Code, Finding, Severity, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS203"),
    name: "die-on-term",
    severity: Severity::Warning,
    summary: "uWSGI's die-on-term exits on SIGTERM, but kills every request",
    page: "\
## What it does
Finds uWSGI with `--die-on-term` or `UWSGI_DIE_ON_TERM`.

## Why it hurts
Without it, SIGTERM makes uWSGI kill its requests and start again; with it, uWSGI kills its requests and exits. Either
way all of them are lost (measured with uWSGI 2.0.31: 32 of 32). Only `gracefully_kill_them_all` lets them finish.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [uwsgi, --master, --die-on-term, --module, app]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 70
  containers:
  - name: web
    image: example/web
    command: [uwsgi, --master, --die-on-term, --module, app]
    env:
    - {name: UWSGI_HOOK_MASTER_START, value: 'unix_signal:15 gracefully_kill_them_all'}
    - {name: UWSGI_MASTER, value: '1'}
```

## How softstop changes it
It sets the variables that make SIGTERM the graceful stop (SS207), unless they are set or may come from `envFrom`.

## How to opt out
Set `UWSGI_HOOK_MASTER_START` yourself, or `softstop.dev/runtime: none`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let Some(program) = container.main_program() else {
            continue;
        };
        let is_uwsgi = container
            .profile()
            .is_some_and(|profile| profile.name == "uwsgi");
        let flag = program
            .words
            .iter()
            .any(|word| word.text == "--die-on-term");
        let variable = program
            .env("UWSGI_DIE_ON_TERM")
            .or_else(|| container.env.value("UWSGI_DIE_ON_TERM"))
            .is_some_and(|value| value != "false");
        let configured = container
            .profile()
            .and_then(|profile| profile.graceful_env)
            .is_some_and(|graceful| has_flag(&program.words, graceful.unless));
        let name = "UWSGI_HOOK_MASTER_START";
        let hooked = configured || program.sets(name) || container.env.may_have(name);
        let told = story::gets_signal(container, decision);
        if !is_uwsgi || hooked || !told || !(flag || variable) {
            continue;
        }
        findings.push(Finding {
            pointer: container.entry_pointer(),
            span: container.entry_span(),
            on_stop: Some(subject.on_stop(
                container,
                decision,
                "uWSGI exits within a second and kills every request".to_owned(),
            )),
            repaired: decision.env.iter().any(|fix| fix.name == name),
            ..RULE.about(
                container,
                "",
                "die-on-term makes uWSGI exit on SIGTERM, but kills every request".to_owned(),
                "set UWSGI_HOOK_MASTER_START to `unix_signal:15 gracefully_kill_them_all`"
                    .to_owned(),
            )
        });
    }
}
