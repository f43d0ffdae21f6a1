//! A webhook of the test's own: it remembers what it was sent, and may add something of its own to each pod.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use softstop_rig::serve;

/// What the spy does to a pod it is sent: JSON Patch operations.
type Patcher = fn(&Value) -> Vec<Value>;

pub(crate) struct Spy {
    pub(crate) url: String,
    pub(crate) ca: String,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Spy {
    /// Serves on loopback for as long as the test's runtime lives.
    pub(crate) async fn start(patcher: Patcher) -> Self {
        let seen = Arc::default();
        let router = Router::new()
            .route("/mutate", post(answer))
            .with_state((Arc::clone(&seen), patcher));
        let (url, ca) = serve(router).await.expect("a server");
        Self { url, ca, seen }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Value> {
        self.seen.lock().expect("no panic while locked").clone()
    }

    /// Whether it was sent an object of that name.
    pub(crate) fn saw(&self, name: &str) -> bool {
        self.seen()
            .iter()
            .any(|request| request["object"]["metadata"]["name"] == name)
    }
}

async fn answer(
    State((seen, patcher)): State<(Arc<Mutex<Vec<Value>>>, Patcher)>,
    Json(mut review): Json<Value>,
) -> Json<Value> {
    let request = review["request"].take();
    let patch = patcher(&request["object"]);
    let mut response = json!({"uid": request["uid"], "allowed": true});
    if !patch.is_empty() {
        response["patchType"] = "JSONPatch".into();
        response["patch"] = STANDARD.encode(Value::from(patch).to_string()).into();
    }
    seen.lock().expect("no panic while locked").push(request);
    Json(
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}),
    )
}
