//! The Kubernetes objects of a run.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::row::{Cleans, Mode, Protocol, Row, Work};

/// The label by which the policy finds the namespaces it is for.
const LABEL: &str = "effect.softstop.dev/mode";

/// The policy of the runs that are opted in by one.
pub(crate) fn policy() -> Value {
    json!({"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy", "metadata": {"name": "effect"},
        "spec": {"mode": "enforce", "entrypoint": "auto",
            "namespaceSelector": {"matchLabels": {LABEL: Mode::Policy.as_str()}}}})
}

/// What a run needs: its namespace, and what is in it.
pub(crate) struct Objects {
    pub(crate) name: String,
    pub(crate) namespace: Value,
    pub(crate) content: Vec<Value>,
}

/// The objects of a run. `journal` is the folder that its pods write into.
pub(crate) fn objects(row: &Row, mode: Mode, number: u32, journal: &Path) -> Objects {
    let name = format!("{}-{mode}-{number}", row.name());
    // Services first: pods find them by environment variables, which are set when they are created.
    let mut content = match row.server.work {
        Work::Requests(_) => vec![service(&name, "app", 8000)],
        Work::Tasks(_) => vec![service(&name, "redis", 6379), redis(row, &name, journal)],
        Work::Jobs(_) => Vec::new(),
    };
    content.push(deployment(row, mode, &name, journal));
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {LABEL: mode.as_str()}}});
    Objects {
        name,
        namespace,
        content,
    }
}

fn deployment(row: &Row, mode: Mode, namespace: &str, journal: &Path) -> Value {
    let server = row.server;
    let mut annotations = Map::new();
    if mode != Mode::Off {
        let hidden = match row.form.script(server.line) {
            Some(_) => server.hidden,
            None => &[],
        };
        let own = server.annotations.iter().chain(hidden);
        annotations.extend(own.map(|&(key, value)| (key.to_owned(), value.into())));
    }
    if mode == Mode::Annotation {
        annotations.insert("softstop.dev/mode".into(), "enforce".into());
    }
    let name_of_pod =
        json!({"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}});
    let mut env = vec![name_of_pod];
    match server.work {
        Work::Requests(_) => {}
        // By the variable that Kubernetes sets: there is no name server here.
        Work::Tasks(_) => {
            env.push(json!({"name": "BROKER", "value": "redis://$(REDIS_SERVICE_HOST):6379/0"}));
        }
        Work::Jobs(millis) => {
            let seconds = f64::from(millis) / 1000.0;
            env.push(json!({"name": "SECONDS_PER_JOB", "value": seconds.to_string()}));
        }
    }
    let mut container = json!({"name": "app", "image": image(row), "imagePullPolicy": "Never",
        "workingDir": server.dir, "env": env, "volumeMounts": [{"name": "log", "mountPath": "/log"}],
        "securityContext": {"readOnlyRootFilesystem": server.read_only}});
    if matches!(server.cleans, Cleans::Removes(_) | Cleans::Logged(..)) {
        let own = json!({"name": "log", "mountPath": "/own", "subPathExpr": own_folder("$(POD)")});
        container["volumeMounts"] = json!([own]);
    }
    if let Some(user) = server.user {
        container["securityContext"]["runAsUser"] = user.into();
    }
    if !row.form.is_of_image() {
        container["command"] = row.form.argv(server.line, &script(row)).into();
    }
    if let Work::Requests(protocol) = server.work {
        container["ports"] = json!([{"name": "http", "containerPort": 8000}]);
        container["readinessProbe"] = json!({"periodSeconds": 1, "timeoutSeconds": 5});
        let (kind, what) = match protocol {
            Protocol::Http => ("httpGet", json!({"path": "/healthz", "port": 8000})),
            Protocol::FastCgi(_) | Protocol::Postgres | Protocol::Redis => {
                ("tcpSocket", json!({"port": 8000}))
            }
        };
        container["readinessProbe"][kind] = what;
    }
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": namespace},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "app"}},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": {"app": "app"}, "annotations": annotations},
                "spec": {"terminationGracePeriodSeconds": server.grace, "automountServiceAccountToken": false,
                    "containers": [container], "volumes": [{"name": "log", "hostPath": {"path": journal}}]}}}})
}

/// Where a pod alone writes, in the folder that all write into.
pub(crate) fn own_folder(pod: &str) -> String {
    format!("own-{pod}")
}

/// The image of a row's pods: one per folder, with the scripts of all rows; one of the row's own where the image says what is run.
pub(crate) fn image(row: &Row) -> String {
    if row.form.is_of_image() {
        return format!("effect.softstop.dev/{}:1", row.name());
    }
    folder(row)
}

/// The image of all rows whose images are built from the same folder.
pub(crate) fn folder(row: &Row) -> String {
    format!("effect.softstop.dev/{}:1", row.server.image)
}

/// Where a row's script is in the image.
pub(crate) fn script(row: &Row) -> String {
    format!("/start/{}", row.name())
}

/// Redis is in the image of the workers, with the module that puts tasks into it.
fn redis(row: &Row, namespace: &str, journal: &Path) -> Value {
    let image = folder(row);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "redis", "namespace": namespace,
            "labels": {"app": "redis"}, "annotations": {"softstop.dev/mode": "off"}},
        "spec": {"terminationGracePeriodSeconds": 1, "automountServiceAccountToken": false,
            "volumes": [{"name": "log", "hostPath": {"path": journal}}],
            "containers": [{"name": "redis", "image": image, "imagePullPolicy": "Never", "workingDir": "/app",
                "command": ["redis-server", "--protected-mode", "no", "--save", ""],
                "volumeMounts": [{"name": "log", "mountPath": "/log"}],
                "env": [{"name": "POD", "value": "redis"}, {"name": "BROKER", "value": "redis://127.0.0.1:6379/0"}]}]}})
}

fn service(namespace: &str, app: &str, port: u16) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": app, "namespace": namespace},
        "spec": {"selector": {"app": app}, "ports": [{"port": port}]}})
}
