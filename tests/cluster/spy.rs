//! A webhook of the test's own: it remembers what it was sent, and may add something of its own to each pod.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use softstop_rig::Authority;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

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
        let authority = Authority::new("spy").expect("a CA");
        let pair = authority.serving().expect("a certificate");
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).expect("a key");
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("TLS versions")
                .with_no_client_auth()
                .with_single_cert(vec![pair.cert.der().clone()], key)
                .expect("a TLS configuration");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let seen = Arc::default();
        let router = Router::new()
            .route("/mutate", post(answer))
            .with_state((Arc::clone(&seen), patcher));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, service) =
                    (acceptor.clone(), TowerToHyperService::new(router.clone()));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let server = auto::Builder::new(TokioExecutor::new());
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
        Self {
            url,
            ca: authority.pem(),
            seen,
        }
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
