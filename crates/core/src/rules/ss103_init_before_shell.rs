//! SS103: an init in front of a shell that dies.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS103"),
    name: "init-before-shell",
    severity: Severity::Error,
    summary: "An init passes SIGTERM to a shell, which dies at once and takes the program with it",
    page: "\
## What it does
Finds tini, dumb-init and their like in front of a shell that stays.

## Why it hurts
Behind an init the shell is not PID 1, so SIGTERM kills it at once. The init waits for its direct child only, ends, and
the kernel kills everything that is left in the container: after 0.1 s, where the whole grace was there before
(measured with tini 0.19 and dumb-init 1.2.5: 33 of 33 requests in flight were lost).

## Before
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [tini, --, sh, -c, celery -A app worker]
```

## After
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [tini, --, sh, -c, exec celery -A app worker]
```

## How softstop changes it
It inserts `exec ` where that is provable: the init then passes the signal to the program itself.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        if !story::init_before_shell(container) || decision.reason == "hook-drains" {
            continue;
        }
        let title = container.title();
        findings.push(Finding {
            pointer: container.entry_pointer(),
            span: container.entry_span(),
            on_stop: Some(story::before(container, decision, subject.budget)),
            repaired: decision.reroutes(),
            ..RULE.about(
                container,
                "",
                format!("the init passes SIGTERM to a shell, which dies at once and takes {title} with it"),
                format!("put `exec` before {title}, or start it without a shell"),
            )
        });
    }
}
