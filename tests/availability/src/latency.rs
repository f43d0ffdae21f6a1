//! What asking softstop costs each creation.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Json;
use axum::routing::post;
use base64::Engine as _;
use serde_json::{Value, json};
use softstop_rig::{Node, serve};

use crate::creator::client;
use crate::install::{is_changed, pod, upgrade};
use crate::load::create_one;

/// What stands between the API server and a pod, and the namespace where it does.
pub const KINDS: [(&str, &str); 4] = [
    ("nothing", "plain"),
    ("a webhook that does nothing", "noop"),
    ("a MutatingAdmissionPolicy", "expression"),
    ("softstop", "softstop"),
];

/// Of the creations of one kind.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    took: Vec<Duration>,
}

impl Figures {
    /// What so many of a hundred do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let index = (self.took.len() * percent / 100).min(self.took.len().saturating_sub(1));
        self.took.get(index).copied().unwrap_or_default()
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.took.len()
    }
}

/// Creates `count` pods of each of the [`KINDS`] as dry runs, in turn, so that whatever slows the machine slows all of them.
pub fn latency(node: &Node, count: usize) -> anyhow::Result<[Figures; 4]> {
    for (_, namespace) in KINDS {
        node.apply(
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        )?;
        node.wait_account(namespace, crate::PATIENCE)?;
    }
    let runtime = node.runtime(2)?;
    let (url, ca) = runtime
        .block_on(runtime.spawn(serve(axum::Router::new().route(
            "/",
            post(|Json(review): Json<Value>| async move { admitted(&review) }),
        ))))
        .context("the server panicked")??;
    node.apply(&noop(&url, &ca))?;
    node.apply(&expression())?;
    node.apply(&binding())?;
    exclude(node)?;
    let client = client(node, &runtime)?;
    // All of them are in force a moment later.
    std::thread::sleep(Duration::from_secs(2));
    let measured = runtime.spawn(async move {
        let mut figures = [const { Figures { took: Vec::new() } }; 4];
        for round in 0..count + WARM_UP {
            for (figures, (kind, namespace)) in figures.iter_mut().zip(KINDS) {
                let begun = Instant::now();
                let pod = create_one(&client, &pod(namespace), "?dryRun=All").await?;
                let elapsed = begun.elapsed();
                anyhow::ensure!(is_as_expected(&pod, kind), "{kind}: {pod}");
                if round >= WARM_UP {
                    figures.took.push(elapsed);
                }
            }
        }
        anyhow::Ok(figures)
    });
    let mut figures = runtime
        .block_on(measured)
        .context("the measurement panicked")??;
    for figures in &mut figures {
        figures.took.sort_unstable();
    }
    Ok(figures)
}

/// Connections are made, and code is loaded.
const WARM_UP: usize = 50;

/// The change that softstop makes, and the policy.
fn is_as_expected(pod: &Value, kind: &str) -> bool {
    let script = &pod["spec"]["containers"][0]["command"][2];
    match kind {
        "softstop" => is_changed(pod) && script == "exec gunicorn shop.wsgi",
        "a MutatingAdmissionPolicy" => script == "exec gunicorn shop.wsgi",
        _ => !is_changed(pod) && script == "gunicorn shop.wsgi",
    }
}

fn admitted(review: &Value) -> Json<Value> {
    Json(json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], "allowed": true},
    }))
}

fn noop(url: &str, ca: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "noop"},
        "webhooks": [{
            "name": "noop.softstop.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
            "clientConfig": {"url": format!("{url}/"), "caBundle": base64::engine::general_purpose::STANDARD.encode(ca)},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "noop"}},
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
        }],
    })
}

/// A policy that makes the same edit as softstop, of this one pod.
fn expression() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "expression"},
        "spec": {
            "failurePolicy": "Fail", "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "expression"}},
                "resourceRules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
            },
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": concat!(
                "!object.spec.containers[0].command[2].startsWith('exec ') ? ",
                "[JSONPatch{op: 'replace', path: '/spec/containers/0/command/2', ",
                "value: 'exec ' + object.spec.containers[0].command[2]}] : []",
            )}}],
        },
    })
}

fn binding() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "expression"}, "spec": {"policyName": "expression"},
    })
}

/// Keeps softstop out of the other namespaces.
fn exclude(node: &Node) -> anyhow::Result<()> {
    let others = KINDS.iter().filter(|(kind, _)| *kind != "softstop");
    let others = others.map(|(_, namespace)| *namespace);
    let excluded: Vec<_> = ["kube-system", "kube-node-lease"]
        .into_iter()
        .chain(others)
        .collect();
    upgrade(
        node,
        &[&format!("webhook.excludedNamespaces={}", json!(excluded))],
    )
}
