//! The rules about grace, delay and the preStop slot: when they speak, and when they do not.

use serde_json::{Value, json};

use crate::testing::{World, apply, plan_with};
use crate::{Entrypoint, Mode, Plan, Policies, Policy, PreStop};

/// A pod with one container `app`: its command, what else is in it, the grace, the annotations.
#[allow(clippy::needless_pass_by_value, reason = "the tables read better")]
pub(super) fn pod(
    command: &[&str],
    container: Value,
    grace: Option<i64>,
    annotations: Value,
) -> Value {
    let mut app = json!({ "name": "app", "image": "example/app", "command": command });
    for (key, value) in container.as_object().expect("fields") {
        app[key] = value.clone();
    }
    let mut pod =
        json!({ "metadata": { "annotations": annotations }, "spec": { "containers": [app] } });
    if let Some(grace) = grace {
        pod["spec"]["terminationGracePeriodSeconds"] = json!(grace);
    }
    pod
}

pub(super) fn policy(change: impl FnOnce(&mut Policy)) -> World {
    let mut policy = Policy::new("p", Mode::Enforce, Entrypoint::Auto);
    change(&mut policy);
    World {
        policies: Policies::new(vec![policy]),
        ..World::default()
    }
}

/// `SS301 error repaired`, `SS302 error`: what the rules of 3xx and 4xx say.
fn said(plan: &Plan) -> Vec<String> {
    plan.findings
        .iter()
        .filter(|f| f.code().0.starts_with("SS3") || f.code().0.starts_with("SS4"))
        .map(|f| {
            let repaired = if f.repaired { " repaired" } else { "" };
            format!("{} {}{repaired}", f.code(), f.severity.as_str())
        })
        .collect()
}

pub(super) fn message<'a>(plan: &'a Plan, code: &str) -> &'a str {
    let finding = plan.findings.iter().find(|f| f.code().0 == code);
    &finding.expect("a finding of that code").message
}

const SERVER: &[&str] = &["/app/server"];
const GUNICORN: &[&str] = &["gunicorn", "app:app"];
const GUNICORN_90: &[&str] = &["gunicorn", "--graceful-timeout", "90", "app:app"];
const CELERY: &[&str] = &["celery", "-A", "app", "worker"];

fn sleep(seconds: u64) -> Value {
    json!({ "lifecycle": { "preStop": { "sleep": { "seconds": seconds } } } })
}

fn exec(argv: &[&str]) -> Value {
    json!({ "lifecycle": { "preStop": { "exec": { "command": argv } } } })
}

/// Compares what is said of each pod, joined by commas.
fn expect(cases: &[(Value, &str)]) {
    for (pod, expected) in cases {
        let said = said(&plan_with(pod, &World::default())).join(", ");
        assert_eq!(said, *expected, "{pod}");
    }
}

pub(super) fn none() -> Value {
    json!({})
}

pub(super) fn key(setting: &str, value: &str) -> Value {
    json!({ (format!("softstop.dev/{setting}")): value })
}

