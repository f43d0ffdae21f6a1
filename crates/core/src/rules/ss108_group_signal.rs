//! SS108: an init that signals the workers too.

use super::{Rule, Subject};
use crate::decide::{DUMB_INIT, Group, group_signal};
use crate::{Code, Finding, Severity, Verdict};

pub(super) static RULE: Rule = Rule {
    code: Code("SS108"),
    name: "group-signal",
    severity: Severity::Error,
    summary: "An init signals the whole process group of a program whose workers cannot bear it",
    page: "\
## What it does
Finds dumb-init (by default), `tini -g` and `timeout` in front of programs that fork workers: Celery prefork, uWSGI,
Dramatiq.

## Why it hurts
The workers get SIGTERM beside their parent and end in the middle of a task. With Celery the running task is lost every
time, although the worker exits with 0 (measured with dumb-init 1.2.5 and Celery 5.7: 3 of 3).

## Before
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [dumb-init, celery, -A, app, worker]
```

## After
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [dumb-init, celery, -A, app, worker]
    env: [{name: DUMB_INIT_SETSID, value: \"0\"}]
```

## How softstop changes it
It sets `DUMB_INIT_SETSID=0`, with which dumb-init signals its direct child only, unless the variable is set or may come
from `envFrom`.

## How to opt out
Set `DUMB_INIT_SETSID` yourself, or `entrypoint.softstop.dev/CONTAINER: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        // Of the branches of a script, any may be the one that is harmed.
        let tails = container.runs.script().map(|script| &script.tails);
        let mut programs = container
            .main_program()
            .into_iter()
            .chain(tails.into_iter().flatten());
        let harmed = programs.find(|program| group_signal(container, &[program]) != Group::Fine);
        let Some(harmed) = harmed.filter(|_| !container.has_init()) else {
            continue;
        };
        let title = harmed
            .profile
            .map_or(harmed.name.as_str(), |profile| profile.title);
        let set = decision.env.contains(&DUMB_INIT);
        findings.push(Finding {
            pointer: container.entry_pointer(),
            on_stop: Some(format!(
                "the workers of {title} get SIGTERM too and drop what they are doing"
            )),
            repaired: set || matches!(decision.verdict, Verdict::Init | Verdict::Hook),
            ..RULE.about(
                container,
                "",
                format!("the init signals the whole process group, and so the workers of {title}"),
                "set DUMB_INIT_SETSID=0 (dumb-init), or drop -g (tini): signal the program alone"
                    .to_owned(),
            )
        });
    }
}
