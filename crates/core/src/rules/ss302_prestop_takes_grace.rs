//! SS302: the preStop hook sleeps through the grace.

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, Severity};

/// What the kubelet leaves a program after a hook that took everything (`minimumGracePeriodInSeconds`).
const LEFT: u64 = 2;

pub(super) static RULE: Rule = Rule {
    code: Code("SS302"),
    name: "prestop-takes-grace",
    severity: Severity::Error,
    summary: "The preStop hook sleeps through the grace and leaves the program no time to stop",
    page: "\
## What it does
Finds preStop hooks that only sleep, so long that less than 2 s of `terminationGracePeriodSeconds` are left.

## Why it hurts
SIGTERM is sent when the hook has ended, and the hook's time is taken from the grace. Of a hook that takes all of it
the kubelet makes 2 s: with a grace of 5 s SIGTERM came after 5.0 s and SIGKILL after 7.0 s (measured with Kubernetes
1.37; `minimumGracePeriodInSeconds` in `kuberuntime_container.go`). Nothing longer than 2 s can be finished.

## Before
```yaml pod
spec:
  terminationGracePeriodSeconds: 30
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {sleep: {seconds: 30}}}
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 60
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {sleep: {seconds: 30}}}
```

## How softstop changes it
It raises the grace where the program's drain time is known: `softstop.dev/drain-time`, a flag of the program, or the
default of a program it knows. Else nobody knows how much more is needed, and the pod keeps its grace.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let grace = subject.budget.grace;
    for (container, _, _) in subject.containers() {
        let taken = container.slot.seconds();
        // A longer native sleep is not even accepted.
        let refused = matches!(container.slot, Slot::Sleep(_)) && taken > grace;
        if taken == 0 || grace == 0 || refused || taken.saturating_add(LEFT) <= grace {
            continue;
        }
        let title = container.title();
        findings.push(Finding {
            on_stop: Some(format!(
                "the hook takes {} s, then {title} gets SIGTERM and is killed {LEFT} s later",
                taken.min(grace)
            )),
            repaired: taken.saturating_add(LEFT) <= subject.budget.result,
            ..RULE.about(
                container,
                "/lifecycle/preStop",
                format!("the preStop hook takes {taken} s of a grace of {grace} s and leaves {title} no time to stop"),
                format!("set terminationGracePeriodSeconds to {taken} and the time {title} needs to stop"),
            )
        });
    }
}