#[test]
fn graces_and_probes() {
    let ports = json!({ "ports": [{ "containerPort": 80 }] });
    let probe = |grace: u64| json!({ "livenessProbe": { "terminationGracePeriodSeconds": grace } });
    expect(&[
        // 301: configured, only the margin missing, a default, the delay only, the setting only.
        (
            pod(GUNICORN_90, none(), None, none()),
            "SS301 error repaired",
        ),
        (
            pod(GUNICORN_90, none(), Some(90), none()),
            "SS301 warning repaired",
        ),
        (pod(GUNICORN_90, none(), Some(95), none()), ""),
        (
            pod(GUNICORN, none(), Some(10), none()),
            "SS301 warning repaired",
        ),
        (
            pod(SERVER, ports.clone(), None, none()),
            "SS301 info repaired, SS401 warning repaired",
        ),
        (
            pod(SERVER, none(), None, key("grace-period", "2m")),
            "SS301 info repaired",
        ),
        (
            pod(SERVER, none(), Some(120), key("grace-period", "1m")),
            "",
        ),
        // 302 and 303: no time left, refused; repaired where the drain time is known.
        (pod(SERVER, sleep(28), None, none()), ""),
        (pod(SERVER, sleep(29), None, none()), "SS302 error"),
        (
            pod(SERVER, sleep(31), None, none()),
            "SS301 info repaired, SS303 error repaired",
        ),
        (
            pod(SERVER, exec(&["sleep", "60"]), None, none()),
            "SS301 info repaired, SS302 error, SS402 info",
        ),
        (
            pod(GUNICORN_90, sleep(30), None, none()),
            "SS301 error repaired, SS302 error repaired",
        ),
        // 304: meant, or asked to be more.
        (
            pod(SERVER, ports.clone(), Some(0), none()),
            "SS401 warning, SS304 warning",
        ),
        (pod(SERVER, none(), Some(-1), none()), "SS304 warning"),
        (pod(SERVER, none(), Some(2), none()), ""),
        (
            pod(SERVER, none(), Some(1), key("drain-time", "20s")),
            "SS301 error repaired, SS304 warning repaired",
        ),
        (pod(SERVER, none(), Some(0), key("entrypoint", "off")), ""),
        // 305: the delay, the hook, the configured drain; not a default.
        (
            pod(
                SERVER,
                json!({ "ports": [{}], "startupProbe": { "terminationGracePeriodSeconds": 5 } }),
                None,
                none(),
            ),
            "SS401 warning, SS305 warning",
        ),
        (
            pod(
                SERVER,
                json!({ "ports": [{}], "startupProbe": { "terminationGracePeriodSeconds": 6 } }),
                None,
                none(),
            ),
            "SS301 info repaired, SS401 warning repaired",
        ),
        (
            pod(GUNICORN_90, probe(10), Some(100), none()),
            "SS305 warning",
        ),
        (pod(GUNICORN, probe(10), Some(100), none()), ""),
        (pod(SERVER, probe(10), Some(100), none()), ""),
    ]);
}

