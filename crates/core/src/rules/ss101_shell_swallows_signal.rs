//! SS101: a shell stays PID 1 and swallows SIGTERM.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity, Verdict, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS101"),
    name: "shell-swallows-signal",
    severity: Severity::Error,
    summary: "A shell stays PID 1, ignores SIGTERM, and the program is killed at the end of the grace",
    page: "\
## What it does
Finds containers whose command is a shell with a script that does not end in `exec`, so that the shell stays PID 1
and the program is its child.

## Why it hurts
The kernel does not deliver a signal to PID 1 unless PID 1 has a handler for it, and a shell has none. Kubernetes
sends SIGTERM to PID 1 only. The program never hears of it, goes on taking work, and is killed with SIGKILL after
`terminationGracePeriodSeconds`. Debian's and Ubuntu's `sh` (dash) never replaces itself by the command of `-c`; bash
and busybox do so only for some scripts (measured with dash 0.5.12, bash 5.2, busybox 1.35).

## Before
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [sh, -c, celery -A app worker]
```

## After
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [sh, -c, exec celery -A app worker]
```

## How softstop changes it
It inserts `exec ` before the program where that provably changes nothing but the process tree: the script parses
completely, the program is its last command in every branch, and it is a program, not a builtin or a function. The
rest of the text stays byte for byte. Where that cannot be proven, see SS102.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    // No shell is PID 1 there: SS502 says what happens.
    if subject.pod.shares_pid_namespace() {
        return;
    }
    for (container, decision, _) in subject.signalled() {
        if !story::shell_stays(container)
            || story::traps(container)
            || story::init_before_shell(container)
            || matches!(decision.reason, "hook-drains" | "no-handler")
        {
            continue;
        }
        let title = container.title();
        let fix = if decision.verdict == Verdict::Exec {
            format!("put `exec` before {title}")
        } else {
            format!(
                "make {title} replace the shell: `exec` as the script's last command, or no shell at all"
            )
        };
        let (severity, message) = if story::may_replace_itself(container) {
            let message = format!(
                "bash may stay PID 1 and keep SIGTERM from {title}: that depends on its version and the script"
            );
            (Severity::Warning, message)
        } else {
            (
                RULE.severity,
                format!("a shell stays PID 1 and keeps SIGTERM from {title}"),
            )
        };
        findings.push(Finding {
            severity,
            pointer: container.entry_pointer(),
            span: container.entry_span(),
            on_stop: Some(story::before(container, decision, subject.budget)),
            repaired: decision.reroutes(),
            ..RULE.about(container, "", message, fix)
        });
    }
}
