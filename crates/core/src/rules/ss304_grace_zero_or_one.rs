//! SS304: a grace that gives nothing the time to stop.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS304"),
    name: "grace-zero-or-one",
    severity: Severity::Warning,
    summary: "A grace of 0 or 1 s gives nothing the time to stop",
    page: "\
## What it does
Finds pods with `terminationGracePeriodSeconds: 0` or `1`.

## Why it hurts
With 0 the pod is gone from the API at once, while its processes get SIGTERM 1.0 s later and SIGKILL 2 s after that
(measured with Kubernetes 1.37): a StatefulSet may start the next pod while the old one still writes. With 1 they have
2 s. A negative number is stored as 1.

## Before
```yaml pod
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 35
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
```

## How softstop changes it
Not at all: nobody writes such a number but on purpose, so it adds neither delay nor hook and does not raise the
grace. An annotation of the pod that asks for a delay, a drain time, a hook or a grace is stronger, and the grace is
raised for it.

## How to opt out
`softstop.dev/mode: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let budget = subject.budget;
    if budget.grace > 1 || subject.containers().next().is_none() {
        return;
    }
    let grace = budget.grace;
    let message = if budget.hands_off {
        format!(
            "a grace of {grace} s leaves no time to stop; taken as meant: softstop adds no delay and does not raise it"
        )
    } else {
        format!("a grace of {grace} s leaves no time to stop")
    };
    findings.push(Finding {
        on_stop: Some("what is not done 2 s after SIGTERM is killed".to_owned()),
        repaired: budget.result > 1,
        ..RULE.about_pod(
            subject.grace_pointer(),
            message,
            "leave terminationGracePeriodSeconds out, or set it to what the programs need to stop"
                .to_owned(),
        )
    });
}
