//! SS307: a delay for a worker that nobody connects to.

use softstop_programs::profile::Role;

use super::{Rule, Subject};
use crate::observe::pre_stop::Slot;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS307"),
    name: "delay-wastes-worker-time",
    severity: Severity::Info,
    summary: "A queue worker that serves nobody is delayed before it is told to stop",
    page: "\
## What it does
Finds queue workers (Celery, RQ, Dramatiq, Huey, Sidekiq) that nobody connects to and that have a preStop sleep.

## Why it hurts
During the delay the worker takes new tasks, and the delay is taken from the time it has to finish them.

## Before
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [celery, -A, app, worker]
    lifecycle: {preStop: {sleep: {seconds: 10}}}
```

## After
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [celery, -A, app, worker]
```

## How softstop changes it
It adds no delay to a container that does not serve, and leaves one that is there.

## How to opt out
Give the worker a readiness probe or a port, if something does connect to it.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, share) in subject.containers() {
        let is_worker = container
            .profile()
            .is_some_and(|profile| profile.role == Role::Worker);
        let sleeps = matches!(
            container.slot,
            Slot::Free | Slot::Sleep(_) | Slot::ExecSleep(_)
        );
        if is_worker && !container.serves && sleeps && share.delay > 0 {
            let place = if container.slot.is_free() {
                ""
            } else {
                "/lifecycle/preStop"
            };
            findings.push(RULE.about(
                container,
                place,
                format!(
                    "{} takes new tasks for {} s before it is told to stop",
                    container.title(),
                    share.delay
                ),
                "remove the delay".to_owned(),
            ));
        }
    }
}
