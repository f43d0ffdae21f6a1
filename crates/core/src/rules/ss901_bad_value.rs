//! SS901: a setting's value is not understood.

use super::{Rule, Subject};
use crate::settings::{IssueKind, Settings};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS901"),
    name: "bad-value",
    severity: Severity::Warning,
    summary: "The value of a softstop annotation or label is not understood",
    page: "\
## What it does
Finds softstop annotations of a pod, and labels and annotations of its namespace, whose value is none that the setting
takes.

## Why it hurts
The setting has no effect, and the next source (namespace, policy, built-in) decides. A pod whose only softstop
annotation has a bad value is not opted in by it.

## Before
```yaml pod
metadata:
  annotations: {softstop.dev/drain-time: two minutes}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/drain-time: 2m}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## How softstop changes it
It does not: what was meant cannot be known. The pod is admitted, and whoever creates it gets a warning.

## How to opt out
Remove the annotation.
",
    check: |subject: &Subject<'_, '_>, findings| of_settings(subject.settings, findings),
};

pub(super) fn of_settings(settings: &Settings<'_>, findings: &mut Vec<Finding>) {
    for issue in &settings.issues {
        if let IssueKind::BadValue(bad) = &issue.kind {
            findings.push(RULE.about_pod(
                issue.pointer.clone(),
                format!(
                    "the value of {} is not understood and has no effect",
                    issue.key
                ),
                format!("write {bad}"),
            ));
        }
    }
}
