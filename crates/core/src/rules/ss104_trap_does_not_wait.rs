//! SS104: a trap that passes SIGTERM on and does not wait.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity, Verdict, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS104"),
    name: "trap-does-not-wait",
    severity: Severity::Error,
    summary: "A trap passes SIGTERM on, but the script ends before the program does",
    page: "\
## What it does
Finds scripts with a trap for TERM that does not wait for the program after it has passed the signal on.

## Why it hurts
`wait` returns as soon as the trap has run. The script ends, PID 1 is gone, and the kernel kills the program in the
middle of its drain: everything was lost within 0.1 s (measured: 31 of 31 requests), which is worse than no trap.

## Before
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [bash, -c, \"celery -A app worker & child=$!; trap 'kill -TERM $child' TERM; wait $child\"]
```

## After
```yaml pod
spec:
  containers:
  - name: worker
    image: example/worker
    command: [bash, -c, \"celery -A app worker & child=$!; trap 'kill -TERM $child; wait $child' TERM; wait $child\"]
```

## How softstop changes it
It leaves scripts with traps alone: the trap is the user's own way. Where softstop-init may be brought in, it waits for
all that is left, as a preStop hook.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let Some(script) = container.runs.script().filter(|_| story::traps(container)) else {
            continue;
        };
        let Some(trap) = &script.reading.trap else {
            continue;
        };
        // An empty action ignores the signal, for the program too.
        let Some(action) = trap
            .action
            .as_deref()
            .filter(|action| !trap.waits && !action.is_empty())
        else {
            continue;
        };
        let title = container.title();
        let in_background = script
            .reading
            .commands
            .iter()
            .any(|command| command.background);
        let (message, on_stop) = if !in_background {
            (
                format!(
                    "the trap runs only when {title} has ended, so {title} hears nothing of SIGTERM"
                ),
                format!(
                    "{title} goes on until it is killed after {} s",
                    subject.budget.grace
                ),
            )
        } else if action.contains("kill") {
            (
                format!("the trap passes SIGTERM on, but the script ends before {title} does"),
                format!(
                    "the trap runs, the script ends, and {title} is killed with it within 0.1 s"
                ),
            )
        } else {
            (
                format!(
                    "the trap does not pass SIGTERM on, and the script ends before {title} does"
                ),
                format!(
                    "the trap runs, the script ends, and {title} is killed with it within 0.1 s"
                ),
            )
        };
        let expanded = container
            .argv
            .args
            .get(script.arg)
            .and_then(|arg| arg.expanded.as_ref());
        let at = trap.at..trap.at + "trap".len();
        findings.push(Finding {
            pointer: container.entry_pointer(),
            span: expanded.map(|expanded| expanded.raw(at)),
            on_stop: Some(on_stop),
            repaired: matches!(decision.verdict, Verdict::Init | Verdict::Hook),
            ..RULE.about(
                container,
                "",
                message,
                "start it with &, and wait in the trap: trap 'kill -TERM $child; wait $child' TERM"
                    .to_owned(),
            )
        });
    }
}