#[test]
fn workers_hooks_and_slots() {
    expect(&[
        // 307: workers only, and only where nobody connects.
        (pod(CELERY, sleep(5), Some(600), none()), "SS307 info"),
        (
            pod(CELERY, none(), Some(600), key("drain-delay", "5")),
            "SS307 info, SS301 info repaired",
        ),
        (pod(CELERY, none(), Some(600), key("drain-delay", "0")), ""),
        (pod(CELERY, none(), Some(600), none()), ""),
        (pod(GUNICORN, sleep(5), Some(600), none()), ""),
        // 308 and 402: what a hook does.
        (
            pod(SERVER, exec(&["/bin/drain"]), None, none()),
            "SS308 info",
        ),
        (
            pod(SERVER, exec(&["sh", "-c", "sleep 5"]), None, none()),
            "SS402 info",
        ),
        (
            pod(
                SERVER,
                exec(&["/softstop/softstop-init", "sleep", "5"]),
                None,
                none(),
            ),
            "",
        ),
        (pod(SERVER, sleep(5), None, none()), ""),
        // 403: another hook than the one that is asked for.
        (
            pod(SERVER, sleep(5), None, key("drain-delay", "20")),
            "SS403 warning",
        ),
        (pod(SERVER, sleep(5), None, key("drain-delay", "5s")), ""),
        (
            pod(SERVER, sleep(5), None, key("pre-stop", r#"["/bin/drain"]"#)),
            "SS403 warning",
        ),
        (
            pod(
                SERVER,
                exec(&["/bin/drain"]),
                None,
                key("pre-stop", r#"["/bin/drain"]"#),
            ),
            "SS308 info",
        ),
        // 404: asked for, and a port that is not there.
        (
            pod(SERVER, none(), None, key("pre-stop", "GET :80/drain")),
            "SS404 info repaired",
        ),
        (
            pod(SERVER, none(), None, key("pre-stop", "GET :http/drain")),
            "SS404 warning",
        ),
        (
            pod(
                SERVER,
                json!({ "ports": [{ "name": "http" }] }),
                Some(60),
                key("pre-stop", "GET :http/drain"),
            ),
            "SS404 info repaired, SS401 warning repaired",
        ),
    ]);
}

#[test]
fn bounds_are_named() {
    let ports = json!({ "ports": [{ "containerPort": 80 }] });
    let grace = |max| policy(|p| p.bounds.grace_max = Some(max));
    let plan = plan_with(&pod(GUNICORN_90, json!({}), None, json!({})), &grace(60));
    assert_eq!(said(&plan), ["SS301 error", "SS306 warning"]);
    assert_eq!(
        message(&plan, "SS306"),
        "policy p keeps the grace at 60 s, 95 s are needed"
    );

    let plan = plan_with(&pod(SERVER, ports, None, json!({})), &grace(33));
    assert_eq!(
        message(&plan, "SS306"),
        "policy p keeps the grace at 33 s: 3 s of delay are left, 5 s are wanted"
    );

    let asks = json!({ "softstop.dev/drain-delay": "20" });
    let delay = policy(|p| p.bounds.drain_delay_max = Some(8));
    let plan = plan_with(&pod(SERVER, json!({}), None, asks), &delay);
    assert_eq!(
        message(&plan, "SS306"),
        "policy p allows a delay of at most 8 s, 20 s are asked for by the pod's annotation"
    );
    let roomy = plan_with(&pod(GUNICORN_90, json!({}), None, json!({})), &grace(95));
    assert_eq!(said(&roomy), ["SS301 error repaired"]);
}

#[test]
fn the_container_that_takes_longest_is_named_with_its_parts() {
    let plan = plan_with(
        &pod(GUNICORN_90, sleep(5), Some(30), json!({})),
        &World::default(),
    );
    assert_eq!(
        message(&plan, "SS301"),
        "app needs 100 s to stop (delay 5, drain 90 by --graceful-timeout, margin 5), the grace is 30 s"
    );
    let ports = json!({ "ports": [{ "containerPort": 80 }] });
    for command in [SERVER, GUNICORN] {
        let plan = plan_with(
            &pod(command, ports.clone(), Some(60), json!({})),
            &World::default(),
        );
        assert_eq!(
            message(&plan, "SS301"),
            "app needs 65 s to stop (delay 5, the 60 it had), the grace is 60 s"
        );
    }
}

#[test]
fn softstops_own_hooks_are_not_in_its_way() {
    let asks = [
        json!({ "softstop.dev/drain-delay": "20" }),
        json!({ "softstop.dev/pre-stop": r#"["/bin/drain"]"# }),
        json!({ "softstop.dev/pre-stop": "GET :80/drain" }),
    ];
    for annotations in asks {
        let before = pod(SERVER, json!({}), None, annotations);
        for world in [
            World::default(),
            policy(|p| p.bounds.drain_delay_max = Some(8)),
        ] {
            let after = apply(&before, &plan_with(&before, &world));
            assert!(
                after
                    .pointer("/spec/containers/0/lifecycle/preStop")
                    .is_some()
            );
            let again = said(&plan_with(&after, &world)).join(", ");
            assert!(!again.contains("SS40"), "{after}: {again}");
        }
    }
}

#[test]
fn a_grace_of_0_gets_no_hook_of_a_policy() {
    let world = policy(|p| p.pre_stop = Some(PreStop::Exec(vec!["/bin/drain".into()])));
    let meant = pod(SERVER, json!({}), Some(0), json!({}));
    let plan = plan_with(&meant, &world);
    assert!(plan.changes.is_empty(), "{:?}", plan.changes);
    assert_eq!(said(&plan), ["SS304 warning"]);
}
