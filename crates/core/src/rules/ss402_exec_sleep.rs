//! SS402: a preStop hook that starts a program only to sleep.

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS402"),
    name: "exec-sleep",
    severity: Severity::Info,
    summary: "A preStop hook runs a sleep program, where the kubelet could sleep by itself",
    page: "\
## What it does
Finds exec hooks that only sleep.

## Why it hurts
The hook needs a `sleep` program in the image: in an image without one it fails, and SIGTERM comes at once. The native
`sleep` action needs nothing in the image (KEP-3960, on since Kubernetes 1.30).

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {exec: {command: [sleep, \"5\"]}}}
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {sleep: {seconds: 5}}}
```

## How softstop changes it
It does not touch a hook that is there.

## How to opt out
Nothing is changed: `softstop check --ignore SS402` leaves the finding out.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.containers() {
        if let Slot::ExecSleep(seconds) = container.slot {
            findings.push(RULE.about(
                container,
                "/lifecycle/preStop",
                format!("the preStop hook needs a program in the image to sleep {seconds} s"),
                format!("write preStop: {{sleep: {{seconds: {seconds}}}}}"),
            ));
        }
    }
}
