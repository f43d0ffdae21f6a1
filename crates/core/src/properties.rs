//! What holds for every pod.

mod strategy;
mod wide;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::testing::{World, apply, injection, plan_with};
use crate::{
    Bounds, Capabilities, Entrypoint, Mode, OpKind, Policies, Policy, Selector, Setting, Verdict,
    Violations,
};

/// Scripts as they are found in manifests.
const SCRIPTS: [&str; 16] = [
    "gunicorn app:app",
    "python manage.py migrate && gunicorn app:app --graceful-timeout 60",
    "set -e; cd /app; exec celery -A app worker",
    "celery -A app worker",
    "gunicorn app | tee log",
    "while true; do python job.py; sleep 1; done",
    "nginx -g 'daemon off;'",
    "trap 'kill $P' TERM; app & P=$!; wait $P",
    "julia app.jl; rc=$?; exit $rc",
    "if [ -n \"$X\" ]; then exec a; else uwsgi --master; fi",
    "daphne app:app",
    "service nginx start; tail -f /dev/null",
    "FOO=$(HOST) $$ app \"$(date)\"",
    "cat <<E\nx\nE\napp",
    "",
    "( [[ é",
];

const ARGVS: [&[&str]; 9] = [
    &["gunicorn", "app"],
    &["tini", "--", "sh", "-c", "gunicorn app"],
    &["dumb-init", "celery", "-A", "x", "worker"],
    &["uwsgi", "--die-on-term"],
    &["/start.sh"],
    &["sleep", "infinity"],
    &["npm", "start"],
    &["python", "job.py"],
    &["/.softstop/softstop-init", "--", "x"],
];

fn command() -> impl Strategy<Value = Value> {
    let script = proptest::sample::select(&SCRIPTS[..]);
    let shell = proptest::sample::select(&["sh", "bash", "/bin/dash", "zsh"][..]);
    let argv = proptest::sample::select(&ARGVS[..]);
    prop_oneof![
        Just(Value::Null),
        (shell, script).prop_map(|(shell, script)| json!([shell, "-c", script])),
        argv.prop_map(|argv| json!(argv)),
    ]
}

fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(2),
        Just(30),
        0_i64..600,
        Just(-5),
        Just(i64::MAX),
        Just(1_000_000_000)
    ]
}

fn pre_stop() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => Just(Value::Null),
        1 => (0_i64..20).prop_map(|s| json!({ "preStop": { "sleep": { "seconds": s } } })),
        1 => Just(json!({ "preStop": { "exec": { "command": ["/drain"] } } })),
        1 => Just(json!({ "postStart": { "exec": { "command": ["/x"] } } })),
    ]
}

prop_compose! {
    fn container()(
        command in command(),
        lifecycle in pre_stop(),
        serves in any::<bool>(),
        probe_grace in proptest::option::of(1_i64..40),
        env in prop_oneof![Just(json!(null)), Just(json!([{ "name": "HOST", "value": "a" }])), Just(json!([{ "name": "DUMB_INIT_SETSID", "value": "1" }]))],
        env_from in any::<bool>(),
        mounts in prop_oneof![Just(json!(null)), Just(json!([{ "name": "v", "mountPath": "/run" }]))],
        future in any::<bool>(),
    ) -> Value {
        let mut container = json!({ "image": "example/app:1" });
        for (field, value) in [("command", command), ("lifecycle", lifecycle), ("env", env), ("volumeMounts", mounts)] {
            // An absent field and an explicit null are both met.
            if !value.is_null() || future {
                container[field] = value;
            }
        }
        if serves {
            container["ports"] = json!([{ "containerPort": 80 }]);
        }
        if let Some(grace) = probe_grace {
            container["livenessProbe"] = json!({ "terminationGracePeriodSeconds": grace, "tcpSocket": { "port": 80 } });
        }
        if env_from {
            container["envFrom"] = json!([{ "configMapRef": { "name": "c" } }]);
        }
        if future {
            container["newerThanThisCrate"] = json!({ "x": [1, null] });
        }
        container
    }
}

fn annotations() -> impl Strategy<Value = Map<String, Value>> {
    let key = proptest::sample::select(
        &[
            "softstop.dev/drain-delay",
            "softstop.dev/drain-time",
            "softstop.dev/grace-period",
            "softstop.dev/entrypoint",
            "softstop.dev/pre-stop",
            "softstop.dev/writable",
            "softstop.dev/stop-signal",
            "softstop.dev/runtime",
            "softstop.dev/trust-sourced-files",
            "entrypoint.softstop.dev/c0",
            "drain-time.softstop.dev/c1",
            "softstop.dev/status",
            "softstop.dev/nonsense",
            "other/key",
        ][..],
    );
    let value = proptest::sample::select(
        &[
            "0",
            "true",
            "5",
            "90s",
            "24h",
            "soon",
            "exec",
            "init",
            "hook",
            "off",
            "auto",
            "[\"/x\"]",
            "GET :80/x",
            "/run,/tmp",
            "SIGQUIT",
            "nginx",
            "none",
        ][..],
    );
    proptest::collection::vec((key, value), 0..4).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(k, v)| (k.to_owned(), json!(v)))
            .collect()
    })
}

