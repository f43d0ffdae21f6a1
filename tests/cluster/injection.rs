//! softstop-init in pods: what comes with it is admitted where pods are restricted, and comes once.

use serde_json::{Value, json};
use softstop_rig::{Webhook, samples};

use crate::client::Client;
use crate::fixture::{cluster, examples, registration};
use crate::normal::normal;

async fn injecting(client: &Client, name: &str, delivery: &str) -> Webhook {
    let args = [
        "--init-image=registry.example/softstop:1".to_owned(),
        format!("--init-delivery={delivery}"),
    ];
    let webhook = cluster().start_webhook(name, &args);
    let registration = registration(name, webhook.url(), webhook.ca());
    client.register(&registration, name).await;
    webhook
}

/// A pod that the restricted profile admits, with an entrypoint that nobody can see.
fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "app", "image": "app:1", "ports": [{"containerPort": 8000}],
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
        }],
    }})
}

async fn restrict(client: &Client, namespace: &str) {
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted"}}});
    client
        .merge(&format!("/api/v1/namespaces/{namespace}"), &labels)
        .await
        .accepted();
}

#[tokio::test]
async fn an_init_container_brings_it_into_a_restricted_pod() {
    let client = cluster().client().await;
    let _webhook = injecting(&client, "injected", "emptydir").await;
    restrict(&client, "injected").await;
    let reply = client.create_pod("injected", &pod("web")).await;
    assert_eq!(
        reply.warnings,
        Vec::<String>::new(),
        "the profile has nothing to say"
    );
    let stored = reply.accepted();
    let init = &stored["spec"]["initContainers"];
    assert_eq!(init.as_array().map(Vec::len), Some(1), "{init}");
    assert_eq!(
        init[0]["resources"]["requests"],
        init[0]["resources"]["limits"]
    );
    assert_eq!(
        stored["status"]["qosClass"], "Guaranteed",
        "it stays what it was"
    );
    let hook = &stored["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"];
    assert_eq!(
        *hook,
        json!([
            "/.softstop/softstop-init",
            "drain",
            "--delay",
            "5",
            "--grace",
            "30"
        ])
    );
    let status = stored["metadata"]["annotations"]["softstop.dev/status"]
        .as_str()
        .unwrap();
    assert!(
        status.contains("app=hook") && status.contains("softstop-init injected"),
        "{status}"
    );

    // A copy (`kubectl debug --copy-to`) is not given a second one.
    let mut copy = stored.clone();
    copy["metadata"] = json!({"name": "copy"});
    let copied = client.create_pod("injected", &copy).await.accepted();
    let spec = |pod: &Value| normal(pod)["spec"].clone();
    assert_eq!(spec(&copied), spec(&stored));
}

#[tokio::test]
async fn an_image_volume_adds_no_container() {
    let client = cluster().client().await;
    let _webhook = injecting(&client, "injected-volume", "image-volume").await;
    restrict(&client, "injected-volume").await;
    let stored = client
        .create_pod("injected-volume", &pod("web"))
        .await
        .accepted();
    assert_eq!(stored["spec"].get("initContainers"), None);
    let volumes = stored["spec"]["volumes"].as_array().unwrap();
    assert!(
        volumes
            .iter()
            .any(|volume| volume["image"]["reference"] == "registry.example/softstop:1"),
        "{volumes:?}"
    );
}

/// A pod with what the restricted profile asks of it.
fn restricted(mut pod: Value) -> Value {
    pod["spec"]["securityContext"] =
        json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        container["securityContext"]["allowPrivilegeEscalation"] = false.into();
        container["securityContext"]["capabilities"] = json!({"drop": ["ALL"]});
    }
    pod
}

#[tokio::test]
async fn every_example_is_admitted_with_it_where_pods_are_restricted() {
    let client = cluster().client().await;
    let _webhook = injecting(&client, "injected-examples", "emptydir").await;
    restrict(&client, "injected-examples").await;
    let mut injected = 0;
    for sample in samples(&examples()).unwrap() {
        let pod = restricted(sample.pod);
        let stored = client
            .create_pod("injected-examples", &pod)
            .await
            .accepted();
        injected += usize::from(
            stored["spec"]["volumes"]
                .to_string()
                .contains("softstop-init"),
        );
    }
    assert!(injected >= 1, "the start script needs it");
}

/// Where every container has to say what it takes, the init container does; where a range is set, it keeps to it.
#[tokio::test]
async fn quota_and_limits_are_met() {
    let client = cluster().client().await;
    let _webhook = injecting(&client, "injected-quota", "emptydir").await;
    let hard = json!({"requests.cpu": "100m", "limits.cpu": "100m", "requests.memory": "64Mi", "limits.memory": "64Mi"});
    let path = "/api/v1/namespaces/injected-quota";
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": hard}});
    client
        .create(&format!("{path}/resourcequotas"), &quota)
        .await
        .accepted();
    // What the quota controller would do.
    let used = json!({"requests.cpu": "0", "limits.cpu": "0", "requests.memory": "0", "limits.memory": "0"});
    let status = json!({"status": {"hard": hard, "used": used}});
    client
        .merge(&format!("{path}/resourcequotas/quota/status"), &status)
        .await
        .accepted();
    let range = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [
        {"type": "Container", "min": {"memory": "16Mi"}, "max": {"memory": "64Mi"}}]}});
    client
        .create(&format!("{path}/limitranges"), &range)
        .await
        .accepted();
    let stored = client
        .create_pod("injected-quota", &pod("web"))
        .await
        .accepted();
    assert_eq!(
        stored["spec"]["initContainers"][0]["resources"]["limits"]["memory"],
        "16Mi"
    );
}
