//! softstop gone: pods start all the same, and it can be seen that they started without it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::fixture::{cluster, registration};
use crate::normal::normal;

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
    let annotations = cluster().rig.audit_annotations("failing", "after").unwrap();
    assert!(
        annotations
            .keys()
            .any(|key| key.starts_with("failed-open.mutation.webhook.admission.k8s.io/")),
        "{annotations:?}"
    );
}

#[tokio::test]
async fn a_webhook_that_is_stopping_still_answers() {
    let client = cluster().client().await;
    let mut webhook = cluster().start_webhook("stopping", &["--shutdown-delay=2s".to_owned()]);
    client
        .register(
            &registration("stopping", webhook.url(), webhook.ca()),
            "stopping",
        )
        .await;
    let stopped = Instant::now();
    let ended = std::thread::spawn(move || webhook.terminate().unwrap());
    let mut answered = 0;
    while stopped.elapsed() < Duration::from_millis(1_500) {
        let stored = client
            .try_pod("stopping", &pod("meanwhile"))
            .await
            .accepted();
        assert_eq!(
            stored["spec"]["containers"][0]["command"][2],
            "exec gunicorn app:app"
        );
        answered += 1;
    }
    assert!(answered > 10, "only {answered}");
    assert!(ended.join().unwrap().success());
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
