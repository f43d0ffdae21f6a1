//! Programs whose own limit is shorter than the time their work had: how late they are told, and what is said of it.

use serde_json::{Value, json};

use super::tests_grace::{key, message, none, pod, policy};
use crate::Policy;
use crate::testing::{World, apply, injection, plan_with};

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
