//! What each rule says, and what it must not say.

use serde_json::{Value, json};

use crate::testing::{World, injection, plan_with};

pub(super) fn argv(words: &[&str]) -> Value {
    json!({ "spec": { "containers": [{ "name": "main", "image": "x", "command": words }] } })
}

pub(super) fn shell(script: &str) -> Value {
    argv(&["sh", "-c", script])
}

pub(super) fn with(mut pod: Value, field: &str, value: Value) -> Value {
    pod["spec"]["containers"][0][field] = value;
    pod
}

/// The codes of the findings that are left open, and of those that are repaired.
fn codes(pod: &Value) -> (Vec<&'static str>, Vec<&'static str>) {
    let findings = plan_with(pod, &World::default()).findings;
    let (repaired, open): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.repaired);
    let codes = |findings: Vec<&crate::Finding>| findings.iter().map(|f| f.code().0).collect();
    (codes(open), codes(repaired))
}

#[track_caller]
pub(super) fn says(pod: &Value, code: &str) {
    let (open, repaired) = codes(pod);
    assert!(
        open.contains(&code) || repaired.contains(&code),
        "{code} is missing: {open:?} {repaired:?} {pod}"
    );
}

#[track_caller]
pub(super) fn is_silent(pod: &Value, code: &str) {
    let (open, repaired) = codes(pod);
    assert!(
        !open.contains(&code) && !repaired.contains(&code),
        "{code}: {pod}"
    );
}

#[test]
fn a_launcher_in_front_of_a_shell_keeps_the_signal_too() {
    for pod in [
        argv(&["flock", "/l", "sh", "-c", "exec gunicorn app:app"]),
        argv(&["flock", "/l", "sh", "-c", "gunicorn app:app"]),
        shell("flock /l gunicorn app:app"),
    ] {
        says(&pod, "SS105");
        let plan = plan_with(&pod, &World::default());
        assert_eq!(plan.containers[0].reason, "launcher-swallows");
        assert!(
            plan.changes
                .iter()
                .all(|change| change.code.is_none_or(|code| code.0 != "SS101"))
        );
    }
}

#[test]
fn a_rewritten_signal_is_the_one_that_arrives() {
    let nginx = argv(&[
        "dumb-init",
        "--rewrite",
        "15:3",
        "nginx",
        "-g",
        "daemon off;",
    ]);
    is_silent(&nginx, "SS201");
    assert_eq!(
        plan_with(&nginx, &World::default()).containers[0].reason,
        "drains-on-stopsignal"
    );
    says(&argv(&["dumb-init", "nginx"]), "SS201");
}

#[test]
fn words_that_the_script_uses_are_not_lost() {
    let words = |script: &str| argv(&["sh", "-c", script, "zero", "one"]);
    says(&words("exec gunicorn app --workers ${WORKERS}"), "SS106");
    for script in [
        "exec gunicorn -w $2 app",
        "exec app \"$@\"",
        "shift; exec app",
        "for a; do echo $a; done",
        "exec ${1:-app}",
    ] {
        is_silent(&words(script), "SS106");
    }
}

#[test]
fn die_on_term_is_fine_beside_a_hook_of_the_users_own() {
    let uwsgi = argv(&["uwsgi", "--master", "--die-on-term"]);
    says(&uwsgi, "SS203");
    says(
        &with(
            argv(&["uwsgi", "--master"]),
            "env",
            json!([{ "name": "UWSGI_DIE_ON_TERM", "value": "1" }]),
        ),
        "SS203",
    );
    is_silent(
        &argv(&[
            "uwsgi",
            "--die-on-term",
            "--hook-master-start",
            "unix_signal:15 x",
        ]),
        "SS203",
    );
    is_silent(
        &shell("exec env UWSGI_HOOK_MASTER_START=x uwsgi --die-on-term"),
        "SS203",
    );
    is_silent(&argv(&["uwsgi", "--master"]), "SS203");
}

