//! SS401: a container that serves is told to stop while clients still connect.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS401"),
    name: "serves-without-delay",
    severity: Severity::Warning,
    summary: "A container that serves gets SIGTERM while clients still connect to it",
    page: "\
## What it does
Finds containers that clients connect to (a network readiness probe, or a port that is not for metrics or the like)
and that have no preStop hook.

## Why it hurts
SIGTERM and the removal of the pod from the Service start at the same time, and the removal takes a while to reach
every node and load balancer. A server that closes its listener on SIGTERM refuses the connections that still come:
nearly all of those of that time were lost in every server measured, and none with a preStop sleep that is longer.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
    ports: [{containerPort: 8000}]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 40
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
    ports: [{containerPort: 8000}]
    lifecycle: {preStop: {sleep: {seconds: 5}}}
```

## How softstop changes it
It adds a native `preStop` sleep of 5 s, or what `softstop.dev/drain-delay` says, and raises the grace by as much, so
that the program keeps the time it had. The native action runs in the kubelet and needs nothing in the image
(KEP-3960, stable since Kubernetes 1.34).

## How to opt out
`softstop.dev/drain-delay: \"0\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, share) in subject.containers() {
        let declined = container
            .settings
            .drain_delay
            .as_ref()
            .is_some_and(|delay| delay.value == 0);
        if !container.serves || !container.slot.is_free() || declined || subject.pod.is_job() {
            continue;
        }
        let title = container.title();
        findings.push(Finding {
            on_stop: Some(format!("{title} gets SIGTERM while the Service still sends it new connections, and refuses them")),
            repaired: share.delay > 0
 || (container.settings.pre_stop.is_some() && !subject.budget.hands_off),
            ..RULE.about(
                container,
                "",
                format!("{title} serves, but is told to stop while clients still connect"),
                "add `lifecycle.preStop.sleep.seconds: 5` and 5 s more terminationGracePeriodSeconds".to_owned(),
            )
        });
    }
}
