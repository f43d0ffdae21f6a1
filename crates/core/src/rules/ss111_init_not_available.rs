//! SS111: softstop-init would be the answer, and is not brought in.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity, Verdict};

pub(super) static RULE: Rule = Rule {
    code: Code("SS111"),
    name: "init-not-available",
    severity: Severity::Info,
    summary: "softstop-init would drain this container, but it may not or cannot be brought in",
    page: "\
## What it does
Says where softstop-init, as PID 1 or as the preStop hook, would be the answer, and why it is not brought in: the
installation does not inject it, the setting says `exec`, or the pod leaves no place for it.

## Why it hurts
The container's entrypoint is left as it is; see the findings beside this one for what that means.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [bash, -c, gunicorn app:app | tee /var/log/app.log]
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [bash, -c, exec gunicorn app:app > /var/log/app.log]
```

## How softstop changes it
With `--init-image`, and the setting `entrypoint` at `auto`, it brings softstop-init in.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let what = match decision.wanted {
            Some(Verdict::Hook) => "as the preStop hook",
            Some(_) => "as PID 1",
            None => continue,
        };
        // A forced value has its own finding.
        if decision.verdict == Verdict::Leave && decision.reason != "forced" {
            findings.push(
                RULE.about(
                    container,
                    "",
                    format!(
                        "softstop-init {what} would drain {}: {}",
                        container.title(),
                        decision.why
                    ),
                    "let softstop-init in (--init-image, entrypoint: auto), or change what runs"
                        .to_owned(),
                ),
            );
        }
    }
}
