//! SS206: a development server.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity};

pub(super) static RULE: Rule = Rule {
    code: Code("SS206"),
    name: "development-server",
    severity: Severity::Warning,
    summary: "A development server runs in a pod: it has no graceful stop",
    page: "\
## What it does
Finds `flask run`, `manage.py runserver` and their like.

## Why it hurts
They are not meant for production, say their own manuals, and they have no drain: they swallow SIGTERM as PID 1, or drop
everything (measured: `flask run` 32 of 32 requests lost on SIGINT, `runserver` 31 of 31 on SIGTERM).

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [flask, run]
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
It cannot repair it: use a server with a drain, such as gunicorn or uvicorn.

## How to opt out
`softstop.dev/runtime: none`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.signalled() {
        if container
            .profile()
            .is_some_and(|profile| profile.development)
        {
            let title = container.title();
            findings.push(Finding {
                pointer: container.entry_pointer(),
                span: container.entry_span(),
                ..RULE.about(
                    container,
                    "",
                    format!("{title} is a development server and has no graceful stop"),
                    "use a production server, such as gunicorn or uvicorn".to_owned(),
                )
            });
        }
    }
}
