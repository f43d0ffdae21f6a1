//! SS107: nobody can see what the container runs.

use super::{Rule, Subject};
use crate::observe::argv::Origin;
use crate::{Code, Finding, Severity, Verdict};

pub(super) static RULE: Rule = Rule {
    code: Code("SS107"),
    name: "argv-unknown",
    severity: Severity::Info,
    summary: "The entrypoint stands in the image, and no image facts prove it",
    page: "\
## What it does
Finds containers without a `command` for whose image no facts are given, or only facts by tag, which may have moved.

## Why it hurts
Whether the program gets SIGTERM cannot be seen, and so not be repaired by an edit.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/server]
```

## How softstop changes it
Delay and grace apply all the same. With image facts by digest (`--facts-file`) it reads the image's own entrypoint.
Where softstop-init may be brought in, it looks at the processes that really run, as a preStop hook.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        if container.argv.is_proven() {
            continue;
        }
        let message = if container.argv.origin == Origin::Unknown {
            "what runs stands in the image, and no facts of the image are given"
        } else {
            "what runs stands in the image, and its facts are keyed by a tag, which may have moved"
        };
        findings.push(Finding {
            repaired: matches!(decision.verdict, Verdict::Init | Verdict::Hook),
            ..RULE.about(
                container,
                "",
                message.to_owned(),
                "write the command into the pod, or give the image's facts by digest".to_owned(),
            )
        });
    }
}
