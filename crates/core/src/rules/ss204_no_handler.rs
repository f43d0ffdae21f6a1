//! SS204: a program that has no handler for SIGTERM.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS204"),
    name: "no-handler",
    severity: Severity::Info,
    summary: "The program has no handler for SIGTERM: as PID 1 it ignores it",
    page: "\
## What it does
Finds containers whose program is known to install no handler: `sleep`, `tail`, `cat`.

## Why it hurts
Nothing is lost, but every stop takes the whole grace: the kernel delivers no signal to PID 1 without a handler.

## Before
```yaml pod
spec:
  containers:
  - name: idle
    image: example/idle
    command: [sleep, infinity]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: idle
    image: example/idle
    command: [sh, -c, \"trap exit TERM; sleep infinity & wait\"]
```

## How softstop changes it
It leaves the container alone: there is nothing to drain.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        // Behind an init, or in a shared PID namespace, it is not PID 1 and dies at once.
        let is_pid1 = !subject.pod.shares_pid_namespace() && story::is_pid1(container);
        if decision.reason == "no-handler" && is_pid1 {
            findings.push(Finding {
                pointer: container.entry_pointer(),
                on_stop: Some(format!(
                    "{} ignores SIGTERM and is killed after {} s",
                    container.title(),
                    subject.budget.grace
                )),
                ..RULE.about(
                    container,
                    "",
                    format!(
                        "{} has no handler for SIGTERM, so every stop takes the whole grace",
                        container.title()
                    ),
                    "trap SIGTERM in a shell around it, or give the pod a short grace".to_owned(),
                )
            });
        }
    }
}
