//! SS303: a preStop sleep that the API server refuses.

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS303"),
    name: "sleep-above-grace",
    severity: Severity::Error,
    summary: "The preStop sleep is longer than the grace, and the API server refuses the pod",
    page: "\
## What it does
Finds native preStop sleeps of more seconds than `terminationGracePeriodSeconds`.

## Why it hurts
The API server refuses the pod: `lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than
terminationGracePeriodSeconds (30)`. (An equal one is accepted, whatever the message says; measured with Kubernetes
1.37.) A Deployment with such a template is accepted and then makes no pod.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
    lifecycle: {preStop: {sleep: {seconds: 60}}}
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 95
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
    lifecycle: {preStop: {sleep: {seconds: 60}}}
```

## How softstop changes it
It raises the grace to the sleep and what the program needs after it, within the policy's bounds. The API server
validates a pod after the webhooks, so the pod is accepted then.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone; the API server goes on refusing the pod.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let grace = subject.budget.grace;
    for (container, _, _) in subject.containers() {
        let Slot::Sleep(seconds) = container.slot else {
            continue;
        };
        if seconds <= grace {
            continue;
        }
        findings.push(Finding {
            repaired: seconds <= subject.budget.result,
            ..RULE.about(
                container,
                "/lifecycle/preStop/sleep/seconds",
                format!("the preStop sleep of {seconds} s is longer than the grace of {grace} s: the API server refuses the pod"),
                format!("set terminationGracePeriodSeconds to {seconds} and the time {} needs to stop", container.title()),
            )
        });
    }
}
