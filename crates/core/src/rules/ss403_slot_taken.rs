//! SS403: a hook or delay is asked for, and the container has a preStop hook of its own.

use serde_json::Value;

use super::{Rule, Subject};
use crate::observe::Observed;
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, PreStop, Setting, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS403"),
    name: "slot-taken",
    severity: Severity::Warning,
    summary: "A hook or a drain delay is asked for, but the container has another preStop hook",
    page: "\
## What it does
Finds containers with a preStop hook of their own for which a setting asks for another hook, or an annotation of the
pod for another delay.

## Why it hurts
A container has one preStop hook, and softstop does not replace what the user wrote: the setting has no effect.

## Before
```yaml pod
metadata:
  annotations: {softstop.dev/drain-delay: 20s}
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {sleep: {seconds: 5}}}
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {sleep: {seconds: 20}}}
```

## How softstop changes it
Not at all. A hook that already does what is asked for gives no finding.

## How to opt out
Remove the annotation, or the hook.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    // More than the policy allows nobody gets.
    let most = subject.settings.bounds.drain_delay_max.unwrap_or(u32::MAX);
    for (container, _, _) in subject.containers() {
        let Some(hook) = container.view.pre_stop() else {
            continue;
        };
        // softstop's own hook carries the delay.
        let ours = matches!(container.slot, Slot::Own(_));
        let settings = &container.settings;
        let asked = if let Some(wanted) = &settings.pre_stop {
            (!is(hook, &wanted.value)).then_some((&wanted.source, Setting::PreStop))
        } else {
            settings
                .drain_delay
                .as_ref()
                .filter(|delay| delay.source.is_own())
                .filter(|delay| !delays(container, u64::from(delay.value.min(most))))
                .map(|delay| (&delay.source, Setting::DrainDelay))
        };
        let Some((source, setting)) = asked.filter(|_| !ours) else {
            continue;
        };
        let key = setting.key();
        let place = container.annotation(source, setting);
        findings.push(Finding {
            pointer: place.unwrap_or_else(|| format!("{}/lifecycle/preStop", container.pointer)),
            ..RULE.about(
                container,
                "",
                format!("{key} ({source}) has no effect: the container has another preStop hook"),
                format!("remove the container's preStop hook, or the setting {key}"),
            )
        });
    }
}

/// The hook is the one that is asked for; a field the API server would set by default may be there or not.
fn is(hook: &Value, wanted: &PreStop) -> bool {
    match wanted {
        PreStop::Exec(argv) => hook
            .pointer("/exec/command")
            .and_then(Value::as_array)
            .is_some_and(|words| {
                words
                    .iter()
                    .map(Value::as_str)
                    .eq(argv.iter().map(|w| Some(w.as_str())))
            }),
        PreStop::HttpGet { port, path } => hook.get("httpGet").is_some_and(|get| {
            let text = |field| get.get(field).and_then(Value::as_str);
            let same_port = match get.get("port") {
                Some(Value::Number(number)) => number.to_string() == *port,
                Some(Value::String(name)) => name == port,
                _ => false,
            };
            same_port
                && text("path").unwrap_or("/") == path
                && text("scheme").unwrap_or("HTTP") == "HTTP"
                && text("host").is_none_or(str::is_empty)
        }),
    }
}

/// The hook is a sleep of so many seconds or more; none at all may be asked for where nobody can see how long it takes.
fn delays(container: &Observed<'_>, seconds: u64) -> bool {
    match container.slot {
        Slot::Free => true,
        Slot::Sleep(taken) | Slot::ExecSleep(taken) | Slot::Own(taken) => taken >= seconds,
        Slot::Opaque => seconds == 0,
    }
}
