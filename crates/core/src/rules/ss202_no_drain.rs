//! SS202: no signal drains the program.

use super::{Rule, Subject};
use crate::decide::Drains;
use crate::{Code, Finding, Severity, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS202"),
    name: "no-drain",
    severity: Severity::Warning,
    summary: "The program drops its requests at once, whatever signal stops it",
    page: "\
## What it does
Finds servers that have no drain: daphne, Envoy, php-fpm without `process_control_timeout`, Tomcat, development servers.

## Why it hurts
Whatever is in flight when the signal arrives is lost (measured: 32 of 32 requests with daphne 4.2, 22 of 22 with Envoy
1.39). Only time helps: requests that are done before the signal arrives.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [daphne, app.asgi:application]
    ports: [{containerPort: 8000}]
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [daphne, app.asgi:application]
    ports: [{containerPort: 8000}]
    lifecycle: {preStop: {sleep: {seconds: 15}}}
```

## How softstop changes it
It adds a preStop sleep of the drain delay plus the drain time (`softstop.dev/drain-time`; 10 s where nobody says), so
that the requests are done when the signal arrives.

## How to opt out
`softstop.dev/runtime: none` on the pod, or a preStop hook of your own.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, share) in subject.signalled() {
        // With a hook of their own the user has taken care of it, as far as that can be seen.
        let hooked = !container.slot.is_free() || container.settings.pre_stop.is_some();
        let by_variable = container
            .profile()
            .is_some_and(|profile| profile.graceful_env.is_some());
        if decision.drains != Drains::Never
            || hooked
            || by_variable
            || !story::gets_signal(container, decision)
        {
            continue;
        }
        let title = container.title();
        findings.push(Finding {
            pointer: container.entry_pointer(),
            span: container.entry_span(),
            on_stop: Some(subject.on_stop(
                container,
                decision,
                format!("{title} stops at once and drops what is in flight"),
            )),
            repaired: decision.drain_in_delay && share.delay > 0 && share.cut.is_none(),
            ..RULE.about(
                container,
                "",
                format!("no signal drains {title}: what is in flight is lost"),
                "add a preStop sleep as long as the longest request, and as much grace".to_owned(),
            )
        });
    }
}
