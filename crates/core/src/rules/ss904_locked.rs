//! SS904: an annotation sets what a policy has locked.

use super::{Rule, Subject};
use crate::settings::{IssueKind, Settings};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS904"),
    name: "locked",
    severity: Severity::Warning,
    summary: "An annotation sets what the cluster's policy has locked",
    page: "\
## What it does
Finds annotations that set what the policy which speaks for the pod lists under `locked`.

## Why it hurts
The annotation has no effect: the policy decides.

## Before
```yaml policy
apiVersion: softstop.dev/v1alpha1
kind: ShutdownPolicy
metadata: {name: all}
spec: {mode: enforce, locked: [drainTime], drainTime: 1m}
```
```yaml pod
metadata:
  annotations: {softstop.dev/drain-time: 2m}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## After
```yaml pod
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## How softstop changes it
It does not. The pod is admitted by the policy's word, and whoever creates it gets a warning that names the policy.

## How to opt out
Remove the annotation, or ask whoever owns the policy.
",
    check: |subject: &Subject<'_, '_>, findings| of_settings(subject.settings, findings),
};

pub(super) fn of_settings(settings: &Settings<'_>, findings: &mut Vec<Finding>) {
    for issue in &settings.issues {
        if let IssueKind::Locked(policy) = &issue.kind {
            findings.push(RULE.about_pod(
                issue.pointer.clone(),
                format!("{} has no effect: policy {policy} has locked it", issue.key),
                format!("remove it, or ask whoever owns policy {policy}"),
            ));
        }
    }
}
