//! SS503: root that may not signal another user's program.

use serde_json::Value;

use super::{Rule, Subject};
use crate::pod::items;
use crate::{Code, Finding, Severity};

/// Launchers that stay as root in front of a program of another user.
const STAYING: [&str; 4] = ["sudo", "su", "runuser", "s6-setuidgid"];

pub(super) static RULE: Rule = Rule {
    code: Code("SS503"),
    name: "root-without-cap-kill",
    severity: Severity::Warning,
    summary: "A launcher runs the program as another user, and may not signal it without CAP_KILL",
    page: "\
## What it does
Finds launchers that stay as root in front of a program of another user (`sudo`, `su`, `runuser`), in containers that
drop all capabilities and do not add KILL.

## Why it hurts
Root without CAP_KILL may not signal a process of another user (kill(2)): the launcher gets SIGTERM and cannot pass it
on.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [sudo, -u, app, /bin/web]
    securityContext: {capabilities: {drop: [ALL]}}
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
    securityContext: {capabilities: {drop: [ALL]}, runAsUser: 1000}
```

## How softstop changes it
It does not.

## How to opt out
`softstop check --ignore SS503`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.containers() {
        let capabilities = container
            .view
            .get("securityContext")
            .and_then(|context| context.get("capabilities"));
        let names = |field: &str, wanted: &str| {
            items(capabilities.and_then(|c| c.get(field)))
                .filter_map(Value::as_str)
                .any(|name| name.trim_start_matches("CAP_").eq_ignore_ascii_case(wanted))
        };
        let allowed = ["KILL", "ALL"].iter().any(|name| names("add", name));
        if allowed || !(names("drop", "ALL") || names("drop", "KILL")) {
            continue;
        }
        let program = container.main_program();
        let launchers = container
            .runs
            .launchers()
            .iter()
            .chain(program.into_iter().flat_map(|p| &p.launchers));
        let unread = program
            .and_then(|program| program.unread)
            .map(|launcher| launcher.name);
        let launcher = launchers
            .map(|peel| peel.launcher.name)
            .chain(unread)
            .find(|name| STAYING.contains(name));
        if let Some(launcher) = launcher {
            findings.push(Finding {
                pointer: container.entry_pointer(),
                on_stop: Some(format!("{launcher} gets SIGTERM and is not allowed to pass it on")),
                ..RULE.about(
                    container,
                    "",
                    format!("{launcher} runs the program as another user, and may not signal it without CAP_KILL"),
                    "run the container as that user (runAsUser), or add the capability KILL".to_owned(),
                )
            });
        }
    }
}
