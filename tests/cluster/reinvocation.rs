//! Together with a webhook that comes later and adds a container.

use serde_json::{Value, json};

use crate::fixture::{cluster, registration};
use crate::normal::normal;
use crate::spy::Spy;

/// A container that needs softstop as much as the one that was there.
fn sidecar() -> Value {
    json!({"name": "added", "image": "app:1", "command": ["sh", "-c", format!("gunicorn {SIDE}")]})
}

/// It says how long it takes: what does not keeps the grace that is there when softstop sees it, and that is longer by then.
const SIDE: &str = "--graceful-timeout 30 side:app";

fn add_sidecar(pod: &Value) -> Vec<Value> {
    let there = pod["spec"]["containers"]
        .as_array()
        .is_some_and(|list| list.iter().any(|c| c["name"] == "added"));
    if there {
        Vec::new()
    } else {
        vec![json!({"op": "add", "path": "/spec/containers/-", "value": sidecar()})]
    }
}

#[tokio::test]
async fn containers_added_later_are_planned_too() {
    let client = cluster().client().await;
    let pod = |containers: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": containers}});
    let own = json!({"name": "app", "image": "app:1", "command": ["sh", "-c", "gunicorn app:app"],
        "ports": [{"containerPort": 8000}]});

    let webhook = cluster().start_webhook("reinvoked", &[]);
    client
        .register(
            &registration("reinvoked", webhook.url(), webhook.ca()),
            "reinvoked",
        )
        .await;
    let spy = Spy::start(add_sidecar).await;
    // Configurations are asked in the order of their names: this one comes later.
    let mut late = registration("reinvoked", &spy.url, &spy.ca);
    late["metadata"]["name"] = "reinvoked-later".into();
    let added = |pod: &Value| pod["spec"]["containers"][1].is_object();
    client
        .register_until(&late, "reinvoked", &pod(json!([own])), added)
        .await;

    let stored = client
        .create_pod("reinvoked", &pod(json!([own])))
        .await
        .accepted();
    for (index, words) in [(0, "app:app"), (1, SIDE)] {
        let script = format!("exec gunicorn {words}");
        assert_eq!(stored["spec"]["containers"][index]["command"][2], script);
    }

    // The order does not matter: both containers there from the start give the same pod. Only the status differs, as it speaks of
    // the last call.
    let both = client
        .create_pod("shop", &pod(json!([own, sidecar()])))
        .await
        .accepted();
    let without_status = |pod: &Value| {
        let mut pod = normal(pod);
        pod["metadata"]["annotations"]["softstop.dev/status"] = Value::Null;
        pod
    };
    assert_eq!(without_status(&stored), without_status(&both));
}
