//! SS403: a setting loses against the preStop hook that is there.

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, Severity, render};

pub(super) static RULE: Rule = Rule {
    code: Code("SS403"),
    name: "slot-taken",
    severity: Severity::Warning,
    summary: "An annotation asks for a preStop hook or a delay where the container has a hook of its own",
    page: "\
## What it does
Finds the settings `pre-stop` and `drain-delay`, asked for by an annotation of the pod, on containers that have another
preStop hook already.

## Why it hurts
A container has one preStop hook, and its own always wins: the annotation has no effect.

## Before
```yaml pod
metadata:
  annotations: {softstop.dev/drain-delay: 10s}
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {exec: {command: [/bin/drain]}}}
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/drain-time: 10s}
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    lifecycle: {preStop: {exec: {command: [/bin/drain]}}}
```

## How softstop changes it
It does not touch a hook that is there.

## How to opt out
Remove the annotation or the hook.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.containers() {
        let Some(hook) = container.view.pre_stop() else {
            continue;
        };
        let settings = &container.settings;
        let wanted = settings
            .pre_stop
            .as_ref()
            .filter(|wanted| wanted.source.is_own());
        let delay = settings
            .drain_delay
            .as_ref()
            .filter(|delay| delay.source.is_own());
        let loser = match (wanted, delay) {
            (Some(wanted), _) if !render::is_handler(&wanted.value, hook) => "pre-stop",
            (None, Some(delay)) if !sleeps(container.slot, u64::from(delay.value)) => "drain-delay",
            _ => continue,
        };
        findings.push(RULE.about(
            container,
            "/lifecycle/preStop",
            format!("the container's own preStop hook wins: the setting {loser} has no effect"),
            format!("remove the hook, or the setting {loser}"),
        ));
    }
}

/// The hook that is there waits as long as the setting asks: softstop's own work, or as good.
fn sleeps(slot: Slot, seconds: u64) -> bool {
    matches!(slot, Slot::Sleep(_) | Slot::ExecSleep(_) | Slot::Own(_)) && slot.seconds() >= seconds
}
