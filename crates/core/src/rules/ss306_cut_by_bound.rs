//! SS306: a policy's bound cuts what is needed.

use super::{Rule, Subject};
use crate::budget::Cut;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS306"),
    name: "cut-by-bound",
    severity: Severity::Warning,
    summary: "A policy's bound cuts the delay or the grace below what is needed",
    page: "\
## What it does
Says where a bound of the policy (`bounds.gracePeriod.max`, `bounds.drainDelay.max`) wins over what the pod needs.

## Why it hurts
The program is killed before it is done, or clients still connect when it stops.

## Before
```yaml policy
apiVersion: softstop.dev/v1alpha1
kind: ShutdownPolicy
metadata: {name: all}
spec: {mode: enforce, bounds: {gracePeriod: {max: 60}}}
```
```yaml pod
metadata:
  annotations: {softstop.dev/drain-time: 5m}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/drain-time: 30s}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## How softstop changes it
It keeps to the bounds: first the delay is cut, then the drain time.

## How to opt out
Ask whoever owns the policy for a larger bound.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let budget = subject.budget;
    let policy = subject
        .settings
        .policy
        .map_or("none", |policy| policy.name.as_str());
    for (container, _, share) in subject.containers() {
        let bound = match share.cut {
            Some(Cut::DelayBound) => "drainDelay.max",
            Some(Cut::GraceBound) => "gracePeriod.max",
            Some(Cut::ProbeGrace | Cut::HandsOff) | None => continue,
        };
        findings.push(RULE.about(
            container,
            "",
            format!(
                "the drain delay of {} s is cut to {} s by {bound} of policy {policy}",
                share.wanted.value, share.delay
            ),
            format!("raise {bound} of policy {policy}, or ask for less"),
        ));
    }
    if budget.capped {
        findings.push(Finding {
            on_stop: Some(format!(
                "what is not done after {} s is killed",
                budget.result
            )),
            ..RULE.about_pod(
                "/spec".to_owned(),
                format!(
                    "{} s of grace are needed, policy {policy} allows {} s",
                    budget.need, budget.result
                ),
                format!("raise gracePeriod.max of policy {policy}, or ask for less"),
            )
        });
    }
}
