//! SS102: `exec` cannot be inserted with proof.

use super::{Rule, Subject};
use crate::observe::runs::Runs;
use crate::shell::Outcome;
use crate::{Code, Finding, Severity, Verdict};

pub(super) static RULE: Rule = Rule {
    code: Code("SS102"),
    name: "exec-not-provable",
    severity: Severity::Warning,
    summary: "A script has a construct with which exec might change more than the process tree",
    page: "\
## What it does
Names the construct of a script because of which softstop does not insert `exec`: a pipeline, a background job, a
command after the program, text that shells read differently, or a script that cannot be read at all.

## Why it hurts
The shell stays PID 1 (SS101), and an edit would be a guess.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [bash, -c, gunicorn app:app | tee /var/log/app.log]
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [bash, -c, exec gunicorn app:app > /var/log/app.log]
```

## How softstop changes it
It leaves the text alone and says what is in the way and the shortest way out. Where softstop-init may be brought in,
that drains the programs behind the shell instead.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let (arg, span, explain, fix) = match &container.runs {
            Runs::Script(script) if script.reading.replaced => continue,
            Runs::Script(script) => match &script.reading.outcome {
                Outcome::Refused(refusal) => {
                    let arg = container.argv.args.get(script.arg);
                    let expanded = arg.and_then(|arg| arg.expanded.as_ref());
                    let span = expanded.map(|expanded| expanded.raw(refusal.at.clone()));
                    (
                        script.arg,
                        span,
                        refusal.reason.explain(),
                        refusal.reason.way_out(),
                    )
                }
                _ => continue,
            },
            Runs::Opaque { arg, why, .. } => {
                let hidden = container
                    .argv
                    .args
                    .get(*arg)
                    .and_then(|arg| arg.expanded.as_ref()?.unreadable.clone());
                (
                    *arg,
                    hidden.map(|(_, range)| range),
                    why.explain(),
                    why.way_out(),
                )
            }
            _ => continue,
        };
        if matches!(decision.reason, "hook-drains" | "no-script") {
            continue;
        }
        let place = container
            .argv
            .args
            .get(arg)
            .and_then(|arg| arg.place.pointer());
        findings.push(Finding {
            span: span.filter(|_| place.is_some()),
            repaired: matches!(decision.verdict, Verdict::Init | Verdict::Hook),
            ..RULE.about(
                container,
                &place.unwrap_or_default(),
                format!("exec cannot be inserted with proof: {explain}"),
                fix.to_owned(),
            )
        });
    }
}
