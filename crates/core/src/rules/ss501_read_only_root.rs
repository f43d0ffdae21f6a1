//! SS501: a read-only root without the folder the program writes to.

use super::ss205_gunicorn_timeout::may_say;
use super::{Rule, Subject};
use crate::observe::Observed;
use crate::{Code, Finding, Severity, render};

/// A program that writes to a folder as soon as it starts.
struct Writer {
    profile: &'static str,
    folder: &'static str,
    /// Variables that move it.
    variables: &'static [&'static str],
    /// Folders that do as well.
    instead: &'static [&'static str],
}

/// Gunicorn's is Python's folder of temporary files (documentation of `tempfile.gettempdir`).
const WRITERS: [Writer; 2] = [
    Writer {
        profile: "julia",
        folder: "/run",
        variables: &["DEPUTY_IPC_DIR"],
        instead: &[],
    },
    Writer {
        profile: "gunicorn",
        folder: "/tmp",
        variables: &["TMPDIR", "TEMP", "TMP"],
        instead: &["/var/tmp", "/usr/tmp"],
    },
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
    let writer = WRITERS
        .iter()
        .find(|writer| writer.profile == profile.name)?;
    let program = container.main_program();
    let moved = writer.variables.iter().any(|name| {
        container.env.may_have(name) || program.is_some_and(|program| program.sets(name))
    });
    // Gunicorn can be told where its heartbeat files go, in a configuration file, too.
    let told = profile.name == "gunicorn"
        && program.is_some_and(|program| {
            may_say(container, program, &["--worker-tmp-dir", "-c", "--config"])
        });
    let mounted = |path: &str| render::is_mounted(container.view, path);
    let has_folder = mounted(writer.folder) || writer.instead.iter().copied().any(mounted);
    (!moved && !told && !has_folder).then_some(writer.folder)
}
