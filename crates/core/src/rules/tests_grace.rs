//! The rules about grace, delay and the preStop slot: when they speak, and when they do not.

use serde_json::{Value, json};

use crate::testing::{World, apply, injection, plan_with};
use crate::{Entrypoint, Mode, Plan, Policies, Policy, PreStop};

/// A pod with one container `app`: its command, what else is in it, the grace, the annotations.
#[allow(clippy::needless_pass_by_value, reason = "the tables read better")]
fn pod(command: &[&str], container: Value, grace: Option<i64>, annotations: Value) -> Value {
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

fn policy(change: impl FnOnce(&mut Policy)) -> World {
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

fn message<'a>(plan: &'a Plan, code: &str) -> &'a str {
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

fn none() -> Value {
    json!({})
}

fn key(setting: &str, value: &str) -> Value {
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

/// Delay and grace that a pod gets. Planned again, nothing is left to do.
#[track_caller]
fn granted(pod: &Value, world: &World) -> (u64, u64) {
    let after = apply(pod, &plan_with(pod, world));
    let again = plan_with(&after, world);
    assert!(again.changes.is_empty(), "{pod}: {:?}", again.changes);
    let hook = &after["spec"]["containers"][0]["lifecycle"]["preStop"];
    let of_init = || hook.pointer("/exec/command/3")?.as_str()?.parse().ok();
    let delay = hook.pointer("/sleep/seconds").and_then(Value::as_u64);
    let grace = after["spec"]["terminationGracePeriodSeconds"].as_u64();
    (delay.or_else(of_init).unwrap_or(0), grace.unwrap_or(30))
}

/// Behind a shell that keeps the signal, work had the whole grace: delay and the program's own limit are no less.
#[test]
fn a_shorter_limit_of_the_programs_own_is_made_up_for() {
    let ports = || json!({ "ports": [{ "containerPort": 80 }] });
    let injects = World {
        capabilities: injection(),
        ..World::default()
    };
    let cases = [
        ("hypercorn a:b", None, 27, 35),
        ("daphne a:b", None, 30, 35),
        ("waitress-serve a:b", None, 25, 35),
        ("date | hypercorn a:b", None, 27, 35),
        // Its limit is longer than the grace; a worker gives its jobs back.
        ("gunicorn a:b", None, 5, 40),
        ("sidekiq", None, 5, 40),
        // Somebody said how long it takes, or how late the signal may come.
        ("hypercorn --graceful-timeout 3 a:b", None, 5, 30),
        ("hypercorn a:b", Some(("drain-time", "3s")), 5, 30),
        ("daphne a:b", Some(("drain-time", "3s")), 8, 30),
        ("hypercorn a:b", Some(("drain-delay", "5s")), 5, 35),
        // Its trap tells it.
        ("trap 'kill $!' TERM; hypercorn a:b & wait", None, 5, 35),
    ];
    for (script, setting, delay, grace) in cases {
        let annotations = setting.map_or_else(none, |(name, value)| key(name, value));
        let pod = pod(&["sh", "-c", script], ports(), None, annotations);
        assert_eq!(granted(&pod, &injects), (delay, grace), "{pod}");
    }

    let flock: &[&str] = &["flock", "/l", "hypercorn", "a:b"];
    let behind_init: &[&str] = &["tini", "--", "sh", "-c", "hypercorn a:b"];
    // It was told before: no shell, or an init that ends the shell at once.
    for (command, delay) in [(flock, 27), (&flock[2..], 5), (behind_init, 5)] {
        let pod = pod(command, ports(), None, none());
        assert_eq!(granted(&pod, &injects), (delay, 35), "{command:?}");
    }

    let shell = |container| pod(&["sh", "-c", "hypercorn a:b"], container, Some(30), none());
    // A container that nobody connects to, and where bounds and probes allow less.
    let probe = json!({ "ports": [{}], "livenessProbe": { "terminationGracePeriodSeconds": 20 } });
    let delay = policy(|p| p.bounds.drain_delay_max = Some(10));
    let grace = policy(|p| p.bounds.grace_max = Some(30));
    assert_eq!(granted(&shell(none()), &World::default()), (27, 35));
    assert_eq!(granted(&shell(probe), &World::default()), (19, 35));
    assert_eq!(granted(&shell(ports()), &delay), (10, 35));
    assert_eq!(granted(&shell(ports()), &grace), (22, 30));

    let endless = pod(
        &["sh", "-c", "waitress-serve a:b"],
        none(),
        Some(1_000_000),
        none(),
    );
    assert_eq!(
        granted(&endless, &injects).0,
        86_400,
        "softstop-init knows no longer delay"
    );
}

/// What only the live processes show is softstop-init's to make up for.
#[test]
fn behind_a_start_script_softstop_init_is_told_how_long_work_went_on() {
    let injects = |change: fn(&mut Policy)| World {
        capabilities: injection(),
        ..policy(change)
    };
    let nothing = || injects(|_| {});
    let bound = || injects(|p| p.bounds.drain_delay_max = Some(10));
    let probe = json!({ "livenessProbe": { "terminationGracePeriodSeconds": 20 } });
    let cases = [
        (none(), none(), nothing(), Some("30")),
        (none(), key("drain-delay", "5s"), nothing(), None),
        (none(), key("drain-time", "5s"), nothing(), None),
        (none(), none(), bound(), None),
        (probe, none(), nothing(), None),
        (none(), key("runtime", "hypercorn"), nothing(), Some("30")),
        (none(), key("runtime", "waitress"), nothing(), Some("30")),
    ];
    for (container, annotations, world, expected) in cases {
        let pod = pod(&["/start.sh"], container, None, annotations);
        let after = apply(&pod, &plan_with(&pod, &world));
        let hook = &after["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"];
        let words = hook.as_array().expect("a hook").iter();
        let given = words.skip_while(|&word| word != "--grace").nth(1);
        assert_eq!(given.and_then(Value::as_str), expected, "{pod}: {hook}");
        assert!(plan_with(&after, &world).changes.is_empty(), "{after}");
    }
}

#[test]
fn a_longer_delay_says_why() {
    let told = |script: &str| {
        let pod = pod(&["sh", "-c", script], none(), None, none());
        message(&plan_with(&pod, &World::default()), "SS309").to_owned()
    };
    assert_eq!(
        told("hypercorn a:b"),
        "Hypercorn gives its work 3 s once it is told to stop (Hypercorn's default), where it had 30 s: the signal has to wait 27 s"
    );
    assert_eq!(
        told("daphne a:b"),
        "Daphne drops its work once it is told to stop, where it had 30 s: the signal has to wait 30 s"
    );
}
