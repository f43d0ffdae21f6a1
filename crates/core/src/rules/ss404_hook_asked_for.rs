//! SS404: a setting asks for a preStop hook that the container does not have.

use super::{Rule, Subject};
use crate::settings::Sourced;
use crate::{Code, Finding, PreStop, Setting, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS404"),
    name: "hook-asked-for",
    severity: Severity::Info,
    summary: "A setting asks for a preStop hook that the container does not have",
    page: "\
## What it does
Finds containers without a preStop hook for which `softstop.dev/pre-stop` or a policy's `preStop` asks for one. It is
a warning where the hook is a `GET` of a named port that the container does not have.

## Why it hurts
Without the hook the program is not told what the user wants it to be told. A hook that names a port which is not
there is accepted by the API server and then fails on every stop.

## Before
```yaml pod
metadata:
  annotations: {softstop.dev/pre-stop: 'GET :8080/drain'}
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/pre-stop: 'GET :8080/drain'}
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {httpGet: {path: /drain, port: 8080, scheme: HTTP}}}
```

## How softstop changes it
It adds the hook where the preStop slot is free. A `GET` of a named port that the container does not have is not
added, and the drain delay is what it would be without the setting.

## How to opt out
Remove the annotation, or set `entrypoint.softstop.dev/CONTAINER: \"off\"` for one container where a policy asks.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.containers() {
        let place = |hook: &Sourced<PreStop>| {
            container
                .annotation(&hook.source, Setting::PreStop)
                .unwrap_or_else(|| container.pointer.clone())
        };
        if let Some(hook) = &container.unusable_hook {
            let PreStop::HttpGet { port, .. } = &hook.value else {
                continue;
            };
            findings.push(Finding {
                severity: Severity::Warning,
                pointer: place(hook),
                ..RULE.about(
                    container,
                    "",
                    format!(
                        "pre-stop ({}) names the port {port}, which the container does not have: the hook is not added",
                        hook.source
                    ),
                    format!("name a port of the container {}, or use its number", container.name),
                )
            });
        } else if let Some(hook) = &container.settings.pre_stop
            && container.slot.is_free()
            && !subject.budget.hands_off
        {
            findings.push(Finding {
                pointer: place(hook),
                repaired: true,
                ..RULE.about(
                    container,
                    "",
                    format!(
                        "pre-stop ({}) asks for a preStop hook, and there is none",
                        hook.source
                    ),
                    "add the hook to lifecycle.preStop".to_owned(),
                )
            });
        }
    }
}