#[test]
fn only_pid_1_ignores_what_it_does_not_handle() {
    says(&argv(&["sleep", "infinity"]), "SS204");
    is_silent(&argv(&["tini", "--", "sleep", "infinity"]), "SS204");
    let mut shared = argv(&["sleep", "infinity"]);
    shared["spec"]["shareProcessNamespace"] = json!(true);
    is_silent(&shared, "SS204");
    is_silent(&shell("sleep infinity"), "SS101");
}

#[test]
fn a_shell_without_a_script_has_nothing_to_lose() {
    is_silent(&argv(&["sh"]), "SS101");
    is_silent(&argv(&["sh"]), "SS102");
}

#[test]
fn what_hears_no_signal_is_not_said_to_stop_at_once() {
    is_silent(&shell("daphne app & wait"), "SS202");
    says(&argv(&["daphne", "app"]), "SS202");
    says(&shell("daphne app"), "SS202");
}

#[test]
fn gunicorns_timeouts() {
    says(&argv(&["gunicorn", "--timeout", "120", "app"]), "SS205");
    for words in [
        &[
            "gunicorn",
            "--timeout",
            "120",
            "--graceful-timeout",
            "120",
            "app",
        ][..],
        &["gunicorn", "--timeout", "20", "app"],
        &["gunicorn", "-c", "conf.py", "--timeout", "120", "app"],
    ] {
        is_silent(&argv(words), "SS205");
    }
}

#[test]
fn traps() {
    for script in [
        "gunicorn app & c=$!; trap 'kill -TERM $c' TERM; wait $c",
        "trap 'exit 0' TERM; gunicorn app & wait",
        "trap 'kill 0' TERM; gunicorn app",
    ] {
        says(&shell(script), "SS104");
    }
    for script in [
        "gunicorn app & c=$!; trap 'kill -TERM $c; wait $c' TERM; wait $c",
        "gunicorn app & c=$!; trap 'kill -TERM $c' TERM; wait $c; trap - TERM; wait $c",
        "trap '' TERM; gunicorn app",
    ] {
        is_silent(&shell(script), "SS104");
    }
}

#[test]
fn bash_may_replace_itself() {
    let plan = plan_with(
        &argv(&["bash", "-c", "migrate && gunicorn app"]),
        &World::default(),
    );
    let finding = plan
        .findings
        .iter()
        .find(|finding| finding.code().0 == "SS101")
        .expect("SS101");
    assert_eq!(finding.severity, crate::Severity::Warning);
}

#[test]
fn a_hook_that_is_there_already_is_not_missed() {
    let mut pod = with(
        argv(&["app"]),
        "lifecycle",
        json!({ "preStop": { "sleep": { "seconds": 5 } } }),
    );
    pod["metadata"]["annotations"] = json!({ "softstop.dev/drain-delay": "5" });
    is_silent(&pod, "SS403");
    pod["metadata"]["annotations"] = json!({ "softstop.dev/drain-delay": "9" });
    says(&pod, "SS403");
}

#[test]
fn a_hook_on_a_port_that_is_not_there_is_not_added() {
    let mut pod = with(
        argv(&["app"]),
        "ports",
        json!([{ "name": "http", "containerPort": 80 }]),
    );
    pod["metadata"]["annotations"] = json!({ "softstop.dev/pre-stop": "GET :admin/drain" });
    assert!(codes(&pod).0.contains(&"SS404"));
    pod["metadata"]["annotations"] = json!({ "softstop.dev/pre-stop": "GET :http/drain" });
    assert!(codes(&pod).1.contains(&"SS404"));
}

