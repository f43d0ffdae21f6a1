//! softstop gone: pods start all the same, and it can be seen that they started without it.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{Client, cluster, normal, registration};

fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [
        {"name": "app", "image": "app:1", "command": ["sh", "-c", "gunicorn app:app"], "ports": [{"containerPort": 80}]}]}})
}

#[tokio::test]
async fn without_softstop_pods_are_admitted_as_they_are() {
    let client = cluster().client().await;
    let webhook = cluster().start_webhook("failing", &[]);
    client
        .register(
            &registration("failing", webhook.url(), webhook.ca()),
            "failing",
        )
        .await;

    let patched = client
        .create_pod("failing", &pod("before"))
        .await
        .accepted();
    assert_eq!(
        patched["spec"]["containers"][0]["command"][2],
        "exec gunicorn app:app"
    );

    let counted = failed_open(&client).await;
    drop(webhook);
    let left_alone = client.create_pod("failing", &pod("after")).await.accepted();
    let bare = client.create_pod("bare", &pod("without")).await.accepted();
    assert_eq!(normal(&left_alone), normal(&bare));
    assert_eq!(failed_open(&client).await, counted + 1);
    let annotations = audit("after").await;
    assert!(
        annotations
            .keys()
            .any(|key| key.starts_with("failed-open.mutation.webhook.admission.k8s.io/")),
        "{annotations:?}"
    );
}

/// How often the API server went on without the webhook of this test.
async fn failed_open(client: &Client) -> u64 {
    let metrics = client.text("/metrics").await;
    let lines = metrics.lines().filter(|line| {
        line.starts_with("apiserver_admission_webhook_fail_open_count{")
            && line.contains("failing.softstop.dev")
    });
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
        .sum()
}

/// The audit annotations of the creation of a pod in the namespace of this test. The log is written a little later.
async fn audit(name: &str) -> serde_json::Map<String, Value> {
    for _ in 0..100 {
        let log = fs::read_to_string(cluster().rig.audit_log()).unwrap_or_default();
        let events = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut ours = events.filter(|event| {
            event["objectRef"]["namespace"] == "failing" && event["objectRef"]["name"] == name
        });
        if let Some(event) = ours.next() {
            return event["annotations"]
                .as_object()
                .cloned()
                .unwrap_or_default();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the creation of {name} is not in the audit log");
}
