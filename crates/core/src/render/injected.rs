//! The edits that bring softstop-init into a pod.

use serde_json::{Value, json};

use super::edit::{Edit, Editor};
use crate::budget::Share;
use crate::decide::Decision;
use crate::observe::Observed;
use crate::observe::argv::Place;
use crate::pod::PodView;
use crate::rules::codes;
use crate::{Code, Delivery, Injection, Verdict, inject, story};

/// Volume, init container and mount, as far as they are not there.
pub(super) fn bring_in(
    editor: &mut Editor<'_>,
    pod: PodView<'_>,
    container: &Observed<'_>,
    decision: &Decision,
    injection: &Injection,
) {
    if !matches!(decision.verdict, Verdict::Init | Verdict::Hook) {
        return;
    }
    let code = code(container, decision);
    // Another container of this pod may have brought it in a moment ago.
    let has_volume = inject::has_volume(pod) || inject::has_volume(PodView(editor.pod()));
    if !has_volume {
        editor.edit(
            &Edit::Volume(inject::volume(injection)),
            code,
            "softstop-init comes in this volume",
        );
    }
    let has_container = inject::has_container(pod) || inject::has_container(PodView(editor.pod()));
    if !has_container && injection.delivery == Delivery::EmptyDir {
        let edit = Edit::InitContainer(inject::container(injection));
        editor.edit(&edit, code, "it copies softstop-init into the volume");
    }
    if !inject::has_mount(container.view) {
        let edit = Edit::Mount {
            container: container.pointer.clone(),
            mount: inject::mount(),
        };
        editor.edit(&edit, code, "the container runs softstop-init from there");
    }
}

/// softstop-init in front of the command. The pod's words stay as they are written; the image's are written out, with
/// every `$` doubled, because the kubelet expands what stands in a pod.
pub(super) fn entrypoint(editor: &mut Editor<'_>, container: &Observed<'_>, decision: &Decision) {
    if decision.verdict != Verdict::Init {
        return;
    }
    let mut command = vec![inject::PROGRAM.to_owned()];
    if let Some(signal) = decision.signal {
        command.extend(["--signal".to_owned(), signal.to_string()]);
    }
    command.push("--".to_owned());
    let mut args = Vec::new();
    for arg in &container.argv.args {
        match arg.place {
            Place::Command(_) => command.push(arg.raw.to_owned()),
            Place::Entrypoint(_) => command.push(arg.raw.replace('$', "$$")),
            Place::Cmd(_) => args.push(arg.raw.replace('$', "$$")),
            Place::Args(_) => {}
        }
    }
    let edit = Edit::Command {
        container: container.pointer.clone(),
        command: Some(command),
        args: (!args.is_empty()).then_some(args),
    };
    let reason = format!(
        "softstop-init becomes PID 1 and passes the stop signal on: {}",
        decision.why
    );
    editor.edit(&edit, code(container, decision), &reason);
}

/// softstop-init as the preStop hook: it carries the delay itself.
pub(super) fn hook(
    container: &Observed<'_>,
    decision: &Decision,
    share: &Share,
) -> (Value, Code, String) {
    let mut command = vec![
        inject::PROGRAM.to_owned(),
        "drain".into(),
        "--delay".into(),
        share.delay.to_string(),
    ];
    if let Some(seconds) = share.worked_for.filter(|&seconds| seconds > share.delay) {
        command.extend(["--grace".to_owned(), seconds.to_string()]);
    }
    if let Some(signal) = decision.signal {
        command.extend(["--signal".to_owned(), signal.to_string()]);
    }
    let reason = format!(
        "softstop-init drains the programs that really run: {}",
        decision.why
    );
    (
        json!({ "exec": { "command": command } }),
        code(container, decision),
        reason,
    )
}

/// The finding that the injection repairs.
fn code(container: &Observed<'_>, decision: &Decision) -> Code {
    match decision.reason {
        "argv-unknown" | "argv-unproven" => codes::ARGV_UNKNOWN,
        "script-file" | "unknown-program" | "named-program" => codes::START_SCRIPT,
        "trap" => codes::TRAP,
        "launcher-swallows" => codes::LAUNCHER_SWALLOWS,
        "group-signal" => codes::GROUP_SIGNAL,
        "pid1-hazard" | "not-pid1" => codes::PID1_HAZARD,
        "other-signal" => codes::OTHER_SIGNAL,
        _ if story::init_before_shell(container) => codes::INIT_BEFORE_SHELL,
        _ => codes::SHELL_SWALLOWS_SIGNAL,
    }
}
