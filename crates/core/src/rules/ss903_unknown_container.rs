//! SS903: a setting for a container that the pod does not have.

use super::{Rule, Subject};
use crate::settings::{IssueKind, Settings};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS903"),
    name: "unknown-container",
    severity: Severity::Warning,
    summary: "A softstop annotation is for a container that the pod does not have",
    page: "\
## What it does
Finds annotations `KEY.softstop.dev/CONTAINER` whose CONTAINER is the name of no container of the pod.

## Why it hurts
The setting has no effect. It is often left over after a container was renamed.

## Before
```yaml pod
metadata:
  annotations: {drain-time.softstop.dev/worker: 2m}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## After
```yaml pod
metadata:
  annotations: {drain-time.softstop.dev/job: 2m}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## How softstop changes it
It does not. The pod is admitted, and whoever creates it gets a warning.

## How to opt out
Remove the annotation.
",
    check: |subject: &Subject<'_, '_>, findings| of_settings(subject.settings, findings),
};

pub(super) fn of_settings(settings: &Settings<'_>, findings: &mut Vec<Finding>) {
    for issue in &settings.issues {
        if issue.kind == IssueKind::UnknownContainer {
            findings.push(RULE.about_pod(
                issue.pointer.clone(),
                format!(
                    "{} is for a container that the pod does not have",
                    issue.key
                ),
                "name a container of the pod behind the /".to_owned(),
            ));
        }
    }
}
