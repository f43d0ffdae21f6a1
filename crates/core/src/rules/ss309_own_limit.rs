//! SS309: the program's own limit is shorter than the time that its work had while nobody told it to stop.

use softstop_programs::profile::TimeSource;

use super::{Rule, Subject};
use crate::observe::Observed;
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS309"),
    name: "own-limit",
    severity: Severity::Info,
    summary: "Once the program is told to stop, it gives its work less time than it had behind the shell",
    page: "\
## What it does
Finds programs behind a shell that keeps SIGTERM from them, whose own default limit for a drain is shorter than the
grace: Hypercorn (3 s), Waitress and Foreman (5 s), supervisord (10 s), and those without any drain (Daphne).

## Why it hurts
As long as nobody tells the program to stop, its work goes on until it is killed at the end of the grace. Told at once,
it would cut off what takes longer than its limit (measured: Hypercorn 0.18 cut off requests of 5 s, Waitress 3.0.2
one of 12 s). So the signal has to come late, and each stop takes that long.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [sh, -c, \"hypercorn app:app\"]
    ports: [{containerPort: 8000}]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 35
  containers:
  - name: web
    image: example/web
    command: [sh, -c, \"exec hypercorn app:app\"]
    ports: [{containerPort: 8000}]
    lifecycle: {preStop: {sleep: {seconds: 27}}}
```

## How softstop changes it
It lengthens the delay before the signal, so that delay and limit together are the grace that the pod had. The bounds
of a policy still hold. A limit that is written down (`--graceful-timeout`) is taken at its word.

## How to opt out
`softstop.dev/drain-delay: 5s` where work ends soon: each stop is as quick as the program is. Or tell the program its
limit (`hypercorn --graceful-timeout 30`): then it waits no longer than its work takes.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, share) in subject.signalled() {
        if share.made_up == 0 {
            continue;
        }
        let title = container.title();
        let (had, delay) = (subject.budget.grace, share.delay);
        let message = match &share.drain {
            Some(time) => format!(
                "{title} gives its work {} s once it is told to stop ({}), where it had {had} s: the signal has to wait {delay} s",
                time.seconds, time.says
            ),
            None => format!(
                "{title} drops its work once it is told to stop, where it had {had} s: the signal has to wait {delay} s"
            ),
        };
        let shorter = "set drain-delay (5s is enough for most load balancers) where work ends soon";
        let fix = match flag(container) {
            Some(flag) => format!("{shorter}, or give {title} the time it needs with {flag}"),
            None => shorter.to_owned(),
        };
        findings.push(Finding {
            pointer: container.entry_pointer(),
            span: container.entry_span(),
            repaired: true,
            ..RULE.about(container, "", message, fix)
        });
    }
}

/// The flag that sets the program's limit.
fn flag(container: &Observed<'_>) -> Option<&'static str> {
    let sources = container.profile()?.time.sources;
    sources.iter().find_map(|source| match source {
        TimeSource::Flag(flag, _) => Some(*flag),
        TimeSource::Env(..) | TimeSource::EnvArgs(_) => None,
    })
}
