//! SS105: a launcher that keeps SIGTERM from the program.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity, Verdict};

pub(super) static RULE: Rule = Rule {
    code: Code("SS105"),
    name: "launcher-swallows-signal",
    severity: Severity::Error,
    summary: "A launcher in front of the program keeps SIGTERM from it, or kills it soon after",
    page: "\
## What it does
Finds launchers that stay in front of the program and do not pass SIGTERM on, or not in time: `flock`, `xargs`, `su`,
`runuser`, npm, yarn and their like.

## Why it hurts
The launcher is PID 1 and gets the signal. npm 9 ignores it; other versions of npm end with their shell after 0.5 s;
`su` kills the program after 2 s; yarn 1 dies at once (measured). The program is killed with its work in flight.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [npm, start]
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [node, server.js]
```

## How softstop changes it
It does not know what the launcher starts, so it leaves the command alone. Where softstop-init may be brought in, it
looks at the processes that really run, and drains the program behind the launcher.

## How to opt out
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let programs = container.runs.script().map_or_else(
            || container.main_program().into_iter().collect::<Vec<_>>(),
            |script| script.tails.iter().collect(),
        );
        let launcher = container
            .runs
            .swallower()
            .or_else(|| programs.iter().find_map(|program| program.swallower()));
        let Some(launcher) = launcher.filter(|_| !container.has_init()) else {
            continue;
        };
        let name = launcher.name;
        findings.push(Finding {
            pointer: container.entry_pointer(),
            span: container.entry_span(),
            on_stop: Some(format!(
                "{name} gets SIGTERM and does not pass it on in time; the program is killed"
            )),
            repaired: matches!(decision.verdict, Verdict::Init | Verdict::Hook),
            ..RULE.about(
                container,
                "",
                format!("{name} does not pass SIGTERM on to the program it starts"),
                format!("start the program itself, without {name}"),
            )
        });
    }
}
