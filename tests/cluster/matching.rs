//! deploy/softstop.yaml, as the API server understands it: what is sent to softstop, and what never is.

use serde_json::{Value, json};

use crate::client::Client;
use crate::fixture::{cluster, registration};
use crate::spy::Spy;

/// A pod with this label, and with more in its metadata and spec.
fn pod(name: &str, test: &str, metadata: &Value, spec: &Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"test": test}},
        "spec": {"containers": [{"name": "app", "image": "app:1", "command": ["sh", "-c", "app"]}]}});
    for (part, more) in [("metadata", metadata), ("spec", spec)] {
        for (key, value) in more.as_object().into_iter().flatten() {
            pod[part][key] = value.clone();
        }
    }
    pod
}

fn annotated(key: &str, value: &str) -> Value {
    json!({"annotations": {key: value}})
}

/// The configuration as it is shipped, for a spy in softstop's place and for the pods of one test.
async fn spy_on(client: &Client, test: &str) -> Spy {
    let spy = Spy::start(|_| Vec::new()).await;
    let mut shipped = registration(test, &spy.url, &spy.ca);
    let webhook = &mut shipped["webhooks"][0];
    // The last expression keeps the tests' namespaces apart.
    webhook["namespaceSelector"]["matchExpressions"]
        .as_array_mut()
        .unwrap()
        .pop();
    webhook["objectSelector"] = json!({"matchLabels": {"test": test}});
    let probe = pod("probe", test, &Value::Null, &Value::Null);
    client
        .register_until(&shipped, "bare", &probe, |_| spy.saw("probe"))
        .await;
    spy
}

#[tokio::test]
async fn only_pods_that_softstop_may_change_are_sent() {
    let client = cluster().client().await;
    let spy = spy_on(&client, "scope").await;
    let none = Value::Null;
    let case = |name, metadata: &Value, spec: Value| pod(name, "scope", metadata, &spec);
    for (sent, pod) in [
        (true, case("plain", &none, none.clone())),
        (
            true,
            case("annotated", &annotated("other", "x"), none.clone()),
        ),
        (
            true,
            case(
                "enforce",
                &annotated("softstop.dev/mode", "enforce"),
                none.clone(),
            ),
        ),
        // No opt-out: softstop has something to say about it.
        (
            true,
            case(
                "misspelled",
                &annotated("softstop.dev/mode", "Off"),
                none.clone(),
            ),
        ),
        (true, case("linux", &none, json!({"os": {"name": "linux"}}))),
        (
            true,
            case(
                "linux-node",
                &none,
                json!({"nodeSelector": {"kubernetes.io/os": "linux"}}),
            ),
        ),
        (
            true,
            case("ssd-node", &none, json!({"nodeSelector": {"disk": "ssd"}})),
        ),
        (
            false,
            case(
                "opted-out",
                &annotated("softstop.dev/mode", "off"),
                none.clone(),
            ),
        ),
        (
            false,
            case("windows", &none, json!({"os": {"name": "windows"}})),
        ),
        (
            false,
            case(
                "windows-node",
                &none,
                json!({"nodeSelector": {"kubernetes.io/os": "windows"}}),
            ),
        ),
        (
            false,
            case(
                "mirror",
                &annotated("kubernetes.io/config.mirror", "0"),
                json!({"nodeName": "node-1"}),
            ),
        ),
    ] {
        client.create_pod("bare", &pod).await.accepted();
        let name = pod["metadata"]["name"].as_str().unwrap();
        assert_eq!(spy.saw(name), sent, "{name}");
    }
}

#[tokio::test]
async fn the_control_plane_never_waits_for_softstop() {
    let client = cluster().client().await;
    let spy = spy_on(&client, "control-plane").await;
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    client
        .create("/api/v1/namespaces/kube-system/serviceaccounts", &account)
        .await
        .accepted();
    for (namespace, sent) in [("kube-system", false), ("shop", true)] {
        let pod = pod(namespace, "control-plane", &Value::Null, &Value::Null);
        client.try_pod(namespace, &pod).await.accepted();
        assert_eq!(spy.saw(namespace), sent, "{namespace}");
    }
}

#[tokio::test]
async fn later_changes_of_a_pod_are_not_sent() {
    let client = cluster().client().await;
    let spy = spy_on(&client, "later").await;
    client
        .create_pod("bare", &pod("later", "later", &Value::Null, &Value::Null))
        .await
        .accepted();
    let path = "/api/v1/namespaces/bare/pods/later";
    client
        .merge(path, &json!({"metadata": annotated("a", "b")}))
        .await
        .accepted();
    let debugger =
        json!({"spec": {"ephemeralContainers": [{"name": "debugger", "image": "debug:1"}]}});
    client
        .merge(&format!("{path}/ephemeralcontainers"), &debugger)
        .await
        .accepted();
    let seen = spy.seen();
    let about_it = seen.iter().filter(|request| request["name"] == "later");
    let operations: Vec<_> = about_it
        .map(|request| request["operation"].clone())
        .collect();
    assert_eq!(operations, ["CREATE"]);
}
