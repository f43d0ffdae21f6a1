//! Following a cluster whose API server misbehaves: reviews are answered all the same, in bounded time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use softstop::admission::{Cluster, NamespaceSource as _, Reviewer};
use softstop::cluster::{self, Live};
use softstop::server::{App, Lifecycle, Limits, Phase, admin_router, router};
use softstop::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tower::ServiceExt as _;

use crate::harness::{allowed, opted_in, post, review};

/// What the server does.
#[derive(Default)]
struct Behaviour {
    /// Lists are not answered.
    mute: bool,
    /// Single namespaces are not answered.
    mute_namespace: bool,
    /// `ShutdownPolicy` is defined.
    defined: bool,
    /// Namespaces that its lists have.
    listed: Vec<Value>,
    /// Namespaces that it has, but that no list or watch brings.
    unlisted: Vec<Value>,
}

/// A server that only answers what is asked here, and counts requests for single namespaces.
struct Fake {
    addr: SocketAddr,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

struct Inner {
    behaviour: Behaviour,
    asked: Arc<AtomicUsize>,
}

impl Fake {
    async fn start(behaviour: Behaviour) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let inner = Arc::new(Inner {
            behaviour,
            asked: Arc::clone(&asked),
        });
        let router = Router::new()
            .route("/api/v1/namespaces", get(namespaces))
            .route("/api/v1/namespaces/{name}", get(namespace))
            .route(
                "/apis/softstop.dev/v1alpha1/shutdownpolicies",
                get(policies),
            )
            .with_state(inner);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { addr, asked, task }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn follow(&self) -> (Live, Arc<Metrics>) {
        let config = kube::Config::new(format!("http://{}", self.addr).parse().unwrap());
        let metrics = Arc::new(Metrics::default());
        let client = kube::Client::try_from(config).unwrap();
        (cluster::follow(&client, &metrics), metrics)
    }
}

fn list(kind: &str, items: &[Value], RawQuery(query): RawQuery) -> Response {
    if query.is_some_and(|query| query.contains("watch=true")) {
        // Open, and silent.
        let silence = stream::pending::<Result<Bytes, Infallible>>();
        return Body::from_stream(silence.boxed()).into_response();
    }
    json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items})
        .to_string()
        .into_response()
}

async fn namespaces(State(inner): State<Arc<Inner>>, query: RawQuery) -> Response {
    if inner.behaviour.mute {
        sleep(Duration::from_secs(600)).await;
    }
    list("PartialObjectMetadataList", &inner.behaviour.listed, query)
}

async fn policies(State(inner): State<Arc<Inner>>, query: RawQuery) -> Response {
    if inner.behaviour.defined {
        list("ShutdownPolicyList", &[], query)
    } else {
        (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
    }
}

async fn namespace(State(inner): State<Arc<Inner>>, Path(name): Path<String>) -> Response {
    inner.asked.fetch_add(1, Ordering::SeqCst);
    let behaviour = &inner.behaviour;
    if behaviour.mute_namespace {
        sleep(Duration::from_secs(600)).await;
    }
    match behaviour
        .unlisted
        .iter()
        .find(|item| item["metadata"]["name"] == *name)
    {
        Some(found) => found.to_string().into_response(),
        None => (
            StatusCode::NOT_FOUND,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "reason": "NotFound", "code": 404, "message": "not found"})
            .to_string(),
        )
            .into_response(),
    }
}

