//! The service account that softstop runs as.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use softstop_rig::Rig;

/// Exactly what the chart grants for certificates.
pub(super) fn permissions(name: &str) -> [Value; 5] {
    let group = "rbac.authorization.k8s.io";
    let api = format!("{group}/v1");
    let subjects = json!([{"kind": "ServiceAccount", "name": name, "namespace": name}]);
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": name}}),
        json!({"apiVersion": api, "kind": "Role", "metadata": {"name": name, "namespace": name}, "rules": [
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get", "list", "watch", "update"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}]}),
        json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name}, "rules": [
            {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
             "resourceNames": [name], "verbs": ["get", "list", "watch", "patch"]}]}),
        json!({"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": name, "namespace": name},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name}, "subjects": subjects}),
        json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name}, "subjects": subjects}),
    ]
}

/// A kubeconfig with the token of the service account.
pub(super) fn service_account(rig: &Rig, name: &str) -> PathBuf {
    let token = rig
        .kubectl([
            "create",
            "token",
            name,
            "--namespace",
            name,
            "--duration=1h",
        ])
        .unwrap();
    assert!(
        token.status.success(),
        "{}",
        String::from_utf8_lossy(&token.stderr)
    );
    let token = String::from_utf8(token.stdout).unwrap();
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "rig",
        "clusters": [{"name": "rig", "cluster": {"server": rig.url(),
            "certificate-authority": rig.dir().join("client-ca.crt")}}],
        "users": [{"name": "softstop", "user": {"token": token.trim()}}],
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": "softstop"}}]});
    let file = rig.dir().join(name).join("kubeconfig");
    fs::write(&file, config.to_string()).unwrap();
    file
}
