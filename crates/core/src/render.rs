//! Decisions as edits of the pod, and edits as operations against the document at hand.

mod edit;
mod injected;
mod status;

use serde_json::{Value, json};
use softstop_programs::profile::EnvValue;

use crate::budget::{Budget, Share};
use crate::decide::{self, Decision};
use crate::observe::Observed;
use crate::observe::argv::Place;
use crate::plan::Change;
use crate::pod::{ContainerView, PodView, items};
use crate::rules::codes;
use crate::settings::Source;
use crate::{Capabilities, Code, PreStop, Verdict, story};
use edit::{Edit, Editor};

/// Everything the plan changes, and the pod as it is meant to be.
pub(crate) fn render(
    pod: PodView<'_>,
    containers: &[Observed<'_>],
    decisions: &[Decision],
    budget: &Budget,
    capabilities: &Capabilities,
) -> (Vec<Change>, Option<Value>) {
    let mut editor = Editor::new(pod.0);
    for ((container, decision), share) in containers.iter().zip(decisions).zip(&budget.shares) {
        if decision.untouched {
            continue;
        }
        entrypoint(&mut editor, pod, container, decision);
        if let Some(injection) = &capabilities.injection {
            injected::bring_in(&mut editor, pod, container, decision, injection);
            injected::entrypoint(&mut editor, container, decision);
        }
        environment(&mut editor, container, decision, share);
        if !budget.hands_off {
            pre_stop(&mut editor, container, decision, share);
        }
        writable(&mut editor, pod, container);
    }
    if budget.result > budget.grace {
        let reason = format!(
            "the containers need {} s to stop, the grace is {} s",
            budget.result, budget.grace
        );
        editor.edit(&Edit::Grace(budget.result), codes::GRACE_TOO_SHORT, &reason);
    }
    editor.finish(containers, decisions)
}

fn entrypoint(
    editor: &mut Editor<'_>,
    pod: PodView<'_>,
    container: &Observed<'_>,
    decision: &Decision,
) {
    let Some(script) = container
        .runs
        .script()
        .filter(|_| decision.verdict == Verdict::Exec)
    else {
        return;
    };
    let arg = &container.argv.args[script.arg];
    // The reader's offsets count in the expanded text; the edit goes into what is written.
    let offsets: Option<Vec<usize>> = match &arg.expanded {
        Some(expanded) => decision
            .inserts
            .iter()
            .map(|at| expanded.insertion(*at))
            .collect(),
        None => Some(decision.inserts.clone()),
    };
    let Some(offsets) = offsets else { return };
    let text = crate::shell::insert(arg.raw, &offsets);
    let (code, reason) = if pod.shares_pid_namespace() {
        (
            codes::SHARED_PID_NAMESPACE,
            "the shell would die at once, and the container with it; exec replaces it by the program",
        )
    } else if story::init_before_shell(container) {
        (
            codes::INIT_BEFORE_SHELL,
            "the init would end the shell, and the container with it; exec replaces it by the program",
        )
    } else {
        (
            codes::SHELL_SWALLOWS_SIGNAL,
            "the shell would stay PID 1 and ignore SIGTERM; exec replaces it by the program",
        )
    };
    let edit = match arg.place.pointer() {
        Some(place) => Edit::Word {
            path: format!("{}{place}", container.pointer),
            text,
        },
        None => from_image(container, script.arg, &text),
    };
    editor.edit(&edit, code, reason);
}

/// Writes the image's own words into the pod, with one of them replaced: `args` alone where it stands in CMD; else
/// `command`, and with it CMD, which Kubernetes ignores beside a `command`. The kubelet expands `$(VAR)` in what a pod
/// says, not in what an image says: every `$` of the image's is doubled.
fn from_image(container: &Observed<'_>, replaced: usize, text: &str) -> Edit {
    let words = |wanted: fn(Place) -> bool| -> Option<Vec<String>> {
        let words: Vec<_> = container
            .argv
            .args
            .iter()
            .enumerate()
            .filter(|(_, arg)| wanted(arg.place))
            .map(|(index, arg)| (if index == replaced { text } else { arg.raw }).replace('$', "$$"))
            .collect();
        (!words.is_empty()).then_some(words)
    };
    let in_cmd = matches!(container.argv.args[replaced].place, Place::Cmd(_));
    Edit::Command {
        container: container.pointer.clone(),
        command: words(|place| matches!(place, Place::Entrypoint(_))).filter(|_| !in_cmd),
        args: words(|place| matches!(place, Place::Cmd(_))),
    }
}

fn environment(
    editor: &mut Editor<'_>,
    container: &Observed<'_>,
    decision: &Decision,
    share: &Share,
) {
    for fix in &decision.env {
        let value = match fix.value {
            EnvValue::Literal(text) => text.to_owned(),
            EnvValue::DrainMillis => match &share.drain {
                Some(time) => (time.seconds * 1000).to_string(),
                None => continue,
            },
        };
        let (name, title) = (fix.name, container.title());
        let (code, reason) = if *fix == decide::DUMB_INIT {
            (
                codes::GROUP_SIGNAL,
                format!("with {name} set, the init signals {title} alone, not its workers"),
            )
        } else {
            (
                codes::GRACEFUL_VARIABLE,
                format!("with {name} set, {title} drains on SIGTERM"),
            )
        };
        let edit = Edit::Env {
            container: container.pointer.clone(),
            name: fix.name,
            value,
        };
        editor.edit(&edit, code, &reason);
    }
}

fn pre_stop(editor: &mut Editor<'_>, container: &Observed<'_>, decision: &Decision, share: &Share) {
    if !container.slot.is_free() {
        return;
    }
    let (hook, code, reason) = match &container.settings.pre_stop {
        Some(wanted) => (
            handler(&wanted.value),
            codes::HOOK_ASKED_FOR,
            format!("{} asks for this hook", wanted.source),
        ),
        None if decision.verdict == Verdict::Hook => injected::hook(container, decision, share),
        None if share.delay == 0 => return,
        None => {
            let (code, reason) = why_delay(share, decision);
            let hook = json!({ "sleep": { "seconds": share.delay } });
            (hook, code, reason)
        }
    };
    editor.edit(
        &Edit::PreStop {
            container: container.pointer.clone(),
            hook,
        },
        code,
        &reason,
    );
}

/// The finding that a delay repairs, and what it is for.
fn why_delay(share: &Share, decision: &Decision) -> (Code, String) {
    let delay = share.delay;
    if decision.drain_in_delay {
        let reason = format!(
            "the program drops its requests when it is told to stop: it is told {delay} s later, when they are done"
        );
        (codes::NO_DRAIN, reason)
    } else if share.made_up > 0 {
        let reason = format!(
            "a shell kept SIGTERM from the program, whose own limit is shorter than the time that its work had: SIGTERM comes {delay} s later"
        );
        (codes::OWN_LIMIT, reason)
    } else if share.wanted.source == Source::BuiltIn {
        let reason = format!(
            "clients go on connecting for a while after the pod is marked for deletion: SIGTERM comes {delay} s later"
        );
        (codes::SERVES_WITHOUT_DELAY, reason)
    } else {
        let reason = format!(
            "{} asks for a drain delay of {delay} s",
            share.wanted.source
        );
        (codes::SERVES_WITHOUT_DELAY, reason)
    }
}

fn handler(hook: &PreStop) -> Value {
    match hook {
        PreStop::Exec(argv) => json!({ "exec": { "command": argv } }),
        PreStop::HttpGet { port, path } => {
            let port = port
                .parse::<u16>()
                .map_or_else(|_| json!(port), |number| json!(number));
            // The API server would default the scheme; written out, the pod reads back as it was sent.
            json!({ "httpGet": { "path": path, "port": port, "scheme": "HTTP" } })
        }
    }
}

/// An emptyDir at each path the setting names, unless something is mounted there. One volume per path for the whole
/// pod, a directory of it per container: two containers must not find each other's files.
fn writable(editor: &mut Editor<'_>, pod: PodView<'_>, container: &Observed<'_>) {
    let Some(paths) = &container.settings.writable else {
        return;
    };
    for path in &paths.value {
        if is_mounted(container.view, path) {
            continue;
        }
        let name = volume_name(path);
        let known = |volume: &Value| volume.get("name").and_then(Value::as_str) == Some(&name);
        let reason = format!("{} asks for a writable {path}", paths.source);
        if !pod.volumes().any(known)
            && !items(editor.pod().get("spec").and_then(|s| s.get("volumes"))).any(known)
        {
            let volume = json!({ "name": name, "emptyDir": { "medium": "Memory" } });
            editor.edit(&Edit::Volume(volume), codes::READ_ONLY_ROOT, &reason);
        }
        let mount = json!({ "name": name, "mountPath": path, "subPath": container.name });
        editor.edit(
            &Edit::Mount {
                container: container.pointer.clone(),
                mount,
            },
            codes::READ_ONLY_ROOT,
            &reason,
        );
    }
}

/// Whether something is mounted at a path.
pub(crate) fn is_mounted(container: ContainerView<'_>, path: &str) -> bool {
    container.list("volumeMounts").any(|mount| {
        let at = mount.get("mountPath").and_then(Value::as_str);
        at.is_some_and(|at| at.trim_end_matches('/') == path)
    })
}

/// `softstop-run` for `/run`: a DNS label of at most 63 characters. Paths that would not fit or could meet keep a
/// checksum.
fn volume_name(path: &str) -> String {
    let plain = path
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'/');
    let slug: String = path
        .trim_start_matches('/')
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    if plain && slug.len() <= 40 {
        return format!("softstop-{slug}");
    }
    // FNV-1a, 64 bits: stable, and nobody gains anything by a collision in their own pod.
    let hash = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let head: String = slug.chars().take(30).collect();
    format!("softstop-{}-{hash:016x}", head.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_names_are_dns_labels_and_differ() {
        let paths = [
            "/run",
            "/var/run",
            "/var-run",
            "/VAR/run",
            "/é",
            "/a.b",
            &format!("/{}", "x".repeat(200)),
        ];
        let names: std::collections::BTreeSet<_> =
            paths.iter().map(|path| volume_name(path)).collect();
        assert_eq!(names.len(), paths.len());
        for name in names {
            assert!(name.len() <= 63 && !name.ends_with('-'), "{name}");
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
        }
    }
}
