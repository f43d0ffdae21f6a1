//! What softstop's service account may do, as the API server sees it: this list, and nothing else.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::chart::render;
use crate::client::Client;
use crate::fixture::{SYSTEM, cluster};

/// Everything that the chart grants to an installation of the name `rights`: verb, resource, and its name where only one is meant.
const GRANTED: [&str; 16] = [
    "create secrets",
    "get mutatingwebhookconfigurations rights",
    "get namespaces",
    "get secrets rights-ca",
    "get shutdownpolicies",
    "list mutatingwebhookconfigurations rights",
    "list namespaces",
    "list secrets rights-ca",
    "list shutdownpolicies",
    "patch mutatingwebhookconfigurations rights",
    "patch shutdownpolicies/status",
    "update secrets rights-ca",
    "watch mutatingwebhookconfigurations rights",
    "watch namespaces",
    "watch secrets rights-ca",
    "watch shutdownpolicies",
];

/// What an attacker who took softstop over would like to do: verb, group, resource, subresource, name, namespace.
#[rustfmt::skip]
const DENIED: [(&str, &str, &str, &str, &str, &str); 16] = [
    ("list", "", "secrets", "", "", SYSTEM),
    ("get", "", "secrets", "", "other", SYSTEM),
    ("delete", "", "secrets", "", "rights-ca", SYSTEM),
    ("get", "", "secrets", "", "rights-ca", "kube-system"),
    ("create", "", "secrets", "", "", "kube-system"),
    ("get", "", "pods", "", "", SYSTEM),
    ("create", "", "pods", "", "", SYSTEM),
    ("create", "", "pods", "exec", "", SYSTEM),
    ("create", "", "serviceaccounts", "token", "rights", SYSTEM),
    ("update", "apps", "deployments", "", "rights", SYSTEM),
    ("get", "coordination.k8s.io", "leases", "", "", SYSTEM),
    ("patch", "", "namespaces", "", "default", ""),
    ("patch", "softstop.dev", "shutdownpolicies", "", "mine", ""),
    ("list", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", "", ""),
    ("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", "istio", ""),
    ("delete", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", "rights", ""),
];

/// Creates the service account and its roles, and names the account.
async fn grant(client: &Client) -> String {
    for object in render("{fullnameOverride: rights}") {
        let kind = object["kind"].as_str().unwrap();
        if kind == "ServiceAccount" || kind.contains("Role") {
            cluster().rig.create(&object).unwrap();
        }
    }
    let account = format!("system:serviceaccount:{SYSTEM}:rights");
    // The authoriser hears of roles a moment after they are stored.
    for _ in 0..200 {
        if allowed(client, &account, ("create", "", "secrets", "", "", SYSTEM)).await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    account
}

async fn allowed(
    client: &Client,
    account: &str,
    action: (&str, &str, &str, &str, &str, &str),
) -> bool {
    let (verb, group, resource, subresource, name, namespace) = action;
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
        "user": account, "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{SYSTEM}"), "system:authenticated"],
        "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "subresource": subresource,
            "name": name, "namespace": namespace}}});
    let reply = client
        .create(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            &review,
        )
        .await;
    reply.accepted()["status"]["allowed"] == true
}

/// All rules that hold for an account in a namespace, one action each.
fn rules(account: &str, namespace: &str) -> BTreeSet<String> {
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}});
    let file = cluster().rig.dir().join(format!("rules-{namespace}.json"));
    fs::write(&file, review.to_string()).unwrap();
    let output = cluster().rig.kubectl([
        "create",
        "--validate=false",
        "-o",
        "json",
        "--as",
        account,
        "--as-group",
        "system:authenticated",
        "-f",
        file.to_str().unwrap(),
    ]);
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let review: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(review["status"]["incomplete"], false);
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().into_iter().flatten();
        words
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    let mut actions = BTreeSet::new();
    for rule in review["status"]["resourceRules"].as_array().unwrap() {
        let mut names = words(&rule["resourceNames"]);
        if names.is_empty() {
            names.push(String::new());
        }
        for verb in words(&rule["verbs"]) {
            for resource in words(&rule["resources"]) {
                for name in &names {
                    let action = format!("{verb} {resource} {name}");
                    actions.insert(action.trim_end().to_owned());
                }
            }
        }
    }
    actions
}

#[tokio::test]
async fn the_service_account_can_do_this_and_nothing_else() {
    let client = cluster().client().await;
    let account = grant(&client).await;
    // What any account may do, such as to ask what it may do.
    let anybody = rules("system:serviceaccount:bare:default", SYSTEM);
    let granted: BTreeSet<String> = rules(&account, SYSTEM)
        .difference(&anybody)
        .cloned()
        .collect();
    assert_eq!(
        granted,
        GRANTED.iter().map(|&action| action.to_owned()).collect()
    );
    // Its Secret is a matter of its own namespace.
    let elsewhere: BTreeSet<String> = rules(&account, "bare")
        .difference(&anybody)
        .cloned()
        .collect();
    let outside = granted
        .iter()
        .filter(|action| !action.contains("secrets"))
        .cloned()
        .collect();
    assert_eq!(elsewhere, outside);
    for action in DENIED {
        assert!(!allowed(&client, &account, action).await, "{action:?}");
    }
}
