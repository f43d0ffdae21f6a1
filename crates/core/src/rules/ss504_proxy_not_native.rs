//! SS504: a proxy that stops together with the application.

use super::{Rule, Subject};
use crate::{Code, Finding, Severity};

/// Proxies through which the application's connections go, and the annotation or variable that makes them wait.
const PROXIES: [&str; 3] = ["istio-proxy", "linkerd-proxy", "kuma-sidecar"];
const WAITS: [&str; 1] = ["EXIT_ON_ZERO_ACTIVE_CONNECTIONS"];

pub(super) static RULE: Rule = Rule {
    code: Code("SS504"),
    name: "proxy-not-native",
    severity: Severity::Warning,
    summary: "A proxy sidecar gets SIGTERM together with the application whose connections it carries",
    page: "\
## What it does
Finds the proxies of service meshes as ordinary containers, beside the application.

## Why it hurts
All containers of a pod get SIGTERM at the same time. The proxy stops, and the application's drain has no network. A
native sidecar, an init container with `restartPolicy: Always` (KEP-753, stable since Kubernetes 1.33), is stopped when
the application has ended.

## Before
```yaml pod
spec:
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
  - name: istio-proxy
    image: istio/proxyv2
```

## After
```yaml pod
spec:
  initContainers:
  - name: istio-proxy
    image: istio/proxyv2
    restartPolicy: Always
  containers:
  - name: web
    image: example/web
    command: [/bin/web]
```

## How softstop changes it
It does not: the mesh's own injector has a setting for native sidecars.

## How to opt out
Istio: `EXIT_ON_ZERO_ACTIVE_CONNECTIONS`, which makes the proxy wait for its connections.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    if subject.containers.len() < 2 {
        return;
    }
    for container in subject.containers {
        let waits =
            WAITS.iter().any(|name| container.env.may_have(name)) || !container.slot.is_free();
        if PROXIES.contains(&container.name) && !waits {
            findings.push(Finding {
                on_stop: Some(format!("{} stops while the application still drains", container.name)),
                ..RULE.about(
                    container,
                    "",
                    format!("{} gets SIGTERM together with the application whose connections it carries", container.name),
                    "make it a native sidecar: an init container with restartPolicy: Always".to_owned(),
                )
            });
        }
    }
}
