//! What breaks when a program becomes PID 1: signals from inside the container no longer reach it, login shells and
//! sourced files replace programs by functions.

use serde_json::Value;
use softstop_programs::base_name;

use crate::observe::Observed;
use crate::observe::runs::Script;
use crate::pod::{PodView, items};

/// Programs that send signals.
const KILLERS: [&str; 3] = ["kill", "pkill", "killall"];

/// Commands that login shells and sourced files often define as functions, which `exec` would bypass.
const OFTEN_FUNCTIONS: [&str; 14] = [
    "conda",
    "mamba",
    "micromamba",
    "nvm",
    "rvm",
    "pyenv",
    "rbenv",
    "sdk",
    "asdf",
    "module",
    "spack",
    "workon",
    "deactivate",
    "activate",
];

/// The hazard that keeps the program from being PID 1, in words.
pub(crate) fn find(
    container: &Observed<'_>,
    sends_signals: bool,
    script: &Script,
) -> Option<&'static str> {
    let often_function = script
        .tails
        .iter()
        .any(|program| OFTEN_FUNCTIONS.contains(&program.name.as_str()));
    if kills_itself_on_error(container) {
        Some("a JVM option kills the process by signal, which does nothing to PID 1")
    } else if sends_signals {
        Some(
            "a hook or probe of the pod sends signals from inside the container, which PID 1 may not get",
        )
    } else if script.login && often_function {
        Some("in a login shell this command is often a function, which exec would bypass")
    } else if script.reading.trusted.is_some() && often_function {
        Some("after a file is sourced this command is often a function, which exec would bypass")
    } else {
        None
    }
}

/// Whether a hook or probe of the pod runs a program that sends signals.
pub(crate) fn sends_signals(pod: PodView<'_>) -> bool {
    pod.containers()
        .chain(pod.init_containers())
        .any(|container| {
            let probes = ["livenessProbe", "readinessProbe", "startupProbe"]
                .into_iter()
                .filter_map(|probe| container.get(probe));
            let lifecycle = container.get("lifecycle");
            let hooks = ["postStart", "preStop"]
                .into_iter()
                .filter_map(|hook| lifecycle?.get(hook));
            probes.chain(hooks).any(runs_kill)
        })
}

/// `-XX:OnOutOfMemoryError="kill -9 %p"` (measured with JDK 17: PID 1 goes on running), `-XX:OnError` likewise.
fn kills_itself_on_error(container: &Observed<'_>) -> bool {
    let option = |text: &str| text.contains("OnOutOfMemoryError") || text.contains("-XX:OnError");
    container.argv.words.iter().any(|word| option(&word.text))
        || container
            .env
            .names()
            .any(|name| container.env.value(name).is_some_and(option))
}

fn runs_kill(hook: &Value) -> bool {
    let words =
        || items(hook.get("exec").and_then(|exec| exec.get("command"))).filter_map(Value::as_str);
    words()
        .flat_map(|word| word.split(|c: char| !(c.is_ascii_alphanumeric() || "/_-.".contains(c))))
        .any(|word| KILLERS.contains(&base_name(word)))
}
