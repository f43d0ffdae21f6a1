//! SS306: a policy's bound cuts what is needed.

use super::{Rule, Subject};
use crate::budget::Cut;
use crate::settings::Source;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS306"),
    name: "cut-by-bound",
    severity: Severity::Warning,
    summary: "A bound of the policy makes the delay or the grace shorter than what is needed",
    page: "\
## What it does
Finds pods whose drain delay or grace would be longer, did the policy's `bounds` not stop it.

## Why it hurts
Bounds keep node drains short, and no annotation passes them. What does not fit is cut: the delay first, so that the
program keeps its drain time, and then the drain itself ends with SIGKILL.

## Before
```yaml policy
apiVersion: softstop.dev/v1alpha1
kind: ShutdownPolicy
metadata: {name: short}
spec: {mode: enforce, bounds: {gracePeriod: {max: 60}}}
```
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
  terminationGracePeriodSeconds: 60
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --graceful-timeout, \"55\", app:app]
```

## How softstop changes it
It raises the grace to the bound and gives the delay what is left beside the drain time. A grace above the bound that
is in the pod already stays. Without a policy softstop raises no grace above 30 days.

## How to opt out
Ask for less, or raise the policy's bound.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    let budget = subject.budget;
    let (who, policy) = match subject.settings.policy {
        Some(policy) => (
            format!("policy {}", policy.name),
            format!("policy {}'s", policy.name),
        ),
        None => ("softstop".to_owned(), "the policy's".to_owned()),
    };
    let mut told = false;
    for (container, _, share) in subject.containers() {
        let (wanted, delay) = (share.wanted.value, share.delay);
        let (bound, fix) = match share.cut {
            Some(Cut::DelayBound) => (
                format!("allows a delay of at most {delay} s"),
                format!("raise {policy} bounds.drainDelay.max, or ask for at most {delay} s"),
            ),
            Some(Cut::GraceBound) => {
                told = true;
                (
                    format!(
                        "keeps the grace at {} s: {delay} s of delay are left",
                        budget.result
                    ),
                    format!("raise {policy} bounds.gracePeriod.max, or ask for less"),
                )
            }
            Some(Cut::ProbeGrace | Cut::HandsOff) | None => continue,
        };
        let asked = match share.wanted.source {
            Source::BuiltIn => format!("{wanted} s are wanted"),
            ref source => format!("{wanted} s are asked for by {source}"),
        };
        // Nobody asked for softstop's own default; the policy limits it knowingly.
        let mild = share.cut == Some(Cut::DelayBound) && share.wanted.source == Source::BuiltIn;
        findings.push(Finding {
            severity: if mild { Severity::Info } else { RULE.severity },
            ..RULE.about(container, "", format!("{who} {bound}, {asked}"), fix)
        });
    }
    let needed = budget.need.max(subject.grace_floor());
    if budget.capped && !told {
        findings.push(Finding {
            on_stop: Some(format!(
                "what is not done {} s after the stop began is killed",
                budget.result
            )),
            ..RULE.about_pod(
                subject.grace_pointer(),
                format!(
                    "{who} keeps the grace at {} s, {needed} s are needed",
                    budget.result
                ),
                format!("raise {policy} bounds.gracePeriod.max to {needed}, or ask for less"),
            )
        });
    }
}
