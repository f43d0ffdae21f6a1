//! SS303: a preStop sleep that is longer than the grace.

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS303"),
    name: "sleep-above-grace",
    severity: Severity::Error,
    summary: "The preStop hook sleeps longer than the grace",
    page: "\
## What it does
Finds preStop hooks that sleep longer than `terminationGracePeriodSeconds`.

## Why it hurts
With the native `sleep` action the API server refuses the pod (KEP-3960). With an exec hook the kubelet sends SIGTERM
when the grace is over, while the hook still sleeps, and kills 2 s later.

## Before
```yaml pod
spec:
  terminationGracePeriodSeconds: 30
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {exec: {command: [sleep, \"60\"]}}}
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 90
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {exec: {command: [sleep, \"60\"]}}}
```

## How softstop changes it
It counts the sleep: the grace becomes at least as long as the hook.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let budget = subject.budget;
    for (container, _, _) in subject.containers() {
        let seconds = container.slot.seconds();
        if seconds <= budget.grace {
            continue;
        }
        let on_stop = match container.slot {
            Slot::Sleep(_) => "the API server refuses the pod".to_owned(),
            _ => format!(
                "SIGTERM comes after {} s, while the hook still sleeps, and SIGKILL 2 s later",
                budget.grace
            ),
        };
        findings.push(Finding {
            on_stop: Some(on_stop),
            repaired: budget.result >= seconds + 2,
            ..RULE.about(
                container,
                "/lifecycle/preStop",
                format!(
                    "the preStop hook sleeps {seconds} s, the grace is {} s",
                    budget.grace
                ),
                format!(
                    "set terminationGracePeriodSeconds to {seconds} plus what the program needs"
                ),
            )
        });
    }
}
