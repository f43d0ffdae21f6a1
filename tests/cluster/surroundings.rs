//! Namespaces with rules of their own: pod security, quota, limits.

use serde_json::{Value, json};

use crate::client::Client;
use crate::fixture::cluster;

/// A pod that the restricted profile admits, and that softstop has every reason to change.
fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": name, "annotations": {"softstop.dev/writable": "/run", "softstop.dev/drain-time": "60"}},
    "spec": {
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "app", "image": "app:1", "command": ["sh", "-c", "gunicorn app:app"],
            "ports": [{"name": "http", "containerPort": 8000}],
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]}},
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
        }],
    }})
}

/// Created, and changed by softstop.
async fn create_changed(client: &Client, namespace: &str, pod: &Value) -> Value {
    let stored = client.create_pod(namespace, pod).await.accepted();
    let container = &stored["spec"]["containers"][0];
    assert_eq!(container["command"][2], "exec gunicorn app:app");
    assert_eq!(container["lifecycle"]["preStop"]["sleep"]["seconds"], 5);
    assert!(
        container["volumeMounts"]
            .as_array()
            .unwrap()
            .iter()
            .any(|mount| mount["mountPath"] == "/run")
    );
    assert!(stored["metadata"]["annotations"]["softstop.dev/status"].is_string());
    stored
}

#[tokio::test]
async fn restricted_pod_security() {
    let client = cluster().client().await;
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted"}}});
    client
        .merge("/api/v1/namespaces/restricted", &labels)
        .await
        .accepted();
    let privileged = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "privileged"},
        "spec": {"containers": [{"name": "app", "image": "app:1"}]}});
    assert_eq!(
        client.create_pod("restricted", &privileged).await.status,
        403,
        "the profile is in force"
    );
    create_changed(&client, "restricted", &pod("web")).await;
}

#[tokio::test]
async fn resource_quota() {
    let client = cluster().client().await;
    let hard = json!({"requests.cpu": "100m", "limits.cpu": "100m", "requests.memory": "64Mi", "limits.memory": "64Mi",
        "count/pods": "1"});
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": hard}});
    client
        .create("/api/v1/namespaces/quota/resourcequotas", &quota)
        .await
        .accepted();
    // What the quota controller would do.
    let used = json!({"requests.cpu": "0", "limits.cpu": "0", "requests.memory": "0", "limits.memory": "0", "count/pods": "0"});
    let status = json!({"status": {"hard": hard, "used": used}});
    client
        .merge(
            "/api/v1/namespaces/quota/resourcequotas/quota/status",
            &status,
        )
        .await
        .accepted();
    let mut without = pod("without-resources");
    without["spec"]["containers"][0]
        .as_object_mut()
        .unwrap()
        .remove("resources");
    assert_eq!(
        client.create_pod("quota", &without).await.status,
        403,
        "the quota is in force"
    );
    // It just fits: softstop adds nothing that counts.
    create_changed(&client, "quota", &pod("web")).await;
    assert_eq!(
        client
            .create_pod("quota", &pod("one-too-many"))
            .await
            .status,
        403,
        "the quota is in force"
    );
}

#[tokio::test]
async fn limit_range() {
    let client = cluster().client().await;
    let range = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [
        {"type": "Container", "default": {"cpu": "200m", "memory": "64Mi"}, "defaultRequest": {"cpu": "20m", "memory": "16Mi"},
         "min": {"memory": "16Mi"}, "max": {"memory": "128Mi"}}]}});
    client
        .create("/api/v1/namespaces/limits/limitranges", &range)
        .await
        .accepted();
    let mut without = pod("web");
    without["spec"]["containers"][0]
        .as_object_mut()
        .unwrap()
        .remove("resources");
    let stored = create_changed(&client, "limits", &without).await;
    assert_eq!(
        stored["spec"]["containers"][0]["resources"]["limits"]["memory"],
        "64Mi"
    );
}
