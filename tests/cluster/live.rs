//! `softstop webhook --cluster`: policies and namespaces as the API server tells of them, with no more rights than the role
//! that is shipped.

mod status;
mod verdicts;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use softstop_rig::{DEADLINE, Webhook};

use crate::client::{Client, POLICIES};
use crate::fixture::{WEBHOOK, cluster, registration};

/// A webhook of the test's own, registered for its namespaces.
async fn start(client: &Client, name: &str) -> Webhook {
    client.define_policies().await;
    let webhook = cluster().start_live_webhook(name).await;
    until("ready", async || {
        webhook.admin("/ready").unwrap() == "ready\n"
    })
    .await;
    namespace(name, name, &json!({"softstop.dev/mode": "enforce"}));
    client
        .register(&registration(name, webhook.url(), webhook.ca()), name)
        .await;
    webhook
}

/// A namespace that was not there before, whose pods are sent to that webhook.
fn namespace(name: &str, webhook: &str, labels: &Value) {
    let mut all = json!({WEBHOOK: webhook});
    for (key, value) in labels.as_object().unwrap() {
        all[key] = value.clone();
    }
    let manifest =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": all}});
    cluster().rig.create_namespace(&manifest).unwrap();
}

fn policy(name: &str, team: &str, spec: &str) -> Value {
    let mut spec: Value = serde_json::from_str(&format!("{{{spec}}}")).unwrap();
    spec["namespaceSelector"] = json!({"matchLabels": {"team": team}});
    json!({"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy", "metadata": {"name": name}, "spec": spec})
}

fn pod(script: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [
        {"name": "app", "image": "app:1", "command": ["sh", "-c", script]}]}})
}

fn served() -> Value {
    pod("gunicorn app:app")
}

async fn is_changed(client: &Client, namespace: &str) -> bool {
    let stored = client.try_pod(namespace, &served()).await.accepted();
    stored["spec"]["containers"][0]["command"][2] == "exec gunicorn app:app"
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// The policies of a test go with it: they are the whole cluster's.
async fn delete(client: &Client, names: &[&str]) {
    for name in names {
        client.delete(&format!("{POLICIES}/{name}")).await;
    }
}

#[tokio::test]
async fn policies_come_change_and_go() {
    let client = cluster().client().await;
    let _webhook = start(&client, "following").await;
    namespace("followed", "following", &json!({"team": "followed"}));
    assert!(!is_changed(&client, "followed").await, "nothing opts it in");

    let enforce = policy("followed", "followed", r#""mode": "enforce""#);
    client.create(POLICIES, &enforce).await.accepted();
    until("changed by the new policy", async || {
        is_changed(&client, "followed").await
    })
    .await;
    let path = format!("{POLICIES}/followed");
    client
        .merge(&path, &json!({"spec": {"mode": "audit"}}))
        .await
        .accepted();
    until("only audited", async || {
        !is_changed(&client, "followed").await
    })
    .await;
    client
        .merge(&path, &json!({"spec": {"mode": "enforce"}}))
        .await
        .accepted();
    until("changed again", async || {
        is_changed(&client, "followed").await
    })
    .await;
    delete(&client, &["followed"]).await;
    until("left alone", async || {
        !is_changed(&client, "followed").await
    })
    .await;
}

/// The API server may ask about a pod before the watch has brought its namespace.
#[tokio::test]
async fn a_namespace_counts_from_its_first_pod_on() {
    let client = cluster().client().await;
    let webhook = start(&client, "fresh").await;
    for index in 0..30 {
        let name = format!("fresh-{index}");
        namespace(&name, "fresh", &json!({"softstop.dev/mode": "enforce"}));
        assert!(
            is_changed(&client, &name).await,
            "{name} was judged without its label"
        );
    }
    // A namespace that changes is followed.
    let path = "/api/v1/namespaces/fresh-0";
    let off = json!({"metadata": {"labels": {"softstop.dev/mode": "off"}}});
    client.merge(path, &off).await.accepted();
    until("opted out", async || !is_changed(&client, "fresh-0").await).await;
    let metrics = webhook.admin("/metrics").unwrap();
    assert!(
        metrics.contains("softstop_watch_up{resource=\"namespaces\"} 1"),
        "{metrics}"
    );
}
