//! SS305: a probe's own grace.

use super::{Rule, Subject};
use crate::budget::Cut;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS305"),
    name: "probe-grace",
    severity: Severity::Warning,
    summary: "A probe has a grace of its own that does not cover the delay or the drain",
    page: "\
## What it does
Finds liveness and startup probes with a `terminationGracePeriodSeconds` of their own that is not longer than the drain
delay, or shorter than a known drain time.

## Why it hurts
When such a probe fails, the kubelet uses the probe's grace instead of the pod's (KEP-2238), and the preStop hook takes
its part of it: nothing is left for the program.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    ports: [{containerPort: 8000}]
    livenessProbe: {terminationGracePeriodSeconds: 3, tcpSocket: {port: 8000}}
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    ports: [{containerPort: 8000}]
    livenessProbe: {tcpSocket: {port: 8000}}
```

## How softstop changes it
It adds no delay there: a liveness kill would spend all of its grace on it.

## How to opt out
`softstop.dev/drain-delay: \"0\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, share) in subject.containers() {
        let Some((grace, pointer)) = &container.probe_grace else {
            continue;
        };
        let drain = share.drain.as_ref().map(|drain| drain.seconds);
        let message = if share.cut == Some(Cut::ProbeGrace) {
            format!(
                "the probe's own grace of {grace} s does not hold the drain delay of {} s, so none is added",
                share.wanted.value
            )
        } else if let Some(seconds) = drain.filter(|seconds| seconds > grace) {
            format!(
                "the probe's own grace of {grace} s is shorter than the drain time of {seconds} s"
            )
        } else {
            continue;
        };
        findings.push(Finding {
            pointer: pointer.clone(),
            ..RULE.about(
                container,
                "",
                message,
                "remove the probe's terminationGracePeriodSeconds, or raise it".to_owned(),
            )
        });
    }
}
