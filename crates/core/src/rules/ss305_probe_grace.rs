//! SS305: a probe's own grace is shorter than the delay or the drain.

use super::{Rule, Subject};
use crate::budget::Cut;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS305"),
    name: "probe-grace",
    severity: Severity::Warning,
    summary: "A probe's own grace is too short for the drain delay or the drain",
    page: "\
## What it does
Compares `terminationGracePeriodSeconds` of liveness and startup probes with the preStop hook or drain delay and with
the configured drain time.

## Why it hurts
When a liveness or startup probe fails for good, its own grace counts instead of the pod's, and the preStop hook runs
and is taken from it (`core/v1` `Probe`; kubelet `kuberuntime_container.go`; hook on a liveness kill measured with
Kubernetes 1.37). A delay that takes all of it leaves the program 2 s, and raising the pod's grace changes nothing.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    ports: [{containerPort: 8000}]
    livenessProbe: {httpGet: {path: /, port: 8000}, terminationGracePeriodSeconds: 3}
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/app/server]
    ports: [{containerPort: 8000}]
    livenessProbe: {httpGet: {path: /, port: 8000}, terminationGracePeriodSeconds: 30}
```

## How softstop changes it
It adds no delay to a container with such a probe, and leaves the probe as it is.

## How to opt out
`drain-delay.softstop.dev/CONTAINER: \"0\"` if no delay is wanted.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, share) in subject.containers() {
        let Some((seconds, pointer)) = &container.probe_grace else {
            continue;
        };
        let delay = share.wanted.value;
        let configured = share.drain.as_ref().filter(|time| !time.is_default);
        let (message, enough) = if share.cut == Some(Cut::HandsOff) {
            continue;
        } else if share.cut == Some(Cut::ProbeGrace) {
            (
                format!(
                    "the probe's own grace of {seconds} s is no longer than the drain delay of {delay} s, which is not added"
                ),
                delay + share.margin.max(1),
            )
        } else if delay > 0 && *seconds <= delay {
            (
                format!(
                    "the preStop hook of {delay} s takes all of the probe's own grace of {seconds} s"
                ),
                delay + share.margin.max(1),
            )
        } else if let Some(time) = configured.filter(|time| *seconds < time.seconds) {
            (
                format!(
                    "the probe's own grace of {seconds} s is shorter than the drain time of {} s ({})",
                    time.seconds, time.says
                ),
                time.seconds,
            )
        } else {
            continue;
        };
        let title = container.title();
        findings.push(Finding {
            pointer: pointer.clone(),
            on_stop: Some(format!(
                "when the probe fails for good, {title} is killed before it is done"
            )),
            ..RULE.about(
                container,
                "",
                message,
                format!("leave the probe's terminationGracePeriodSeconds out, or set it to {enough} or more"),
            )
        });
    }
}
