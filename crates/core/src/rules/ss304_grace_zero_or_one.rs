//! SS304: a grace of 0 or 1.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS304"),
    name: "grace-zero-or-one",
    severity: Severity::Warning,
    summary: "A grace of 0 or 1 kills the pod at once",
    page: "\
## What it does
Finds pods whose `terminationGracePeriodSeconds` is 0 or 1.

## Why it hurts
With 0 the pod's object is gone at once, and its containers are killed; with 1 a program has 2 s in all. Some operators
want just that.

## Before
```yaml pod
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
    ports: [{containerPort: 8000}]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 40
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
    ports: [{containerPort: 8000}]
    lifecycle: {preStop: {sleep: {seconds: 5}}}
```

## How softstop changes it
It does not: a grace of 0 or 1 was written on purpose, so neither the grace nor a preStop hook is added, unless an
annotation of the pod itself asks (`softstop.dev/drain-delay`, `drain-time`, `grace-period`, `pre-stop`).

## How to opt out
`softstop.dev/mode: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let budget = subject.budget;
    if budget.hands_off && subject.containers().next().is_some() {
        findings.push(Finding {
            on_stop: Some("every program is killed within 2 s".to_owned()),
            ..RULE.about_pod(
                "/spec/terminationGracePeriodSeconds".to_owned(),
                format!(
                    "a grace of {} s leaves no time to stop, and is left as it was written",
                    budget.grace
                ),
                "remove it (30 s is the default), or ask by an annotation of the pod".to_owned(),
            )
        });
    }
}
