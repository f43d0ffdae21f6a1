//! SS402: a preStop hook runs a `sleep` program where Kubernetes can sleep itself.

use softstop_programs::base_name;

use super::{Rule, Subject};
use crate::observe::INIT;
use crate::observe::pre_stop::Slot;
use crate::{Code, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS402"),
    name: "exec-sleep",
    severity: Severity::Info,
    summary: "A preStop hook runs a sleep program where the native sleep action would do",
    page: "\
## What it does
Finds preStop hooks of kind `exec` that only run `sleep`, by a shell or without one.

## Why it hurts
It needs a `sleep` program in the image, and a shell if there is one in the command: an image that loses them loses
its delay. A hook whose program is missing fails at once (event `FailedPreStopHook`), and SIGTERM came within 0.1 s of
the deletion (measured with Kubernetes 1.37). The native action runs in the kubelet and needs nothing in the image
(KEP-3960, stable since Kubernetes 1.34).

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {exec: {command: [sh, -c, sleep 10]}}}
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    lifecycle: {preStop: {sleep: {seconds: 10}}}
```

## How softstop changes it
Not at all: the hook is the user's, and its time is counted.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<crate::Finding>) {
    for (container, _, _) in subject.containers() {
        let Slot::ExecSleep(seconds) = container.slot else {
            continue;
        };
        let program = container
            .view
            .pre_stop()
            .and_then(|hook| hook.pointer("/exec/command/0")?.as_str());
        // softstop-init brings its own sleep.
        if program.is_some_and(|program| base_name(program) == INIT) {
            continue;
        }
        findings.push(RULE.about(
            container,
            "/lifecycle/preStop/exec/command",
            format!(
                "the preStop hook runs a sleep program for {seconds} s, which the image must have"
            ),
            format!(
                "use `lifecycle.preStop.sleep.seconds: {seconds}`, which needs nothing in the image"
            ),
        ));
    }
}