#[test]
fn every_change_names_a_rule_that_speaks_of_it() {
    let mut shared = shell("gunicorn app");
    shared["spec"]["shareProcessNamespace"] = json!(true);
    let injecting = World {
        capabilities: injection(),
        ..World::default()
    };
    for pod in [
        shell("gunicorn app"),
        shared,
        argv(&["tini", "--", "sh", "-c", "gunicorn app"]),
        argv(&["uwsgi", "--master"]),
        argv(&["dumb-init", "celery", "-A", "x", "worker"]),
        argv(&["daphne", "app"]),
        argv(&["julia", "app.jl"]),
        argv(&["nginx"]),
        argv(&["npm", "start"]),
        argv(&["bash", "/start.sh"]),
        argv(&["tini", "-g", "--", "celery", "-A", "x", "worker"]),
        argv(&["tini", "--", "sh", "-c", "gunicorn app | tee log"]),
        shell("while true; do python job.py; done"),
        shell("service nginx start; tail -f /dev/null"),
        shell("gunicorn app & c=$!; trap 'kill -TERM $c' TERM; wait $c"),
        shell("java -XX:OnOutOfMemoryError='kill -9 %p' -jar a.jar"),
        json!({ "spec": { "containers": [{ "name": "main", "image": "x" }] } }),
        with(
            argv(&["gunicorn", "--graceful-timeout", "90", "app"]),
            "ports",
            json!([{ "containerPort": 80 }]),
        ),
    ] {
        for world in [&World::default(), &injecting] {
            let plan = plan_with(&pod, world);
            for code in plan.changes.iter().filter_map(|change| change.code) {
                let speaks = plan.findings.iter().any(|f| f.code() == code && f.repaired);
                assert!(speaks, "{code}: {pod}");
            }
        }
    }
}
#[test]
fn a_script_that_execs_leaves_no_shell_and_no_trap() {
    for script in [
        ". /env.sh; exec gunicorn app",
        "trap 'kill 0' TERM; exec gunicorn app",
        "trap 'kill 0' TERM; helper & exec gunicorn app",
        "eval \"$SETUP\"; if a; then exec gunicorn app; else exec uvicorn app; fi",
    ] {
        for code in ["SS101", "SS102", "SS104"] {
            is_silent(&shell(script), code);
        }
    }
    for script in [
        ". /env.sh; gunicorn app",
        ". /env.sh; if a; then exec gunicorn app; else uvicorn app; fi",
        ". /env.sh; if a; then exec gunicorn app; else uvicorn app | tee log; fi",
        ". /env.sh; exec gunicorn app | tee log",
        ". /env.sh; (exec gunicorn app)",
    ] {
        says(&shell(script), "SS101");
        says(&shell(script), "SS102");
    }
}

#[test]
fn words_after_a_script_that_lose_nothing() {
    let words = |script: &str, rest: &[&str]| argv(&[&["sh", "-c", script], rest].concat());
    for name in ["sh", "/bin/bash", "--", "_"] {
        is_silent(&words("exec gunicorn app", &[name]), "SS106");
        says(&words("exec gunicorn app", &[name, "--workers=4"]), "SS106");
    }
    says(&words("exec gunicorn app", &["--workers=4"]), "SS106");
    for script in [". /env.sh; exec app", "eval \"$RUN\""] {
        is_silent(&words(script, &["sh", "-v"]), "SS106");
    }
}

#[test]
fn a_group_signal_harms_any_branch() {
    let branches = "if a; then exec gunicorn app; else exec celery -A x worker; fi";
    let (open, repaired) = codes(&argv(&["dumb-init", "sh", "-c", branches]));
    assert!(repaired.contains(&"SS108"), "{open:?}");
    let (open, _) = codes(&argv(&["tini", "-g", "--", "sh", "-c", branches]));
    assert!(open.contains(&"SS108"));
    is_silent(&argv(&["tini", "--", "sh", "-c", branches]), "SS108");
}

#[test]
fn windows_has_no_signals_to_lose() {
    for (pod, code) in [
        (shell("gunicorn app"), "SS101"),
        (shell("gunicorn app | tee log"), "SS102"),
        (argv(&["tini", "sh", "-c", "gunicorn app"]), "SS103"),
        (argv(&["npm", "start"]), "SS105"),
        (argv(&["dumb-init", "celery", "-A", "x", "worker"]), "SS108"),
        (argv(&["bash", "/start.sh"]), "SS109"),
    ] {
        says(&pod, code);
        let mut windows = pod;
        windows["spec"]["os"] = json!({ "name": "windows" });
        is_silent(&windows, code);
    }
}
