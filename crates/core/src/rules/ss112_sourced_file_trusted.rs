//! SS112: `exec` rests on what a sourced file is trusted not to do.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity, Verdict};

pub(super) static RULE: Rule = Rule {
    code: Code("SS112"),
    name: "sourced-file-trusted",
    severity: Severity::Info,
    summary: "exec is inserted behind a sourced file that softstop cannot see",
    page: "\
## What it does
Names each script into which softstop inserts `exec` although it sources a file, because `trust-sourced-files` says that
such files do no harm. Only a file that is sourced by its plain path, as a command of its own before the program, is
trusted; anywhere else it is in the way as before (SS102).

## Why it hurts
`exec` is the same as a plain call unless the file defines a function or an alias of the program's name (`exec` goes past
it), sets a trap (`exec` drops it), starts background jobs (they are the program's children then), or says `set -m`.
A virtualenv's `activate` and files with nothing but `export NAME=value` do none of this; `nvm.sh` does.

## Before
```yaml pod
metadata:
  annotations:
    softstop.dev/trust-sourced-files: \"true\"
spec:
  containers:
  - name: web
    image: example/web
    command: [sh, -c, . /venv/bin/activate && gunicorn app:app]
```

## After
```yaml pod
metadata:
  annotations:
    softstop.dev/trust-sourced-files: \"true\"
spec:
  containers:
  - name: web
    image: example/web
    command: [sh, -c, . /venv/bin/activate && exec gunicorn app:app]
```

## How softstop changes it
It inserts `exec` as after any other command.

## How to opt out
`trust-sourced-files.softstop.dev/CONTAINER: \"false\"` distrusts the files of one container. A policy may lock the setting.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let Some(script) = container.runs.script() else {
            continue;
        };
        let Some(sourced) = &script.reading.trusted else {
            continue;
        };
        if decision.verdict != Verdict::Exec {
            continue;
        }
        let arg = container.argv.args.get(script.arg);
        let place = arg.and_then(|arg| arg.place.pointer());
        let expanded = arg.and_then(|arg| arg.expanded.as_ref());
        let title = container.title();
        findings.push(Finding {
            span: expanded
                .map(|expanded| expanded.raw(sourced.clone()))
                .filter(|_| place.is_some()),
            ..RULE.about(
                container,
                &place.unwrap_or_default(),
                format!(
                    "exec before {title} is right only if this file defines no function or alias of that name, sets no trap and starts nothing ({} says so)",
                    container.settings.trust_sourced_files.source
                ),
                format!("look into the file once; or write `exec` before {title} yourself"),
            )
        });
    }
}
