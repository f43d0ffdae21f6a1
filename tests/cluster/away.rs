//! A cluster that does not know policies yet, learns of them, and then loses its API server.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use softstop_rig::{Assets, Connection, DEADLINE, Rig, Webhook, review};

use crate::fixture::program;

const POLICY: &str = r#"{"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy", "metadata": {"name": "all"},
    "spec": {"mode": "enforce"}}"#;

/// Whether the webhook changes a pod that nothing but a policy can opt in.
async fn changes(webhook: &Webhook) -> bool {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [
        {"name": "app", "image": "app:1", "command": ["sh", "-c", "gunicorn app:app"]}]}});
    let mut connection = Connection::open(webhook.url(), webhook.ca()).await.unwrap();
    let answer = connection.review(&review(&pod, "default")).await.unwrap();
    assert_eq!(answer["allowed"], true);
    answer.get("patch").is_some()
}

#[tokio::test]
async fn softstop_serves_with_what_it_knows() {
    // Of its own: it is taken away.
    let rig = Rig::start(&Assets::find_or_build().unwrap()).unwrap();
    let files = tempfile::tempdir().unwrap();
    let mut command = Command::new(program());
    command.env("KUBECONFIG", rig.kubeconfig());
    let webhook = Webhook::start_command(command, files.path(), ["--cluster"]).unwrap();
    let deadline = Instant::now() + DEADLINE;
    let wait = async || {
        assert!(Instant::now() < deadline, "{}", webhook.log_tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };

    // A missing definition holds nothing up.
    while webhook.admin("/ready").unwrap() != "ready\n" {
        wait().await;
    }
    assert!(!changes(&webhook).await);
    assert!(
        webhook
            .log_tail()
            .contains("the API server does not know this resource")
    );

    let definition = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/chart/files/crd.yaml"
    ));
    let definition: Value = serde_saphyr::from_str(&definition.unwrap()).unwrap();
    rig.create(&definition).unwrap();
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    while rig.create(&policy).is_err() {
        wait().await;
    }
    while !changes(&webhook).await {
        wait().await;
    }

    drop(rig);
    while !webhook
        .admin("/metrics")
        .unwrap()
        .contains("softstop_watch_up{resource=\"namespaces\"} 0")
    {
        wait().await;
    }
    assert!(changes(&webhook).await, "the policy is forgotten");
    assert_eq!(webhook.admin("/ready").unwrap(), "ready\n");
    assert_eq!(webhook.admin("/live").unwrap(), "alive\n");
}