prop_compose! {
    fn pod()(
        containers in proptest::collection::vec(container(), 1..4),
        grace in proptest::option::of(seconds()),
        annotations in annotations(),
        bare in any::<bool>(),
        flags in proptest::sample::subsequence(&["hostPID", "shareProcessNamespace"][..], 0..=1),
        owner in prop_oneof![Just("ReplicaSet"), Just("Job")],
        windows in proptest::bool::weighted(0.1),
    ) -> Value {
        let mut pod = json!({ "spec": { "containers": containers, "volumes": [{ "name": "v", "emptyDir": {} }] } });
        for (index, container) in pod["spec"]["containers"].as_array_mut().into_iter().flatten().enumerate() {
            container["name"] = json!(format!("c{index}"));
        }
        if let Some(grace) = grace {
            pod["spec"]["terminationGracePeriodSeconds"] = json!(grace);
        }
        if !bare {
            pod["metadata"] = json!({ "annotations": annotations, "ownerReferences": [{ "kind": owner }] });
        }
        for flag in flags {
            pod["spec"][flag] = json!(true);
        }
        if windows {
            pod["spec"]["os"] = json!({ "name": "windows" });
        }
        pod
    }
}

prop_compose! {
    fn world()(
        inject in any::<bool>(),
        policy in proptest::option::of((
            prop_oneof![Just(Mode::Enforce), Just(Mode::Audit)],
            proptest::option::of(0_u32..200),
            proptest::option::of(0_u32..200),
            proptest::option::of(0_u32..20),
            prop_oneof![Just(Entrypoint::Exec), Just(Entrypoint::Auto)],
            proptest::sample::subsequence(Setting::ALL.to_vec(), 0..4),
        )),
    ) -> World {
        let policy = policy.map(|(mode, grace_max, grace_min, drain_delay_max, entrypoint, locked)| Policy {
            name: "p".into(),
            priority: 0,
            namespaces: Selector::default(),
            pods: Selector::default(),
            mode,
            locked: locked.into_iter().collect(),
            bounds: Bounds { grace_min, grace_max, drain_delay_max },
            violations: Violations::Allow,
            entrypoint,
            drain_delay: None,
            drain_time: None,
            grace_period: None,
            pre_stop: None,
            stop_signal: None,
            runtime: None,
            writable: Vec::new(),
            trust_sourced_files: None,
        });
        World {
            policies: Policies::new(policy),
            capabilities: if inject { injection() } else { Capabilities::default() },
            ..World::default()
        }
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let key = prop_oneof![
            proptest::sample::select(
                &[
                    "spec",
                    "metadata",
                    "containers",
                    "command",
                    "args",
                    "env",
                    "name",
                    "annotations",
                    "lifecycle",
                    "preStop",
                    "exec",
                    "ports"
                ][..]
            )
            .prop_map(str::to_owned),
            ".{0,6}".prop_map(String::from),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn grace(pod: &Value) -> i64 {
    pod["spec"]["terminationGracePeriodSeconds"]
        .as_i64()
        .map_or(30, |grace| if grace < 0 { 1 } else { grace })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_json_has_a_plan(pod in json()) {
        let plan = plan_with(&pod, &World { capabilities: injection(), ..World::default() });
        // What is no pod may be left in doubt, but nothing panics.
        let _ = (plan.patch(&pod), plan.warnings(), plan.audit());
    }

    /// Planning the result again plans nothing, also for a copy that has lost its annotations of ours.
    #[test]
    fn planning_again_changes_nothing(pod in pod(), world in world()) {
        let once = apply(&pod, &plan_with(&pod, &world));
        let again = plan_with(&once, &world);
        prop_assert!(again.changes.is_empty(), "{:#?}\n{once:#}", again.changes);
    }

    #[test]
    fn the_same_input_gives_the_same_plan(pod in pod(), world in world()) {
        let (a, b) = (plan_with(&pod, &world), plan_with(&pod, &world));
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    /// Grace only goes up, no sleep of ours is longer than it, and a grace of 0 or 1 is left alone unless the pod asks.
    #[test]
    fn grace_and_sleep(pod in pod(), world in world()) {
        let after = apply(&pod, &plan_with(&pod, &world));
        prop_assert!(grace(&after) >= grace(&pod));
        for (before, container) in std::iter::zip(pod["spec"]["containers"].as_array().unwrap(), after["spec"]["containers"].as_array().unwrap()) {
            let sleep = &container["lifecycle"]["preStop"]["sleep"]["seconds"];
            if before["lifecycle"]["preStop"].is_null() && let Some(seconds) = sleep.as_i64() {
                prop_assert!(seconds <= grace(&after), "{after:#}");
            }
        }
        let asks = pod["metadata"]["annotations"].as_object().is_some_and(|a| a.keys().any(|key| key.contains("softstop.dev/")));
        if grace(&pod) <= 1 && !asks {
            prop_assert_eq!(grace(&after), grace(&pod));
        }
    }

    /// The user's own words stay: hooks, variables, mounts, fields newer than this crate, the words of the command.
    #[test]
    fn what_is_there_stays(pod in pod(), world in world()) {
        let plan = plan_with(&pod, &world);
        for op in plan.changes.iter().flat_map(|change| &change.ops) {
            let command = op.path.contains("/command") || op.path.contains("/args");
            let grace = op.path == "/spec/terminationGracePeriodSeconds";
            let status = op.path == "/metadata/annotations/softstop.dev~1status";
            prop_assert!(op.kind == OpKind::Add || command || grace || status, "{op:?}");
        }
        let after = apply(&pod, &plan);
        for (before, container) in std::iter::zip(pod["spec"]["containers"].as_array().unwrap(), after["spec"]["containers"].as_array().unwrap()) {
            for field in ["image", "ports", "envFrom", "livenessProbe", "newerThanThisCrate", "name"] {
                prop_assert_eq!(before.get(field), container.get(field));
            }
            let (hook, kept) = (&before["lifecycle"]["preStop"], &container["lifecycle"]["preStop"]);
            prop_assert!(hook.is_null() || hook == kept);
            for field in ["env", "volumeMounts"] {
                let before = before[field].as_array().cloned().unwrap_or_default();
                let after = container[field].as_array().cloned().unwrap_or_default();
                prop_assert_eq!(&before[..], &after[..before.len()]);
            }
        }
    }

    #[test]
    fn audit_and_off_change_nothing(pod in pod()) {
        for mode in ["audit", "off"] {
            let mut pod = pod.clone();
            pod["metadata"]["annotations"]["softstop.dev/mode"] = json!(mode);
            let plan = plan_with(&pod, &World { capabilities: injection(), ..World::default() });
            prop_assert!(plan.patch(&pod).unwrap().is_empty());
            if mode == "off" {
                prop_assert!(plan.findings.iter().all(|finding| finding.code().0.starts_with("SS9")));
                prop_assert!(plan.changes.is_empty());
            }
        }
    }

    /// Warnings are short single lines; the API server drops one with a control character.
    #[test]
    fn warnings_are_what_the_api_server_passes_on(mut pod in pod(), world in world(), text in "[\\x00-\\x7f]{0,300}") {
        pod["metadata"]["annotations"][format!("softstop.dev/{text}")] = json!(text);
        let warnings = plan_with(&pod, &world).warnings();
        prop_assert!(warnings.iter().map(|w| w.chars().count()).sum::<usize>() <= 4096);
        for warning in warnings {
            prop_assert!(!warning.is_empty() && warning.chars().count() <= 120 && !warning.chars().any(char::is_control), "{warning:?}");
        }
    }

    /// Nothing is injected by an installation that does not inject.
    #[test]
    fn no_injection_without_leave(pod in pod()) {
        let plan = plan_with(&pod, &World::default());
        prop_assert!(plan.containers.iter().all(|c| !matches!(c.verdict, Verdict::Init | Verdict::Hook)));
        prop_assert!(!apply(&pod, &plan).to_string().contains("softstop/softstop-init\",\"drain"));
    }
}

/// The guard sees a patch that does not do what is meant.
#[test]
fn a_broken_patch_is_not_sent() {
    let pod = json!({ "spec": { "containers": [{ "name": "a", "command": ["sh", "-c", "gunicorn app"] }] } });
    let world = World::default();
    let good = plan_with(&pod, &world);
    assert!(!good.patch(&pod).unwrap().is_empty());

    let broken = |path: &str, value: Value| {
        let mut plan = good.clone();
        plan.changes[0].ops[0].path = path.to_owned();
        plan.changes[0].ops[0].value = value;
        plan.patch(&pod)
    };
    for (path, value) in [
        ("/spec/containers/0/command/9", json!("x")),
        ("/spec/containers/7/command/2", json!("x")),
        ("/spec/containers/0/command/2", json!("rm")),
        ("/spec/containers/0/image", json!("x")),
        ("/spec/nodeName", json!("x")),
        ("", json!({})),
        ("no pointer", json!({})),
    ] {
        assert!(broken(path, value).is_err(), "{path}");
    }
    // The same plan for another pod than the one it was made for.
    assert!(
        good.patch(&json!({ "spec": { "containers": [] } }))
            .is_err()
    );
}
