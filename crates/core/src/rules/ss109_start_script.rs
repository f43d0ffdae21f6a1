//! SS109: a start script, or a program that may be one, that nobody can see.

use super::{Rule, Subject};
use crate::observe::runs::Runs;
use crate::{Code, Finding, Severity, Verdict};

pub(super) static RULE: Rule = Rule {
    code: Code("SS109"),
    name: "start-script-not-visible",
    severity: Severity::Info,
    summary: "What starts is a file of the image that may be a script",
    page: "\
## What it does
Finds containers that start a script file (`bash /start.sh`), or a program softstop does not know, which may be one.

## Why it hurts
A script whose last line has no `exec` keeps SIGTERM from the program, in every shell. Nobody can see the file from here.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [bash, /start.sh]
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [gunicorn, app:app]
```

## How softstop changes it
Delay and grace apply all the same. Where softstop-init may be brought in, it looks at the processes that really run.
Otherwise: write `exec` before the last command of the script.

## How to opt out
`softstop.dev/runtime` names the program, if it is one that softstop knows: softstop-init then sends what drains it;
`entrypoint.softstop.dev/CONTAINER: \"off\"` leaves the container alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let message = match &container.runs {
            Runs::File { shell, file, .. } => {
                format!("{shell} runs {file}, a script that cannot be seen from here")
            }
            Runs::Program(program) if decision.reason == "unknown-program" => {
                format!(
                    "{} is not known: it may be a script that keeps SIGTERM from its program",
                    program.name
                )
            }
            Runs::Program(program) if decision.reason == "named-program" => {
                format!(
                    "{} may be a script that keeps SIGTERM from {}",
                    program.name,
                    container.title()
                )
            }
            _ => continue,
        };
        findings.push(Finding {
            pointer: container.entry_pointer(),
            repaired: matches!(decision.verdict, Verdict::Init | Verdict::Hook),
            ..RULE.about(
                container,
                "",
                message,
                "if it is a script: `exec` before its last command".to_owned(),
            )
        });
    }
}
