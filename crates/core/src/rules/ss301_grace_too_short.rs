//! SS301: the grace is shorter than the stop takes.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS301"),
    name: "grace-too-short",
    severity: Severity::Error,
    summary: "The grace does not hold the delay, the program's own drain time, and a margin",
    page: "\
## What it does
Adds up what each container needs to stop: the preStop delay, the drain time (an annotation, a flag such as
`--graceful-timeout 60`, an environment variable, or the program's default), and a margin of 5 s, or 10 s for queue
workers and uWSGI.

## Why it hurts
`terminationGracePeriodSeconds`, 30 by default, counts from the deletion and includes the preStop hook. A program whose
own drain takes longer is killed in the middle of it, although it does everything right.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --graceful-timeout, \"60\", app:app]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 65
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --graceful-timeout, \"60\", app:app]
```

## How softstop changes it
It raises the grace to what is needed, within the policy's bounds; it never lowers it.

## How to opt out
A smaller `softstop.dev/drain-time`, or `entrypoint.softstop.dev/CONTAINER: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let budget = subject.budget;
    if budget.result <= budget.grace && !budget.capped {
        return;
    }
    let largest = subject.containers().max_by_key(|(_, _, share)| share.need);
    let asked = subject
        .settings
        .grace_period
        .as_ref()
        .map(|grace| (u64::from(grace.value), &grace.source));
    let (severity, container, message, on_stop) = match (largest, asked) {
        (Some((container, _, share)), _) if share.need > budget.grace => {
            let title = container.title();
            let Some(drain) = &share.drain else {
                // Only the delay is new: the program keeps the time it had.
                let message = format!(
                    "the grace of {} s leaves no room for a delay of {} s",
                    budget.grace, share.delay
                );
                findings.push(finding(subject, Severity::Info, None, message, None));
                return;
            };
            let severity = if drain.is_default {
                Severity::Warning
            } else {
                Severity::Error
            };
            let delay = if share.delay > 0 {
                format!("{} s delay, ", share.delay)
            } else {
                String::new()
            };
            let message = format!(
                "{title} needs {} s to stop ({delay}{} s drain by {}, {} s margin), the grace is {} s",
                share.need, drain.seconds, drain.says, share.margin, budget.grace
            );
            let on_stop = format!("{title} is killed after {} s, done or not", budget.grace);
            (severity, Some(container.name), message, Some(on_stop))
        }
        (_, Some((seconds, source))) => {
            let message = format!(
                "{source} asks for a grace of {seconds} s, the pod has {} s",
                budget.grace
            );
            (Severity::Info, None, message, None)
        }
        _ => {
            let message = format!(
                "the policy asks for a grace of at least {} s, the pod has {} s",
                budget.result, budget.grace
            );
            (Severity::Info, None, message, None)
        }
    };
    findings.push(finding(subject, severity, container, message, on_stop));
}

fn finding(
    subject: &Subject<'_, '_>,
    severity: Severity,
    container: Option<&str>,
    message: String,
    on_stop: Option<String>,
) -> Finding {
    let budget = subject.budget;
    let written = subject.pod.spec("terminationGracePeriodSeconds").is_some();
    let pointer = if written {
        "/spec/terminationGracePeriodSeconds"
    } else {
        "/spec"
    };
    let fix = format!(
        "set terminationGracePeriodSeconds to {}",
        budget.need.max(budget.result)
    );
    Finding {
        severity,
        container: container.map(str::to_owned),
        on_stop,
        repaired: !budget.capped,
        ..RULE.about_pod(pointer.to_owned(), message, fix)
    }
}
