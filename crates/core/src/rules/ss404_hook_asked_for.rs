//! SS404: the setting `pre-stop` asks for a hook.

use super::{Rule, Subject};
use crate::{Code, Finding, PreStop, Severity, render};

pub(super) static RULE: Rule = Rule {
    code: Code("SS404"),
    name: "hook-asked-for",
    severity: Severity::Info,
    summary: "The setting pre-stop asks for a hook that the container does not have",
    page: "\
## What it does
Finds containers for which `pre-stop` asks for a hook, and that have none.

## Why it hurts
Programs that listen to no signal, such as Julia with K8sDeputy, are stopped by their hook alone.

## Before
```yaml pod
metadata:
  annotations: {softstop.dev/pre-stop: '[\"/bin/drain\"]'}
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/pre-stop: '[\"/bin/drain\"]'}
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {exec: {command: [/bin/drain]}}}
```

## How softstop changes it
It adds the hook. `GET :port/path` becomes an `httpGet` hook; a port by name has to be a port of the container.

## How to opt out
Remove the annotation.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.containers() {
        let Some(wanted) = container
            .settings
            .pre_stop
            .as_ref()
            .filter(|_| container.slot.is_free())
        else {
            continue;
        };
        let finding = match &wanted.value {
            PreStop::HttpGet { port, .. } if !render::has_port(container.view, port) => Finding {
                severity: Severity::Warning,
                ..RULE.about(
                    container,
                    "",
                    format!("{} asks for a hook on port {port}, and the container has no port of that name", wanted.source),
                    "name a port of the container, or write its number".to_owned(),
                )
            },
            _ => Finding {
                repaired: !subject.budget.hands_off,
                ..RULE.about(
                    container,
                    "",
                    format!("{} asks for a preStop hook that the container does not have", wanted.source),
                    "write the hook into the pod".to_owned(),
                )
            },
        };
        findings.push(finding);
    }
}
