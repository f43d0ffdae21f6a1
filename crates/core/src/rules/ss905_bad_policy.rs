//! SS905: a policy contradicts itself.

use super::{Rule, Subject};
use crate::settings::Settings;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS905"),
    name: "bad-policy",
    severity: Severity::Warning,
    summary: "The policy that speaks for the pod asks for more than its own bounds allow",
    page: "\
## What it does
Looks at the policy that speaks for the pod: does it ask for a grace, a delay or a drain time beyond its own bounds?

## Why it hurts
The bounds win, so the delay is cut or the program is killed before it is done, in every pod of the policy.

## Before
```yaml policy
apiVersion: softstop.dev/v1alpha1
kind: ShutdownPolicy
metadata: {name: all}
spec: {mode: enforce, drainTime: 5m, bounds: {gracePeriod: {max: 60}}}
```
```yaml pod
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/mode: \"off\"}
spec:
  containers:
  - name: job
    image: example/job
    command: [celery, -A, app, worker]
```

## How softstop changes it
It keeps to the bounds, and says so in every pod that it plans by this policy. Mend the policy: a larger bound, or
less asked for.

## How to opt out
`softstop.dev/mode: \"off\"` on the pod, where the policy does not lock the mode.
",
    check: |subject: &Subject<'_, '_>, findings| of_settings(subject.settings, findings),
};

fn of_settings(settings: &Settings<'_>, findings: &mut Vec<Finding>) {
    let Some(policy) = settings.policy else {
        return;
    };
    if let Some(contradiction) = policy.contradiction() {
        findings.push(RULE.about_pod(
            String::new(),
            format!("policy {} contradicts itself: {contradiction}", policy.name),
            "raise the bound, or ask for less".to_owned(),
        ));
    }
}
