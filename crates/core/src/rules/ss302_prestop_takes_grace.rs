//! SS302: the preStop hook takes the whole grace.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS302"),
    name: "prestop-takes-grace",
    severity: Severity::Error,
    summary: "The preStop hook takes the whole grace, and leaves the program nothing",
    page: "\
## What it does
Finds preStop hooks that sleep as long as the grace, or leave less than 2 s of it.

## Why it hurts
The grace counts from the deletion and includes the hook. What is left after it is the program's; the kubelet makes that
2 s at least, and then kills.

## Before
```yaml pod
spec:
  terminationGracePeriodSeconds: 30
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {sleep: {seconds: 30}}}
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 60
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {sleep: {seconds: 30}}}
```

## How softstop changes it
It never touches a hook that is there. Where the drain time is known (`softstop.dev/drain-time`, a flag, a default), it
raises the grace by it.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let budget = subject.budget;
    for (container, _, _) in subject.containers() {
        let seconds = container.slot.seconds();
        if seconds == 0 || seconds > budget.grace || budget.grace - seconds >= 2 {
            continue;
        }
        findings.push(Finding {
            on_stop: Some(format!(
                "{} gets SIGTERM when 2 s are left",
                container.title()
            )),
            repaired: budget.result >= seconds + 2,
            ..RULE.about(
                container,
                "/lifecycle/preStop",
                format!(
                    "the preStop hook takes {seconds} s of a grace of {} s",
                    budget.grace
                ),
                format!(
                    "set terminationGracePeriodSeconds to {seconds} plus what the program needs"
                ),
            )
        });
    }
}
