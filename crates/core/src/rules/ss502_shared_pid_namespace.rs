//! SS502: a shell in a shared PID namespace.

use super::{Rule, Subject};
use crate::decide::Drains;
use crate::{Code, Finding, Severity, Verdict, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS502"),
    name: "shared-pid-namespace",
    severity: Severity::Warning,
    summary: "With a shared PID namespace the shell is not PID 1: SIGTERM kills it at once",
    page: "\
## What it does
Finds shells that stay in front of their program, in pods with `shareProcessNamespace` or `hostPID`.

## Why it hurts
PID 1 is the pause process or the host's init there. A shell that is not PID 1 dies of SIGTERM at once, the container is
over, and the program is killed with it.

## Before
```yaml pod
spec:
  shareProcessNamespace: true
  containers:
  - name: worker
    image: example/worker
    command: [sh, -c, celery -A app worker]
```

## After
```yaml pod
spec:
  shareProcessNamespace: true
  containers:
  - name: worker
    image: example/worker
    command: [sh, -c, exec celery -A app worker]
```

## How softstop changes it
It inserts `exec ` where that is provable. It adds no drain hook there: PID 1 is not the container's.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    if !subject.pod.shares_pid_namespace() {
        return;
    }
    for (container, decision, _) in subject.containers() {
        // Where the program only idles, nothing is lost; and bash may have replaced itself.
        if story::shell_stays(container)
            && !story::traps(container)
            && !story::may_replace_itself(container)
            && decision.drains != Drains::NoHandler
        {
            let title = container.title();
            findings.push(Finding {
                pointer: container.entry_pointer(),
                on_stop: Some(format!("the shell dies at once, and {title} is killed with its container")),
                repaired: matches!(decision.verdict, Verdict::Exec | Verdict::Init),
                ..RULE.about(
                    container,
                    "",
                    "the PID namespace is shared, so the shell is not PID 1 and dies of SIGTERM at once".to_owned(),
                    format!("put `exec` before {title}"),
                )
            });
        }
    }
}
