//! SS307: a worker that nobody connects to waits before it is told to stop.

use softstop_programs::profile::Role;

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, Setting, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS307"),
    name: "delay-wastes-worker-time",
    severity: Severity::Info,
    summary: "A queue worker waits in a delay that only serves clients, and takes on more work meanwhile",
    page: "\
## What it does
Finds queue workers (Celery and the like) that no client connects to, with a preStop sleep or a drain delay.

## Why it hurts
A delay gives load balancers the time to forget a pod. A worker fetches its work itself: until SIGTERM comes it takes
on more of it, and where nobody raises the grace the delay is missing at the end: hook and drain share it.

## Before
```yaml pod
spec:
  terminationGracePeriodSeconds: 600
  containers:
  - name: worker
    image: example/worker
    command: [celery, -A, app, worker]
    lifecycle: {preStop: {sleep: {seconds: 15}}}
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 600
  containers:
  - name: worker
    image: example/worker
    command: [celery, -A, app, worker]
```

## How softstop changes it
Not at all: it adds no delay to a worker unless a setting says so, and removes no hook.

## How to opt out
`runtime.softstop.dev/CONTAINER: none`: no program is recognised then.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.containers() {
        let worker = container
            .profile()
            .is_some_and(|profile| profile.role == Role::Worker);
        // What cannot drain needs the delay to finish in.
        if !worker || container.serves || decision.drain_in_delay {
            continue;
        }
        let title = container.title();
        let asked = container
            .settings
            .drain_delay
            .as_ref()
            .filter(|delay| delay.value > 0 && container.settings.pre_stop.is_none());
        let (pointer, seconds, fix) = match (container.slot, asked) {
            (Slot::Sleep(seconds) | Slot::ExecSleep(seconds), _) if seconds > 0 => (
                format!("{}/lifecycle/preStop", container.pointer),
                seconds,
                "remove the preStop sleep".to_owned(),
            ),
            (Slot::Free, Some(delay)) => (
                container
                    .annotation(&delay.source, Setting::DrainDelay)
                    .unwrap_or_else(|| container.pointer.clone()),
                u64::from(delay.value),
                format!(
                    "set drain-delay to 0 for this container ({} asks for it)",
                    delay.source
                ),
            ),
            _ => continue,
        };
        findings.push(Finding {
            pointer,
            on_stop: Some(format!(
                "{title} takes on more work for {seconds} s before it is told to stop"
            )),
            ..RULE.about(
                container,
                "",
                format!("nobody connects to {title}: a delay of {seconds} s only lets it take on more work"),
                fix,
            )
        });
    }
}