fn described(name: &str) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": name, "resourceVersion": "1",
        "labels": {"team": "a", "softstop.dev/mode": "enforce"},
        "annotations": {"softstop.dev/drain-delay": "3", "drain-time.softstop.dev/app": "9", "other/huge": "x".repeat(1000)}}})
}

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_is_listed_is_known_with_our_own_annotations_only() {
    let fake = Fake::start(Behaviour {
        listed: vec![described("shop")],
        defined: true,
        ..Behaviour::default()
    })
    .await;
    let (mut live, metrics) = fake.follow();
    assert!(live.listed(SOON).await);
    let shop = live.namespaces.get("shop").unwrap();
    assert_eq!(shop.labels.len(), 2);
    assert_eq!(
        shop.annotations.keys().collect::<Vec<_>>(),
        ["drain-time.softstop.dev/app", "softstop.dev/drain-delay"]
    );
    assert!(
        metrics
            .encode()
            .contains(r#"softstop_watched_objects{resource="namespaces"} 1"#)
    );

    // The API server goes away: what was known last goes on to count.
    fake.task.abort();
    sleep(Duration::from_millis(50)).await;
    assert!(live.namespaces.get("shop").is_some());
    assert_eq!(fake.asked(), 0);
}

/// It is not in the Service's endpoints before it knows anything; whoever asks all the same is answered.
#[tokio::test]
async fn a_server_that_starts_is_not_ready() {
    let lifecycle = Lifecycle::starting();
    let ready = async || {
        let router = admin_router(lifecycle.clone(), Arc::new(Metrics::default()));
        let request = Request::get("/ready").body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().status()
    };
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
    lifecycle.enter(Phase::Running);
    assert_eq!(ready().await, StatusCode::OK);
    // A stop that comes first is not forgotten when the lists come in.
    lifecycle.enter(Phase::Draining);
    lifecycle.enter(Phase::Running);
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
}

/// Nobody waits for policies of a kind that does not exist.
#[tokio::test]
async fn without_the_definition_there_are_no_policies() {
    let fake = Fake::start(Behaviour::default()).await;
    let (mut live, metrics) = fake.follow();
    assert!(live.listed(SOON).await);
    assert_eq!(live.policies.borrow().iter().count(), 0);
    assert!(
        metrics
            .encode()
            .contains(r#"softstop_watch_up{resource="shutdownpolicies"} 0"#)
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for_for_ever() {
    let fake = Fake::start(Behaviour {
        mute: true,
        ..Behaviour::default()
    })
    .await;
    let (mut live, _metrics) = fake.follow();
    assert!(!live.listed(Duration::from_millis(200)).await);
}

#[tokio::test]
async fn a_namespace_that_the_watch_has_not_brought_is_looked_up_once() {
    let fake = Fake::start(Behaviour {
        unlisted: vec![described("new")],
        ..Behaviour::default()
    })
    .await;
    let (live, metrics) = fake.follow();
    let namespaces = &live.namespaces;
    assert!(namespaces.get("new").is_none());
    join_all((0..100).map(|_| namespaces.look_up("new"))).await;
    assert_eq!(namespaces.get("new").unwrap().labels["team"], "a");
    assert!(
        (1..=16).contains(&fake.asked()),
        "{} requests",
        fake.asked()
    );
    assert!(
        metrics
            .encode()
            .contains(r#"softstop_namespace_lookups_total{result="found"} 100"#)
    );
}

#[tokio::test]
async fn one_that_does_not_exist_is_not_asked_for_again_at_once() {
    let fake = Fake::start(Behaviour::default()).await;
    let (live, metrics) = fake.follow();
    for _ in 0..5 {
        live.namespaces.look_up("nowhere").await;
    }
    assert_eq!(fake.asked(), 1);
    // What is no name is not put into a URL.
    for hostile in [
        "",
        "../secrets",
        "a/b",
        "a?watch=true",
        "UPPER",
        &"a".repeat(64),
    ] {
        live.namespaces.look_up(hostile).await;
    }
    assert_eq!(fake.asked(), 1);
    assert!(
        metrics
            .encode()
            .contains(r#"softstop_namespace_lookups_total{result="missing"} 1"#)
    );
    sleep(Duration::from_millis(1_100)).await;
    live.namespaces.look_up("nowhere").await;
    assert_eq!(fake.asked(), 2);
}

/// A pod is not judged without the labels of its namespace, and not held up for them either.
#[tokio::test]
async fn a_pod_of_an_unknown_namespace_is_left_alone_in_time() {
    let fake = Fake::start(Behaviour {
        mute: true,
        mute_namespace: true,
        ..Behaviour::default()
    })
    .await;
    let (live, metrics) = fake.follow();
    let cluster = Cluster {
        policies: live.policies.clone(),
        namespaces: live.namespaces.clone(),
        ..Cluster::default()
    };
    let app = App::new(
        Arc::new(Reviewer::new(cluster)),
        Arc::clone(&metrics),
        Limits::default(),
    );
    let started = Instant::now();
    let answer = allowed(post(router(app), review(&opted_in()).to_string()).await);
    assert!(
        started.elapsed() < Duration::from_millis(1_500),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(answer.get("patch"), None);
    assert_eq!(
        answer["warnings"],
        json!([
            "softstop: the pod was left alone: the labels of its namespace could not be read in time"
        ])
    );
    let text = metrics.encode();
    assert!(
        text.contains(r#"softstop_reviews_total{outcome="namespace-unknown",mode="none"} 1"#),
        "{text}"
    );
    assert!(
        text.contains(r#"softstop_namespace_lookups_total{result="failed"} 1"#),
        "{text}"
    );
}
