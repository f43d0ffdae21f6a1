//! Pods of every shape that matters to softstop, most of them acceptable to an API server.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

pub(super) fn pod() -> impl Strategy<Value = Value> {
    let metadata = (annotations(), option::of(owner()));
    (
        metadata,
        vec(container(), 1..4),
        vec(init_container(), 0..3),
        pod_fields(),
    )
        .prop_map(
            |((annotations, owner), containers, init_containers, fields)| {
                let mut spec = fields;
                spec["containers"] = named("c", containers);
                if !init_containers.is_empty() {
                    spec["initContainers"] = named("i", init_containers);
                }
                let mut metadata = json!({ "generateName": "generated-" });
                if !annotations.is_empty() {
                    metadata["annotations"] = Value::Object(annotations);
                }
                if let Some(owner) = owner {
                    metadata["ownerReferences"] = json!([owner]);
                }
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
            },
        )
}

fn named(prefix: &str, containers: Vec<Value>) -> Value {
    let named = containers
        .into_iter()
        .enumerate()
        .map(|(index, mut container)| {
            container["name"] = format!("{prefix}{index}").into();
            container
        });
    named.collect()
}

/// One of these, or the field is absent.
fn maybe(values: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    option::weighted(0.4, select(values))
}

/// An object of those fields that are there.
fn object<const N: usize>(
    fields: [(&'static str, BoxedStrategy<Option<Value>>); N],
) -> impl Strategy<Value = Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values.prop_map(move |values| {
        let present = names
            .iter()
            .zip(values)
            .filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        Value::Object(present.collect::<Map<_, _>>())
    })
}

#[rustfmt::skip]
const SETTINGS: &[&str] = &[
    "mode", "entrypoint", "drain-delay", "drain-time", "grace-period", "pre-stop", "stop-signal", "runtime",
    "writable", "status", "drain-dely",
];

#[rustfmt::skip]
const KEYS: &[&str] = &[
    "softstop.dev/KEY", "KEY.softstop.dev/c0", "KEY.softstop.dev/c1", "KEY.softstop.dev/nobody",
];

#[rustfmt::skip]
const VALUES: &[&str] = &[
    "enforce", "audit", "off", "auto", "exec", "init", "hook", "0", "1", "5", "45s", "2m", "24h", "25h", "-1",
    "", "5 minutes", r#"["/bin/drain"]"#, "[]", "GET :8080/drain", "GET :http/drain", "GET 8080", "SIGQUIT",
    "SIGKILL", "gunicorn", "uwsgi", "none", "/run", "/run,/tmp", "/data", "relative", "/", "é\u{7}",
    "99999999999999999999",
];

fn annotations() -> impl Strategy<Value = Map<String, Value>> {
    let pair = (select(SETTINGS), select(KEYS), select(VALUES));
    let other = select(vec![
        ("app.example.com/x", "y"),
        ("kubernetes.io/description", "d"),
    ]);
    (vec(pair, 0..4), option::weighted(0.2, other)).prop_map(|(pairs, other)| {
        let ours = pairs
            .into_iter()
            .map(|(key, target, value)| (target.replace("KEY", key), value.into()));
        ours.chain(other.map(|(key, value)| (key.to_owned(), value.into())))
            .collect()
    })
}

fn owner() -> impl Strategy<Value = Value> {
    select(vec![
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("apps/v1", "DaemonSet"),
    ])
    .prop_map(|(version, kind)| {
        json!({"apiVersion": version, "kind": kind, "name": "owner", "controller": true,
            "uid": "6b1a2c1e-93f6-4f6b-8d0c-5a3f6d1e7c55"})
    })
}

fn pod_fields() -> impl Strategy<Value = Value> {
    object([
        (
            "terminationGracePeriodSeconds",
            maybe([0, 1, 2, 5, 6, 30, 35, 3600].map(Value::from).to_vec()).boxed(),
        ),
        (
            "restartPolicy",
            maybe(vec!["Always".into(), "OnFailure".into(), "Never".into()]).boxed(),
        ),
        ("hostPID", option::weighted(0.1, Just(json!(true))).boxed()),
        (
            "shareProcessNamespace",
            maybe(vec![json!(true), json!(false)]).boxed(),
        ),
        (
            "automountServiceAccountToken",
            maybe(vec![json!(true), json!(false)]).boxed(),
        ),
        (
            "os",
            maybe(vec![json!({"name": "linux"}), json!({"name": "windows"})]).boxed(),
        ),
        ("enableServiceLinks", maybe(vec![json!(false)]).boxed()),
        (
            "securityContext",
            maybe(vec![json!({"runAsUser": 1000}), json!({"fsGroup": 1000})]).boxed(),
        ),
        ("volumes", Just(Some(volumes())).boxed()),
    ])
}

/// Every container may mount any of these.
fn volumes() -> Value {
    json!([
        {"name": "data", "emptyDir": {}},
        {"name": "memory", "emptyDir": {"medium": "Memory"}},
        {"name": "scripts", "configMap": {"name": "scripts", "defaultMode": 0o755}},
        {"name": "softstop-run", "emptyDir": {}},
    ])
}

fn container() -> impl Strategy<Value = Value> {
    object([
        (
            "image",
            Just(Some(json!("registry.example.com/app:1"))).boxed(),
        ),
        ("command", option::weighted(0.8, command()).boxed()),
        ("args", option::weighted(0.3, select(arguments())).boxed()),
        ("env", option::weighted(0.4, env()).boxed()),
        (
            "envFrom",
            maybe(vec![json!([{"configMapRef": {"name": "settings"}}])]).boxed(),
        ),
        ("ports", maybe(ports()).boxed()),
        ("lifecycle", maybe(lifecycles()).boxed()),
        ("readinessProbe", maybe(vec![probe(None)]).boxed()),
        (
            "livenessProbe",
            maybe(vec![probe(None), probe(Some(3)), probe(Some(60))]).boxed(),
        ),
        ("startupProbe", maybe(vec![probe(Some(5))]).boxed()),
        ("volumeMounts", maybe(mounts()).boxed()),
        ("securityContext", maybe(security()).boxed()),
        ("workingDir", maybe(vec!["/app".into()]).boxed()),
        (
            "resources",
            maybe(vec![json!({"limits": {"cpu": "1", "memory": "64Mi"}})]).boxed(),
        ),
        ("tty", maybe(vec![json!(true)]).boxed()),
    ])
}

fn init_container() -> impl Strategy<Value = Value> {
    object([
        (
            "image",
            Just(Some(json!("registry.example.com/init:1"))).boxed(),
        ),
        ("command", option::weighted(0.8, command()).boxed()),
        ("restartPolicy", maybe(vec!["Always".into()]).boxed()),
        ("volumeMounts", maybe(mounts()).boxed()),
    ])
}

#[rustfmt::skip]
const PROGRAMS: &[&str] = &[
    "gunicorn app:app", "gunicorn --graceful-timeout 45 app:app", "uwsgi --http :8000 --die-on-term --master",
    "celery -A app worker", "python -u app.py", "python manage.py migrate", "nginx -g 'daemon off;'",
    "daphne app:app", "npm start", "tail -f /dev/null", "sleep infinity", "java -jar app.jar", "./start.sh",
    "echo $HOME", "app $(PORT)", "julia entrypoint.jl", "true", "cd /app", "export A=1",
    "trap 'kill $!' TERM", "exec app", "app &", "wait", "app | tee log", "php-fpm", "supervisord -n", "é --ü",
    "a 'unclosed", "$(cat cmd)", "(app)", "while true; do app; done", "",
];

fn command() -> impl Strategy<Value = Value> {
    let program = select(PROGRAMS);
    let script = (
        vec(program, 1..4),
        select(vec![" && ", "; ", "\n", " || ", " | "]),
        any::<bool>(),
    )
        .prop_map(|(parts, separator, comment)| {
            if comment {
                format!("# start\n{}", parts.join(separator))
            } else {
                parts.join(separator)
            }
        });
    let shell = select(vec![
        json!(["sh", "-c"]),
        json!(["/bin/sh", "-ec"]),
        json!(["bash", "-c"]),
        json!(["/bin/bash", "-euo", "pipefail", "-c"]),
        json!(["dumb-init", "--", "sh", "-c"]),
        json!(["/sbin/tini", "-g", "--", "bash", "-c"]),
        json!(["env", "A=1", "sh", "-c"]),
        json!(["zsh", "-c"]),
        json!(["busybox", "sh", "-c"]),
        json!(["cmd.exe", "/c"]),
    ]);
    let direct = select(vec![
        json!(["gunicorn", "app:app"]),
        json!(["uwsgi", "--ini", "app.ini"]),
        json!(["daphne", "app:app"]),
        json!(["/docker-entrypoint.sh", "nginx"]),
        json!(["python", "worker.py"]),
        json!(["npm", "start"]),
        json!(["sh", "-c"]),
        json!(["sh"]),
        json!([""]),
        json!(["tini", "--", "gunicorn", "app:app"]),
        json!(["sleep", "infinity"]),
        json!(["softstop-init", "--", "app"]),
        json!(["/bin/sh", "start.sh"]),
        json!(["pilot-agent", "proxy", "sidecar"]),
    ]);
    let scripted = (shell, script, option::weighted(0.2, Just("more"))).prop_map(
        |(mut shell, script, more)| {
            let words = shell.as_array_mut().into_iter().flatten().map(Value::take);
            words
                .chain([Value::from(script)])
                .chain(more.map(Value::from))
                .collect::<Value>()
        },
    );
    prop_oneof![3 => scripted, 2 => direct]
}

fn arguments() -> Vec<Value> {
    vec![
        json!(["--port", "$(PORT)"]),
        json!(["gunicorn app:app"]),
        json!(["-c", "celery -A app worker"]),
        json!([""]),
    ]
}

fn env() -> impl Strategy<Value = Value> {
    let variable = select(vec![
        json!({"name": "PORT", "value": "8000"}),
        json!({"name": "GUNICORN_CMD_ARGS", "value": "--graceful-timeout=90"}),
        json!({"name": "UWSGI_HOOK_MASTER_START", "value": "x"}),
        json!({"name": "A", "value": "$(PORT)"}),
        json!({"name": "EMPTY"}),
        json!({"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}),
        json!({"name": "DUMB_INIT_SETSID", "value": "1"}),
    ]);
    vec(variable, 1..4).prop_map(Value::from)
}

fn ports() -> Vec<Value> {
    vec![
        json!([{"name": "http", "containerPort": 8080}]),
        json!([{"name": "metrics", "containerPort": 9090}]),
        json!([{"containerPort": 53, "protocol": "UDP"}]),
    ]
}

fn lifecycles() -> Vec<Value> {
    vec![
        json!({"preStop": {"sleep": {"seconds": 2}}}),
        json!({"preStop": {"exec": {"command": ["sleep", "10"]}}}),
        json!({"preStop": {"exec": {"command": ["sh", "-c", "sleep 5; nginx -s quit"]}}}),
        json!({"preStop": {"httpGet": {"port": 8080, "path": "/drain"}}}),
        json!({"postStart": {"exec": {"command": ["true"]}}}),
    ]
}

fn probe(grace: Option<u32>) -> Value {
    let mut probe = json!({"httpGet": {"port": 8080, "path": "/healthz"}});
    if let Some(grace) = grace {
        probe["terminationGracePeriodSeconds"] = grace.into();
    }
    probe
}

fn mounts() -> Vec<Value> {
    vec![
        json!([{"name": "data", "mountPath": "/data"}]),
        json!([{"name": "memory", "mountPath": "/run"}]),
        json!([{"name": "scripts", "mountPath": "/run/scripts", "readOnly": true}, {"name": "data", "mountPath": "/tmp"}]),
        json!([{"name": "softstop-run", "mountPath": "/run/"}]),
    ]
}

fn security() -> Vec<Value> {
    vec![
        json!({"readOnlyRootFilesystem": true}),
        json!({"runAsNonRoot": true, "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}),
        json!({"privileged": true}),
    ]
}
