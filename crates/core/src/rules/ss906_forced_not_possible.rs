//! SS906: a forced entrypoint whose preconditions do not hold.

use super::{Rule, Subject};
use crate::{Code, Entrypoint, Finding, Severity, Verdict};

pub(super) static RULE: Rule = Rule {
    code: Code("SS906"),
    name: "forced-not-possible",
    severity: Severity::Warning,
    summary: "The setting entrypoint forces what is not possible for this container",
    page: "\
## What it does
Finds containers for which `entrypoint` is `init` or `hook`, where softstop-init cannot be brought in: the installation
does not inject it, the command is not known, the preStop slot is taken, or the pod shares its PID namespace.

## Why it hurts
The container's entrypoint is left as it is, which is not what was asked for.

## Before
```yaml pod
metadata:
  annotations: {softstop.dev/entrypoint: init}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/entrypoint: auto}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## How softstop changes it
It leaves the entrypoint alone and says which precondition does not hold. Delay and grace apply all the same.

## How to opt out
`softstop.dev/entrypoint: auto`, or remove the annotation.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.containers() {
        let forced = match container.settings.entrypoint.value {
            Entrypoint::Init => "init",
            Entrypoint::Hook => "hook",
            Entrypoint::Auto | Entrypoint::Exec | Entrypoint::Off => continue,
        };
        if decision.verdict == Verdict::Leave && decision.wanted.is_some() {
            findings.push(RULE.about(
                container,
                "",
                format!(
                    "entrypoint: {forced} is not possible here: {}",
                    decision.why
                ),
                "use entrypoint: auto, or remove what stands in the way".to_owned(),
            ));
        }
    }
}
