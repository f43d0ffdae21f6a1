//! Rules about the signal and the pod around it: what is not told, and what may be set where nobody sees it.

use serde_json::{Value, json};

use super::tests::{argv, is_silent, says, shell, with};
use crate::testing::{World, injection, plan_with};

fn annotated(mut pod: Value, key: &str, value: &str) -> Value {
    pod["metadata"]["annotations"] = json!({ key: value });
    pod
}

#[test]
fn what_never_gets_the_signal_is_not_judged_by_it() {
    for pod in [
        argv(&["flock", "/l", "nginx"]),
        shell("nginx"),
        shell("flock /l nginx"),
    ] {
        is_silent(&pod, "SS201");
    }
    is_silent(&argv(&["flock", "/l", "daphne", "app"]), "SS202");
    is_silent(&shell("uwsgi --master --die-on-term; true"), "SS203");
    let hook = json!([{ "name": "UWSGI_HOOK_MASTER_START", "value": "x" }]);
    is_silent(
        &with(shell("uwsgi --master; true"), "env", hook.clone()),
        "SS207",
    );
    says(&with(argv(&["uwsgi", "--master"]), "env", hook), "SS207");
    says(&argv(&["nginx"]), "SS201");
    says(&shell("exec nginx"), "SS201");
}

#[test]
fn what_softstop_init_sends_is_told() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    let plan = plan_with(&shell("nginx"), &world);
    let finding = plan.findings.iter().find(|f| f.code().0 == "SS201");
    let finding = finding.expect("the hook's change names SS201");
    assert!(finding.repaired);
    let on_stop = finding.on_stop.as_deref().unwrap_or_default();
    assert!(on_stop.contains("shell is PID 1"), "{on_stop}");
}

#[test]
fn a_hook_that_is_asked_for_takes_care_of_the_drain() {
    let key = "softstop.dev/pre-stop";
    let nginx = annotated(argv(&["nginx"]), key, r#"["nginx", "-s", "quit"]"#);
    is_silent(&nginx, "SS201");
    is_silent(
        &annotated(argv(&["daphne", "app"]), key, "GET :80/drain"),
        "SS202",
    );
}

#[test]
fn die_on_term_set_for_the_program_alone() {
    says(
        &argv(&["env", "UWSGI_DIE_ON_TERM=1", "uwsgi", "--master"]),
        "SS203",
    );
    is_silent(
        &argv(&["env", "UWSGI_DIE_ON_TERM=false", "uwsgi", "--master"]),
        "SS203",
    );
}

#[test]
fn gunicorn_may_be_configured_where_nobody_sees_it() {
    let slow = || argv(&["gunicorn", "--timeout", "120", "app"]);
    let args = |value: &str| json!([{ "name": "GUNICORN_CMD_ARGS", "value": value }]);
    let secret = json!({ "secretKeyRef": { "name": "s", "key": "k" } });
    for pod in [
        with(slow(), "env", args("-c conf.py")),
        with(
            slow(),
            "env",
            json!([{ "name": "GUNICORN_CMD_ARGS", "valueFrom": secret }]),
        ),
        with(slow(), "envFrom", json!([{ "secretRef": { "name": "s" } }])),
    ] {
        is_silent(&pod, "SS205");
    }
    says(&with(slow(), "env", args("--workers 4")), "SS205");
    says(&argv(&["gunicorn", "-t120", "app"]), "SS205");
}

#[test]
fn gunicorns_heartbeat_files_may_be_elsewhere() {
    let read_only = |words: &[&str]| {
        with(
            argv(words),
            "securityContext",
            json!({ "readOnlyRootFilesystem": true }),
        )
    };
    let plain = || read_only(&["gunicorn", "app"]);
    says(&plain(), "SS501");
    let mounted = |path: &str| json!([{ "name": "t", "mountPath": path }]);
    let args = json!([{ "name": "GUNICORN_CMD_ARGS", "value": "--worker-tmp-dir=/dev/shm" }]);
    for pod in [
        read_only(&["gunicorn", "--worker-tmp-dir", "/dev/shm", "app"]),
        read_only(&["gunicorn", "-c", "conf.py", "app"]),
        with(plain(), "env", args),
        with(plain(), "env", json!([{ "name": "TMP", "value": "/data" }])),
        with(plain(), "volumeMounts", mounted("/tmp")),
        with(plain(), "volumeMounts", mounted("/var/tmp")),
    ] {
        is_silent(&pod, "SS501");
    }
}

#[test]
fn a_shell_that_ends_with_nothing_to_lose_in_a_shared_namespace() {
    let shared = |mut pod: Value| {
        pod["spec"]["shareProcessNamespace"] = json!(true);
        pod
    };
    says(&shared(shell("gunicorn app")), "SS502");
    is_silent(&shared(shell("sleep infinity")), "SS502");
    let bash = argv(&["bash", "-c", "migrate && gunicorn app"]);
    is_silent(&shared(bash), "SS502");
}
