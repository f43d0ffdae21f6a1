//! SS907: a setting of the pod, written for one container.

use super::{Rule, Subject};
use crate::settings::{IssueKind, Settings};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS907"),
    name: "not-per-container",
    severity: Severity::Warning,
    summary: "mode and grace-period are settings of the pod, not of one container",
    page: "\
## What it does
Finds `mode.softstop.dev/CONTAINER` and `grace-period.softstop.dev/CONTAINER`.

## Why it hurts
A pod has one grace and is changed as a whole, so these have no effect.

## Before
```yaml pod
metadata:
  annotations: {mode.softstop.dev/job: \"off\"}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## After
```yaml pod
metadata:
  annotations: {entrypoint.softstop.dev/job: \"off\"}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## How softstop changes it
It does not. `entrypoint: \"off\"` leaves one container alone; `drain-time` gives one container its time.

## How to opt out
Remove the annotation.
",
    check: |subject: &Subject<'_, '_>, findings| of_settings(subject.settings, findings),
};

pub(super) fn of_settings(settings: &Settings<'_>, findings: &mut Vec<Finding>) {
    for issue in &settings.issues {
        if issue.kind == IssueKind::NotPerContainer {
            findings.push(RULE.about_pod(
                issue.pointer.clone(),
                format!("{} has no effect: the setting is the pod's", issue.key),
                "use the key softstop.dev/..., or entrypoint.softstop.dev/CONTAINER: \"off\" to leave one container alone".to_owned(),
            ));
        }
    }
}
