//! The admin port: plain HTTP, for the kubelet and for Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::shutdown::{Lifecycle, Phase};
use crate::telemetry::Metrics;

/// `/live`, `/ready`, `/metrics`.
pub fn admin_router(lifecycle: Lifecycle, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/live", get(async || "alive\n"))
        .route("/ready", get(ready).with_state(lifecycle))
        .route("/metrics", get(show).with_state(metrics))
}

/// Ready from when the cluster is known and trusts the certificate, until told to stop. It depends on nothing else: a webhook that takes
/// itself out of the endpoints because something around it is wrong makes that worse.
async fn ready(State(lifecycle): State<Lifecycle>) -> impl IntoResponse {
    match lifecycle.phase() {
        Phase::Starting => (
            StatusCode::SERVICE_UNAVAILABLE,
            "starting: the cluster is not known yet, or does not trust the certificate yet; the log says more\n",
        ),
        Phase::Running => (StatusCode::OK, "ready\n"),
        Phase::Draining | Phase::Closing => (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n"),
    }
}

async fn show(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    (
        [(
            CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        metrics.encode(),
    )
}
