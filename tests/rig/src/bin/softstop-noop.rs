//! A webhook that looks at nothing: what any webhook of this stack costs. `POST /` allows; `POST /patch` sends a patch along, always the same one.
//!
//! Its certificate, key and patch are variables, so that a Deployment is all that it takes.

use std::env;
use std::sync::Arc;

use anyhow::Context as _;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use softstop_rig::serve_pair;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let (certificate, key) = (variable("NOOP_CERTIFICATE")?, variable("NOOP_KEY")?);
    let patch: Arc<str> = variable("NOOP_PATCH")?.into();
    let router = Router::new()
        .route(
            "/",
            post(|Json(review): Json<Value>| async move { allowed(&review, None) }),
        )
        .route(
            "/patch",
            post(|Json(review): Json<Value>| async move { allowed(&review, Some(&patch)) }),
        );
    let listener = TcpListener::bind("0.0.0.0:8443")
        .await
        .context("cannot bind port 8443")?;
    serve_pair(listener, &certificate, &key, router).await
}

fn allowed(review: &Value, patch: Option<&str>) -> Json<Value> {
    let mut response = json!({"uid": review["request"]["uid"], "allowed": true});
    if let Some(patch) = patch {
        response["patchType"] = "JSONPatch".into();
        response["patch"] = patch.into();
    }
    Json(
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}),
    )
}
