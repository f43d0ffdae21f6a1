//! deploy/mutating-webhook.yaml, as the API server understands it: what is sent to softstop, and what never is.

use serde_json::{Value, json};

use crate::fixture::{cluster, registration};
use crate::spy::Spy;

fn pod(name: &str, annotations: &Value, spec: &Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "app", "image": "app:1", "command": ["sh", "-c", "app"]}]}});
    if !annotations.is_null() {
        pod["metadata"]["annotations"] = annotations.clone();
    }
    for (key, value) in spec.as_object().into_iter().flatten() {
        pod["spec"][key] = value.clone();
    }
    pod
}

#[tokio::test]
async fn only_pods_that_softstop_may_change_are_sent() {
    let client = cluster().client().await;
    let spy = Spy::start(|_| Vec::new()).await;
    cluster()
        .rig
        .create(&registration("spied", &spy.url, &spy.ca))
        .unwrap();
    let none = Value::Null;
    for (sent, pod) in [
        (true, pod("plain", &none, &none)),
        (true, pod("annotated", &json!({"other": "x"}), &none)),
        (
            true,
            pod("enforce", &json!({"softstop.dev/mode": "enforce"}), &none),
        ),
        // A finding, not an opt-out.
        (
            true,
            pod("misspelled", &json!({"softstop.dev/mode": "Off"}), &none),
        ),
        (true, pod("linux", &none, &json!({"os": {"name": "linux"}}))),
        (
            true,
            pod(
                "linux-nodes",
                &none,
                &json!({"nodeSelector": {"kubernetes.io/os": "linux"}}),
            ),
        ),
        (
            true,
            pod(
                "other-nodes",
                &none,
                &json!({"nodeSelector": {"disk": "ssd"}}),
            ),
        ),
        (
            false,
            pod("opted-out", &json!({"softstop.dev/mode": "off"}), &none),
        ),
        (
            false,
            pod("windows", &none, &json!({"os": {"name": "windows"}})),
        ),
        (
            false,
            pod(
                "windows-nodes",
                &none,
                &json!({"nodeSelector": {"kubernetes.io/os": "windows"}}),
            ),
        ),
        // Only a node may create a mirror pod: the API server takes this one no further than admission.
        (
            false,
            pod(
                "mirror",
                &json!({"kubernetes.io/config.mirror": "0"}),
                &json!({"nodeName": "node-1"}),
            ),
        ),
    ] {
        let reply = client.create_pod("spied", &pod).await;
        let name = pod["metadata"]["name"].as_str().unwrap();
        if name != "mirror" {
            reply.accepted();
        }
        assert_eq!(spy.names().contains(&name.to_owned()), sent, "{name}");
    }
}

#[tokio::test]
async fn the_control_plane_never_waits_for_softstop() {
    let client = cluster().client().await;
    let spy = Spy::start(|_| Vec::new()).await;
    let mut everything = registration("control-plane", &spy.url, &spy.ca);
    // As shipped: without the selector that keeps tests apart, but for this test's pods alone.
    everything["webhooks"][0]["namespaceSelector"]["matchExpressions"]
        .as_array_mut()
        .unwrap()
        .pop();
    everything["webhooks"][0]["objectSelector"] = json!({"matchLabels": {"test": "control-plane"}});
    cluster().rig.create(&everything).unwrap();
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    client
        .create("/api/v1/namespaces/kube-system/serviceaccounts", &account)
        .await
        .accepted();
    for (namespace, sent) in [("kube-system", false), ("bare", true)] {
        let mut pod = pod(namespace, &Value::Null, &Value::Null);
        pod["metadata"]["labels"] = json!({"test": "control-plane"});
        client.try_pod(namespace, &pod).await.accepted();
        assert_eq!(
            spy.names().contains(&namespace.to_owned()),
            sent,
            "{namespace}"
        );
    }
}

#[tokio::test]
async fn later_changes_of_a_pod_are_not_sent() {
    let client = cluster().client().await;
    let spy = Spy::start(|_| Vec::new()).await;
    let mut everything = registration("later", &spy.url, &spy.ca);
    everything["webhooks"][0]["namespaceSelector"]["matchExpressions"]
        .as_array_mut()
        .unwrap()
        .pop();
    everything["webhooks"][0]["objectSelector"] = json!({"matchLabels": {"test": "later"}});
    cluster().rig.create(&everything).unwrap();
    let mut pod = pod("later", &Value::Null, &Value::Null);
    pod["metadata"]["labels"] = json!({"test": "later"});
    client.create_pod("bare", &pod).await.accepted();
    let path = "/api/v1/namespaces/bare/pods/later";
    client
        .merge(path, &json!({"metadata": {"annotations": {"a": "b"}}}))
        .await
        .accepted();
    let debugger =
        json!({"spec": {"ephemeralContainers": [{"name": "debugger", "image": "debug:1"}]}});
    client
        .merge(&format!("{path}/ephemeralcontainers"), &debugger)
        .await
        .accepted();
    let operations: Vec<_> = spy
        .seen()
        .iter()
        .map(|request| request["operation"].clone())
        .collect();
    assert_eq!(operations, ["CREATE"]);
}
