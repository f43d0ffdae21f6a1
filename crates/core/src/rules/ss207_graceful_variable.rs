//! SS207: the program drains on SIGTERM only with a variable set.

use softstop_programs::signal::Signal;

use super::{Rule, Subject};
use crate::decide::{DUMB_INIT, Drains};
use crate::{Code, Finding, Severity, Verdict, story};

pub(super) static RULE: Rule = Rule {
    code: Code("SS207"),
    name: "graceful-variable",
    severity: Severity::Error,
    summary: "The program drains on SIGTERM only with an environment variable that is not set",
    page: "\
## What it does
Finds programs that a single-purpose environment variable makes drain on SIGTERM, and that do not have it: uWSGI
(`UWSGI_HOOK_MASTER_START`), Spring Boot before 3.4 (`SERVER_SHUTDOWN=graceful`), pm2-runtime (`PM2_KILL_TIMEOUT`).

## Why it hurts
uWSGI's SIGTERM kills every request and starts the workers again; the pod is then killed at the end of its grace
(measured with uWSGI 2.0.31: 31 of 32 requests lost; 0 of 31 with the variable).

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [uwsgi, --master, --module, app]
```

## After
```yaml pod
spec:
  terminationGracePeriodSeconds: 70
  containers:
  - name: web
    image: example/web
    command: [uwsgi, --master, --module, app]
    env:
    - {name: UWSGI_HOOK_MASTER_START, value: 'unix_signal:15 gracefully_kill_them_all'}
    - {name: UWSGI_MASTER, value: '1'}
```

## How softstop changes it
It sets the variables, never where `env` has one of them or `envFrom` might.

## How to opt out
Set the variable yourself, to any value, or `softstop.dev/runtime: none`.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, decision, _) in subject.signalled() {
        let missing: Vec<_> = decision
            .env
            .iter()
            .filter(|fix| **fix != DUMB_INIT)
            .map(|fix| fix.name)
            .collect();
        // Where it drains on SIGTERM and gets another signal, the variable is set: see SS201.
        let by_variable = match decision.drains {
            Drains::Never => true,
            Drains::On(signal) => signal != Signal::TERM,
            _ => false,
        };
        let told = story::gets_signal(container, decision)
            || matches!(decision.verdict, Verdict::Init | Verdict::Hook);
        let blocked = by_variable
            && told
            && container
                .profile()
                .is_some_and(|profile| profile.graceful_env.is_some());
        let title = container.title();
        let (message, fix) = if !missing.is_empty() {
            let names = missing.join(" and ");
            (
                format!("{title} drains on SIGTERM only with {names} set"),
                format!("set {names}"),
            )
        } else if blocked {
            let vars = container
                .profile()
                .and_then(|profile| profile.graceful_env)
                .map_or(&[][..], |env| env.vars);
            let names: Vec<_> = vars.iter().map(|(name, _)| *name).collect();
            let names = names.join(" and ");
            (
                format!(
                    "{title} drains on SIGTERM only with {names} set as softstop would, and env or envFrom may say otherwise"
                ),
                format!("set {names} in env"),
            )
        } else {
            continue;
        };
        let severity = if missing.is_empty() {
            Severity::Warning
        } else {
            RULE.severity
        };
        findings.push(Finding {
            severity,
            pointer: container.entry_pointer(),
            span: container.entry_span(),
            on_stop: Some(subject.on_stop(
                container,
                decision,
                format!("{title} gets SIGTERM and drops what it is doing"),
            )),
            repaired: !missing.is_empty(),
            ..RULE.about(container, "", message, fix)
        });
    }
}
