//! The policy of examples/: it speaks for the namespaces that it selects.

use serde_json::json;

use crate::fixture::{cluster, examples, registration};
use crate::normal::normal;

#[tokio::test]
async fn a_policy_opts_in_bounds_and_locks() {
    let client = cluster().client().await;
    let policy = format!(
        "--policy-file={}",
        examples().join("shutdown-policy.yaml").display()
    );
    let webhook = cluster().start_webhook("teams", &[policy]);
    client
        .register(&registration("teams", webhook.url(), webhook.ca()), "teams")
        .await;
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "annotations": {"softstop.dev/drain-delay": "1", "softstop.dev/drain-time": "4m", "softstop.dev/grace-period": "1h"}},
        "spec": {"containers": [{"name": "app", "image": "app:1", "command": ["sh", "-c", "gunicorn app:app"],
            "ports": [{"containerPort": 8000}]}]}});
    let reply = client.create_pod("teams", &pod).await;
    let warnings = reply.warnings.join("\n");
    let stored = reply.accepted();
    assert_eq!(
        stored["spec"]["containers"][0]["command"][2], "exec gunicorn app:app",
        "opted in by the policy"
    );
    let delay = &stored["spec"]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"];
    assert_eq!(*delay, 10, "drainDelay is locked");
    assert_eq!(
        stored["spec"]["terminationGracePeriodSeconds"], 300,
        "bounded by gracePeriod.max"
    );
    assert!(warnings.contains("drain-delay"), "{warnings}");

    let mut workflow = pod.clone();
    workflow["metadata"] =
        json!({"name": "step", "labels": {"workflows.argoproj.io/workflow": "nightly"}});
    let stored = client.create_pod("teams", &workflow).await.accepted();
    let left_alone = client.try_pod("bare", &workflow).await.accepted();
    assert_eq!(
        normal(&stored),
        normal(&left_alone),
        "not selected by the policy"
    );
}
