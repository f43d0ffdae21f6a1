//! What breaks when a program becomes PID 1: signals from inside the container no longer reach it, login shells
//! replace programs by functions.

use serde_json::Value;
use softstop_programs::base_name;

use crate::observe::Observed;
use crate::observe::runs::Script;
use crate::pod::{PodView, items};

/// Programs that send signals.
const KILLERS: [&str; 3] = ["kill", "pkill", "killall"];

/// Commands that login shells often define as functions, which `exec` would bypass.
const LOGIN_FUNCTIONS: [&str; 14] = [
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
    pod: PodView<'_>,
    script: &Script,
) -> Option<&'static str> {
    if kills_itself_on_error(container) {
        return Some("a JVM option kills the process by signal, which does nothing to PID 1");
    }
    if pod
        .containers()
        .chain(pod.init_containers())
        .any(|container| {
            ["livenessProbe", "readinessProbe", "startupProbe"]
                .iter()
                .map(|probe| container.get(probe))
                .chain(
                    ["postStart", "preStop"]
                        .iter()
                        .map(|hook| container.get("lifecycle").and_then(|l| l.get(hook))),
                )
                .flatten()
                .any(runs_kill)
        })
    {
        return Some(
            "a hook or probe of the pod sends signals from inside the container, which PID 1 may not get",
        );
    }
    let function = |name: &str| LOGIN_FUNCTIONS.contains(&name);
    if script.login && script.tails.iter().any(|program| function(&program.name)) {
        return Some("in a login shell this command is often a function, which exec would bypass");
    }
    None
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
