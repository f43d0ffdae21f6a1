//! SS308: nobody can see how long the preStop hook takes.

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS308"),
    name: "prestop-time-unknown",
    severity: Severity::Info,
    summary: "How long the preStop hook takes cannot be seen, and is counted as nothing",
    page: "\
## What it does
Finds preStop hooks other than a plain sleep.

## Why it hurts
The hook's time is a part of the grace. softstop cannot see it and counts 0, so the grace may be too short by it.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {exec: {command: [/bin/drain]}}}
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
It does not. `softstop.dev/drain-time` may include the hook's time.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.containers() {
        if container.slot == Slot::Opaque {
            findings.push(RULE.about(
                container,
                "/lifecycle/preStop",
                "how long the preStop hook takes cannot be seen: it is counted as 0 s of the grace".to_owned(),
                "add its time to softstop.dev/drain-time".to_owned(),
            ));
        }
    }
}
