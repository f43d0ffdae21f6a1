//! What there is to know: namespaces and policies on a real kube-apiserver.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use http::Request;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use softstop_rig::Rig;

pub(crate) const NAMESPACES: usize = 10_000;
pub(crate) const POLICIES: usize = 1_000;

pub(crate) async fn client(rig: &Rig) -> Client {
    let kubeconfig = Kubeconfig::read_from(rig.kubeconfig()).unwrap();
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.unwrap()).unwrap()
}

fn namespace(index: usize, round: usize) -> Value {
    let name = format!("team-{index:05}");
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": name,
        "labels": {"team": format!("team-{}", index % POLICIES), "stage": "production", "region": "eu-central-1",
            "app.kubernetes.io/managed-by": "platform", "round": round.to_string()},
        "annotations": {"softstop.dev/drain-delay": "5", "owner": format!("{name}@example.com"),
            "description": "What the team of this namespace does, in a sentence as people write them.",
            "cost-center": format!("{index}")},
    }})
}

fn policy(index: usize) -> Value {
    json!({"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy", "metadata": {"name": format!("policy-{index:04}")},
        "spec": {"mode": "enforce", "priority": index, "namespaceSelector": {"matchLabels": {"team": format!("team-{index}")}},
            "podSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["batch", "test"]}]},
            "drainDelay": "10s", "drainTime": "1m", "bounds": {"gracePeriod": {"min": 30, "max": "10m"}, "drainDelay": {"max": "30s"}},
            "locked": ["mode", "drainDelay"], "violations": "Warn"}})
}

/// Makes them.
pub(crate) async fn fill(client: &Client) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let definition = fs::read_to_string(root.join("deploy/chart/files/crd.yaml")).unwrap();
    let definition: Value = serde_saphyr::from_str(&definition).unwrap();
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    send(client, Request::post(path), "json", &definition)
        .await
        .unwrap();
    let policies = "/apis/softstop.dev/v1alpha1/shutdownpolicies";
    while client
        .request_text(Request::get(policies).body(vec![]).unwrap())
        .await
        .is_err()
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let namespaces = (0..NAMESPACES).map(|index| ("/api/v1/namespaces", namespace(index, 0)));
    let all = namespaces.chain((0..POLICIES).map(|index| (policies, policy(index))));
    stream::iter(all)
        .for_each_concurrent(16, async |(path, object)| {
            send(client, Request::post(path), "json", &object)
                .await
                .unwrap();
        })
        .await;
}

/// Seconds until every namespace has another label.
pub(crate) async fn change(client: &Client) -> f64 {
    let started = Instant::now();
    stream::iter(0..NAMESPACES)
        .for_each_concurrent(16, async |index| {
            let path = format!("/api/v1/namespaces/team-{index:05}");
            send(
                client,
                Request::patch(path),
                "merge-patch+json",
                &namespace(index, 1),
            )
            .await
            .unwrap();
        })
        .await;
    started.elapsed().as_secs_f64()
}

async fn send(
    client: &Client,
    request: http::request::Builder,
    kind: &str,
    body: &Value,
) -> kube::Result<String> {
    let request = request.header("Content-Type", format!("application/{kind}"));
    client
        .request_text(request.body(body.to_string().into_bytes()).unwrap())
        .await
}
