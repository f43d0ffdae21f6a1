//! SS308: nobody can see how long a preStop hook takes.

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS308"),
    name: "prestop-time-unknown",
    severity: Severity::Info,
    summary: "How long the preStop hook takes cannot be seen, and it is counted as 0 s",
    page: "\
## What it does
Finds preStop hooks that do more than sleep: scripts, programs, HTTP calls.

## Why it hurts
The hook's time is taken from the grace, and SIGTERM comes when the hook has ended. A hook of 60 s with a grace of 5 s
ran into SIGTERM at 5.0 s and SIGKILL at 7.0 s (measured with Kubernetes 1.37). softstop cannot see how long such a
hook takes, so the grace it works out has no room for it.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {exec: {command: [sh, -c, sleep 10; true]}}}
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {sleep: {seconds: 10}}}
```

## How softstop changes it
Not at all: the hook is the user's. `softstop.dev/drain-time` can say how long hook and program take together.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<crate::Finding>) {
    for (container, _, _) in subject.containers() {
        if container.slot == Slot::Opaque {
            findings.push(RULE.about(
                container,
                "/lifecycle/preStop",
                "how long the preStop hook takes cannot be seen; it is counted as 0 s".to_owned(),
                "if it takes long, put its time into the annotation drain-time".to_owned(),
            ));
        }
    }
}
