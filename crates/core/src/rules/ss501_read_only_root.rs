//! SS501: a read-only root without the folder the program writes to.

use super::{Rule, Subject};
use crate::observe::Observed;
use crate::{Code, Finding, Severity, render};

/// Programs that write to a folder as soon as they start, and the variable that moves it.
const WRITERS: [(&str, &str, &str); 2] = [
    ("julia", "/run", "DEPUTY_IPC_DIR"),
    ("gunicorn", "/tmp", "TMPDIR"),
];

pub(super) static RULE: Rule = Rule {
    code: Code("SS501"),
    name: "read-only-root",
    severity: Severity::Warning,
    summary: "The root filesystem is read-only, and the program needs a folder it can write to",
    page: "\
## What it does
Finds containers with `readOnlyRootFilesystem: true` whose program writes to a folder on which nothing is mounted:
Julia with K8sDeputy to /run (its pid file and socket), gunicorn to /tmp (its workers' heartbeat files). Also says where
the setting `writable` asks for a folder that is not there yet.

## Why it hurts
The program ends at its start, or the hook that is to stop it does not find its socket.

## Before
```yaml pod
metadata:
  annotations: {softstop.dev/writable: /tmp}
spec:
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --graceful-timeout, \"20\", app:app]
    securityContext: {readOnlyRootFilesystem: true}
```

## After
```yaml pod
metadata:
  annotations: {softstop.dev/writable: /tmp}
spec:
  containers:
  - name: web
    image: example/web
    command: [gunicorn, --graceful-timeout, \"20\", app:app]
    securityContext: {readOnlyRootFilesystem: true}
    volumeMounts: [{name: softstop-tmp, mountPath: /tmp, subPath: web}]
  volumes: [{name: softstop-tmp, emptyDir: {medium: Memory}}]
```

## How softstop changes it
Where the setting `writable` names the folder, it mounts an emptyDir in memory there, a folder of its own for each
container. It adds none that nobody asked for.

## How to opt out
Mount something there yourself.
",
    check,
};

fn check(subject: &Subject<'_, '_>, findings: &mut Vec<Finding>) {
    for (container, _, _) in subject.containers() {
        let asked: &[String] = container
            .settings
            .writable
            .as_ref()
            .map_or(&[], |paths| &paths.value);
        for path in asked
            .iter()
            .filter(|path| !render::is_mounted(container.view, path))
        {
            findings.push(Finding {
                severity: Severity::Info,
                repaired: true,
                ..RULE.about(
                    container,
                    "",
                    format!("{path} is to be writable, and nothing is mounted there"),
                    format!("mount an emptyDir at {path}"),
                )
            });
        }
        let read_only = subject
            .pod
            .security(container.view, "readOnlyRootFilesystem")
            .is_some_and(|value| value == true);
        if let Some(path) =
            needed(container).filter(|path| read_only && !asked.iter().any(|asked| asked == path))
        {
            let title = container.title();
            findings.push(RULE.about(
                container,
                "/securityContext/readOnlyRootFilesystem",
                format!("{title} writes to {path}, and the root filesystem is read-only"),
                format!("mount an emptyDir at {path}, or softstop.dev/writable: {path}"),
            ));
        }
    }
}

/// The folder that the program needs and that nothing is mounted on.
fn needed(container: &Observed<'_>) -> Option<&'static str> {
    let profile = container.profile()?;
    let (_, path, variable) = WRITERS.iter().find(|(name, ..)| *name == profile.name)?;
    (!container.env.may_have(variable) && !render::is_mounted(container.view, path)).then_some(path)
}
