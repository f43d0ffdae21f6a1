//! A server on free loopback ports, and clients for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::SupportedProtocolVersion;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use softstop::admission::{Cluster, Planner, Reviewer};
use softstop::certs::{Served, development};
use softstop::server::{App, Bound, Lifecycle, Limits, router};
use softstop::telemetry::Metrics;
use softstop_core::Context;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::ServiceExt as _;

pub(crate) const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

/// The engine itself. The pod of this harness is opted in by nothing: there is nothing to do with it.
pub(crate) fn engine() -> Planner {
    Arc::new(softstop_core::plan)
}

/// The engine, waiting for its cue.
pub(crate) struct Held {
    begun: AtomicUsize,
    released: Mutex<bool>,
    cue: Condvar,
}

impl Held {
    /// The planner, and what releases it at the latest when it is dropped.
    pub(crate) fn planner() -> (Planner, Release) {
        let held = Arc::new(Self {
            begun: AtomicUsize::new(0),
            released: Mutex::new(false),
            cue: Condvar::new(),
        });
        let release = Release(Arc::clone(&held));
        let planner = move |pod: &Value, context: &Context<'_>| {
            held.begun.fetch_add(1, Ordering::SeqCst);
            drop(
                held.cue
                    .wait_while(held.released.lock().unwrap(), |released| !*released)
                    .unwrap(),
            );
            softstop_core::plan(pod, context)
        };
        (Arc::new(planner), release)
    }
}

pub(crate) struct Release(Arc<Held>);

impl Release {
    /// Waits until that many plans have been begun.
    pub(crate) async fn begun(&self, plans: usize) {
        while self.0.begun.load(Ordering::SeqCst) < plans {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        *self.0.released.lock().unwrap() = true;
        self.0.cue.notify_all();
    }
}

pub(crate) fn reviewer(planner: Planner) -> Reviewer {
    Reviewer::with_planner(Cluster::default(), planner)
}

pub(crate) fn app(planner: Planner, limits: Limits) -> (Router, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::default());
    let app = App::new(Arc::new(reviewer(planner)), Arc::clone(&metrics), limits);
    (router(app), metrics)
}

/// Much longer than anything here takes, even on a busy machine.
pub(crate) const AMPLE: Duration = Duration::from_secs(30);

/// Limits of which none comes into play.
pub(crate) fn patient() -> Limits {
    Limits {
        handshake: AMPLE,
        headers: AMPLE,
        ..Limits::default()
    }
}

/// An `AdmissionReview` for the creation of that object.
pub(crate) fn review(object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "namespace": "shop",
            "operation": "CREATE",
            "object": object,
        },
    })
}

/// A pod that asks for a drain delay.
pub(crate) fn opted_in() -> Value {
    let mut pod = pod();
    pod["metadata"]["annotations"] = json!({ "softstop.dev/drain-delay": "7" });
    pod
}

pub(crate) fn pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": {
            "terminationGracePeriodSeconds": 30,
            "containers": [{ "name": "web", "image": "web", "command": ["gunicorn", "app:app"] }],
        },
    })
}

/// A request to the router itself.
pub(crate) async fn send(router: Router, request: Request<Body>) -> (Response<()>, Value) {
    let response = router.oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("JSON, not {body:?}"));
    (Response::from_parts(parts, ()), body)
}

/// Posts a body to `/mutate`.
pub(crate) async fn post(router: Router, body: impl Into<Body>) -> (Response<()>, Value) {
    post_to(router, "/mutate", body).await
}

pub(crate) async fn post_to(
    router: Router,
    path: &str,
    body: impl Into<Body>,
) -> (Response<()>, Value) {
    let request = Request::post(format!("{path}?timeout=10s"))
        .header("content-type", "application/json")
        .body(body.into())
        .expect("a request");
    send(router, request).await
}

/// The response of an `AdmissionReview` that was answered as it should be: whatever else happens, the pod is allowed.
pub(crate) fn allowed((response, body): (Response<()>, Value)) -> Value {
    assert_eq!(response.status(), StatusCode::OK, "{body}");
    assert_eq!(body["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(body["kind"], "AdmissionReview");
    assert_eq!(body["response"]["uid"], UID);
    assert_eq!(body["response"]["allowed"], true);
    assert_eq!(
        body["response"].get("patch").is_some(),
        body["response"].get("patchType").is_some()
    );
    body["response"].clone()
}

/// A server that runs.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ended: JoinHandle<bool>,
    pub(crate) ca: String,
}

impl Server {
    pub(crate) async fn start(planner: Planner, limits: Limits) -> Self {
        let made = development(&["localhost".to_owned()]).expect("a certificate");
        let served = Served::new(&made.pair);
        let metrics = Arc::new(Metrics::default());
        let lifecycle = Lifecycle::default();
        let app = App::new(Arc::new(reviewer(planner)), Arc::clone(&metrics), limits);
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = Bound::new(app, served, lifecycle.clone(), any, any)
            .await
            .expect("free ports");
        let (addr, admin) = (bound.addr, bound.admin_addr);
        let ended = tokio::spawn(bound.serve(Duration::from_secs(5)));
        Self {
            addr,
            admin,
            lifecycle,
            metrics,
            ended,
            ca: made.ca_bundle,
        }
    }

    /// A TLS connection that offers these protocols.
    pub(crate) async fn connect(&self, alpn: &[&str]) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.addr).await.expect("a connection");
        connector(&self.ca, alpn)
            .connect(ServerName::try_from("localhost").expect("a name"), stream)
            .await
            .expect("a handshake")
    }

    /// `GET` on the admin port.
    pub(crate) async fn admin(&self, path: &str) -> Reply {
        let mut stream = TcpStream::connect(self.admin).await.expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("to write");
        Reply::read(&mut stream).await.expect("an answer")
    }
}

/// A client that trusts this authority.
pub(crate) fn connector(ca: &str, alpn: &[&str]) -> TlsConnector {
    connector_of(ca, alpn, rustls::DEFAULT_VERSIONS)
}

/// One that speaks only these versions of TLS.
pub(crate) fn connector_of(
    ca: &str,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).expect("PEM"))
        .expect("an authority");
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// A request as text.
pub(crate) fn http1(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST /mutate?timeout=10s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An HTTP/1.1 answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Reply {
    /// Reads one answer; `None` where the connection is closed instead.
    pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut bytes = Vec::new();
        let head = loop {
            match stream.read_u8().await {
                Ok(byte) => bytes.push(byte),
                Err(_) if bytes.is_empty() => return None,
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)),
            }
            if bytes.ends_with(b"\r\n\r\n") {
                break String::from_utf8(bytes).expect("ASCII");
            }
        };
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.get(9..12))
            .expect("a status line");
        let headers: BTreeMap<_, _> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().expect("a number"));
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("the body");
        Some(Self {
            status: status.parse().expect("a number"),
            headers,
            body: String::from_utf8(body).expect("text"),
        })
    }
}
