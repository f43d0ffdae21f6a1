//! SS201: the program drains on another signal than the one it gets.

use super::{Rule, Subject};
use crate::decide::Drains;
use crate::{Code, Finding, Severity, Verdict, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS201"),
    name: "other-drain-signal",
    severity: Severity::Error,
    summary: "SIGTERM does not drain the program: another signal does",
    page: "\
## What it does
Finds programs to which SIGTERM means a fast stop, or nothing, and that drain on another signal: nginx and Unicorn on
SIGQUIT, Apache httpd on SIGWINCH, HAProxy on SIGUSR1, PostgreSQL, Huey and waitress on SIGINT.

## Why it hurts
Kubernetes sends SIGTERM unless the image's STOPSIGNAL says otherwise. nginx then drops every request in flight
(measured with nginx 1.22: 32 of 32 lost on SIGTERM, 0 of 32 on SIGQUIT).

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [nginx, -g, daemon off;]
```

## After
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [nginx, -g, daemon off;]
    lifecycle: {preStop: {exec: {command: [sh, -c, kill -QUIT 1; while kill -0 1; do sleep 0.1; done]}}}
```

## How softstop changes it
Where softstop-init may be brought in, it sends the program's own signal as a preStop hook and waits for it. Otherwise:
an image whose STOPSIGNAL is the right one (the official nginx, httpd and HAProxy images; give its facts by digest), or
a preStop hook as above.

## How to opt out
`softstop.dev/stop-signal: SIGTERM` says that SIGTERM is right; a preStop hook of your own is left alone.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let Drains::On(signal) = decision.drains else {
            continue;
        };
        // Where a shell or a launcher keeps it, no signal arrives at all, unless softstop-init comes to send one.
        // A hook of the user's own may well send the right one.
        let sent = decision.reason == "other-signal"
            && matches!(decision.verdict, Verdict::Init | Verdict::Hook);
        if !(sent || story::gets_signal(container, decision))
            || !container.slot.is_free()
            || container.settings.pre_stop.is_some()
            || container.has_init()
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
                format!("{title} gets a signal that does not drain it"),
            )),
            repaired: matches!(decision.verdict, Verdict::Init | Verdict::Hook),
            ..RULE.about(
                container,
                "",
                format!("{title} drains on {signal}, and gets another signal"),
                format!("use an image whose STOPSIGNAL is {signal}, or send it in a preStop hook"),
            )
        });
    }
}
