//! Pods as they are found, with anything around them; and JSON that is no pod.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::testing::{World, injection};
use crate::{Bounds, Capabilities, Entrypoint, Mode, Policies, Policy, Setting};

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
    pub(super) fn pod()(
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
    pub(super) fn world()(
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
            locked: locked.into_iter().collect(),
            bounds: Bounds { grace_min, grace_max, drain_delay_max },
            ..Policy::new("p", mode, entrypoint)
        });
        World {
            policies: Policies::new(policy),
            capabilities: if inject { injection() } else { Capabilities::default() },
            ..World::default()
        }
    }
}

pub(super) fn json() -> impl Strategy<Value = Value> {
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
