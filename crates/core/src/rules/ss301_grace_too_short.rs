//! SS301: the grace is shorter than what the containers need to stop.

use super::{Rule, Subject};
use crate::budget::Share;
use crate::observe::Observed;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS301"),
    name: "grace-too-short",
    severity: Severity::Error,
    summary: "The grace is shorter than what a container needs to stop, or than what a setting asks for",
    page: "\
## What it does
Adds up for each container what its stop takes: the preStop hook or drain delay, the drain time (an annotation, the
program's own flag or variable, its default) and a margin. It is an error where a configured drain time does not fit
into `terminationGracePeriodSeconds`, a warning where a default does not or only the margin is missing, and worth
knowing where only an added delay or a setting raises the grace.

## Why it hurts
The preStop hook and the program share one grace: a hook of 2 s and a program that goes on were killed after 6 s in
all with a grace of 6 s (measured with Kubernetes 1.37). At its end comes SIGKILL, and what the program still works on
is lost, however long it was told to wait for it.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --graceful-timeout, \"90\", app:app]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 95
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --graceful-timeout, \"90\", app:app]
```

## How softstop changes it
It raises the grace to what the container that takes longest needs, to `softstop.dev/grace-period` if that is more,
and never above the policy's `bounds.gracePeriod.max`. It never lowers a grace. Where the drain time is not known, the
program keeps the time it had beside an added delay.

## How to opt out
`softstop.dev/drain-time` says how long the program really takes.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let budget = subject.budget;
    let floor = subject.grace_floor();
    let goal = floor.max(budget.need);
    if budget.hands_off || goal <= budget.grace {
        return;
    }
    let longest = subject
        .containers()
        .max_by_key(|(_, _, share)| share.need)
        .filter(|(_, _, share)| share.need >= floor && share.need > budget.grace);
    let message = match longest {
        Some((container, _, share)) => format!(
            "{} needs {} s to stop ({}), the grace is {} s",
            container.name,
            share.need,
            parts(container, share, budget.grace),
            budget.grace
        ),
        None => format!(
            "{} are asked for, the grace is {} s",
            asked(subject, floor),
            budget.grace
        ),
    };
    let severity = subject
        .containers()
        .map(|(container, _, share)| severity(container, share, budget.grace))
        .max()
        .unwrap_or(Severity::Info);
    let on_stop = (severity > Severity::Info).then(|| {
        format!(
            "what is not done {} s after the stop began is killed",
            budget.grace
        )
    });
    findings.push(Finding {
        severity,
        on_stop,
        repaired: budget.result >= goal,
        ..RULE.about_pod(
            subject.grace_pointer(),
            message,
            format!("set terminationGracePeriodSeconds to {goal}"),
        )
    });
}

/// How bad the grace is for this container as the pod is written: a delay that is yet to be added does not count.
fn severity(container: &Observed<'_>, share: &Share, grace: u64) -> Severity {
    let Some(time) = &share.drain else {
        return Severity::Info;
    };
    let drained = container.slot.seconds().saturating_add(time.seconds);
    let fits = drained <= grace;
    let with_margin = drained.saturating_add(share.margin) <= grace;
    match (fits, with_margin, time.is_default) {
        (false, _, false) => Severity::Error,
        (false, _, true) | (true, false, false) => Severity::Warning,
        _ => Severity::Info,
    }
}

/// What the need is made of, in seconds: `delay 5, drain 90 by --graceful-timeout, margin 5`.
fn parts(container: &Observed<'_>, share: &Share, grace: u64) -> String {
    let had = grace.saturating_sub(container.slot.seconds());
    let (rest, text) = match &share.drain {
        Some(time) if !time.is_default || time.seconds + share.margin >= had => (
            time.seconds + share.margin,
            format!(
                "drain {} by {}, margin {}",
                time.seconds, time.says, share.margin
            ),
        ),
        // The program has no drain of its own: it is in the delay.
        None if share.margin > 0 => (share.margin, format!("margin {}", share.margin)),
        _ => (had, format!("the {had} it had")),
    };
    match share.need.saturating_sub(rest) {
        0 => text,
        delay => format!("delay {delay}, {text}"),
    }
}

fn asked(subject: &Subject<'_, '_>, floor: u64) -> String {
    let setting = subject
        .settings
        .grace_period
        .as_ref()
        .filter(|setting| u64::from(setting.value) == floor);
    match (setting, subject.settings.policy) {
        (Some(setting), _) => format!("{floor} s ({})", setting.source),
        (None, Some(policy)) => format!("at least {floor} s (policy {})", policy.name),
        (None, None) => format!("{floor} s"),
    }
}
