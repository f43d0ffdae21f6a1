//! SS110: something that does not work with the program as PID 1.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity, Verdict, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS110"),
    name: "pid1-hazard",
    severity: Severity::Warning,
    summary: "The program is or would become PID 1, and something in the pod does not work with that",
    page: "\
## What it does
Finds what breaks when a program becomes PID 1: JVM options that kill the process on an error, hooks and probes that
send signals from inside the container, login shells that replace a program by a function; and programs that must not
be PID 1 at all, such as Julia, whose preStop hook ends with it.

## Why it hurts
Signals from inside a container reach PID 1 only if it has a handler, and SIGKILL never does.
`-XX:OnOutOfMemoryError=\"kill -9 %p\"` does nothing to PID 1: the JVM goes on without memory (measured with JDK 17).

## Before
```yaml pod
spec:
  containers:
  - name: api
    image: example/api
    command: [sh, -c, 'java -XX:OnOutOfMemoryError=\"kill -9 %p\" -jar api.jar']
```

## After
```yaml pod
spec:
  containers:
  - name: api
    image: example/api
    command: [sh, -c, exec java -XX:+ExitOnOutOfMemoryError -jar api.jar]
```

## How softstop changes it
It does not insert `exec`. Where softstop-init may be brought in, that becomes PID 1, and the program its child.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let must_not = decision.reason == "not-pid1"
            && (!story::shell_stays(container) || decision.verdict == Verdict::Init);
        if decision.reason == "pid1-hazard" || must_not {
            findings.push(Finding {
                pointer: container.entry_pointer(),
                span: container.entry_span(),
                repaired: decision.verdict == Verdict::Init,
                ..RULE.about(
                    container,
                    "",
                    format!("{} had better not be PID 1: {}", container.title(), decision.why),
                    "remove what sends the signal (-XX:+ExitOnOutOfMemoryError instead of kill), then `exec`".to_owned(),
                )
            });
        }
    }
}
