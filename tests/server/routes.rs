//! What is answered to which request. A pod is never denied; what is no `AdmissionReview` gets an HTTP error.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{Request, StatusCode};
use http_body::{Frame, SizeHint};
use serde_json::{Value, json};
use softstop::server::Limits;
use tokio::time::{Sleep, sleep};

use crate::harness::{AMPLE, allowed, app, engine, opted_in, patient, pod, post, review, send};

#[tokio::test]
async fn errors_say_what_to_do() {
    let json = "application/json";
    for (method, path, content_type, status) in [
        ("GET", "/mutate", json, StatusCode::METHOD_NOT_ALLOWED),
        ("PUT", "/mutate", json, StatusCode::METHOD_NOT_ALLOWED),
        ("POST", "/", json, StatusCode::NOT_FOUND),
        ("POST", "/mutate/", json, StatusCode::NOT_FOUND),
        ("GET", "/metrics", json, StatusCode::NOT_FOUND),
        ("POST", "/mutate", "", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            "POST",
            "/mutate",
            "text/plain",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "POST",
            "/mutate",
            "application/jsonp",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("POST", "/mutate", json, StatusCode::BAD_REQUEST),
        (
            "POST",
            "/mutate",
            "Application/JSON; charset=utf-8",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let (router, metrics) = app(engine(), Limits::default());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type);
        let (response, body) = send(router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), status, "{method} {path} {content_type}");
        assert!(
            body["error"].is_string() && body["hint"].is_string(),
            "{body}"
        );
        assert_eq!(response.headers()["content-type"], json);
        // The API server would ask again and again.
        assert!(!response.headers().contains_key("retry-after"));
        assert_eq!(
            response.headers().contains_key("allow"),
            status == StatusCode::METHOD_NOT_ALLOWED
        );
        let counted = format!(
            "softstop_rejected_requests_total{{status=\"{}\"}} 1",
            status.as_u16()
        );
        assert!(metrics.encode().contains(&counted), "{}", metrics.encode());
    }
}

#[tokio::test]
async fn what_is_no_admission_review_is_refused_without_quoting_it() {
    let with = |change: fn(&mut Value)| {
        let mut body = review(&pod());
        change(&mut body);
        body.to_string().into_bytes()
    };
    let whole = review(&pod()).to_string().into_bytes();
    let deep = format!("{{\"a\":{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for (what, body) in [
        ("empty", Vec::new()),
        ("text", b"hunter2".to_vec()),
        ("string", b"\"hunter2\"".to_vec()),
        ("list", b"[\"hunter2\"]".to_vec()),
        ("null", b"null".to_vec()),
        ("object", b"{}".to_vec()),
        ("cut", whole[..whole.len() - 2].to_vec()),
        ("cut in the pod", whole[..whole.len() / 2].to_vec()),
        ("trailing", [&whole[..], b"hunter2"].concat()),
        (
            "not UTF-8",
            [&b"{\"kind\":\"\xff"[..], b"hunter2\"}"].concat(),
        ),
        ("deep and cut", deep.into_bytes()),
        (
            "old version",
            with(|body| body["apiVersion"] = json!("admission.k8s.io/v1beta1")),
        ),
        ("other kind", with(|body| body["kind"] = json!("hunter2"))),
        (
            "kind no string",
            with(|body| body["kind"] = json!({"a": "hunter2"})),
        ),
        ("no request", with(|body| body["request"] = Value::Null)),
        (
            "request no object",
            with(|body| body["request"] = json!("hunter2")),
        ),
        ("no uid", with(|body| body["request"]["uid"] = json!(""))),
        (
            "uid no string",
            with(|body| body["request"]["uid"] = json!(["hunter2"])),
        ),
        (
            "a response",
            with(|body| {
                *body =
                    json!({"apiVersion": body["apiVersion"], "kind": body["kind"], "response": {}});
            }),
        ),
    ] {
        let (router, _) = app(engine(), Limits::default());
        let (response, answer) = post(router, body).await;
        assert_eq!(
            response.status(),
            StatusCode::BAD_REQUEST,
            "{what}: {answer}"
        );
        assert!(!answer.to_string().contains("hunter2"), "{what}: {answer}");
    }
}

#[tokio::test]
async fn requests_about_something_else_are_allowed_and_left_alone() {
    let create = json!("CREATE");
    let core = json!({ "group": "", "version": "v1", "kind": "Pod" });
    for (kind, operation, sub_resource, reason) in [
        (
            json!({ "group": "apps", "version": "v1", "kind": "Deployment" }),
            create.clone(),
            Value::Null,
            "not-a-pod",
        ),
        (
            json!({ "group": "example.com", "version": "v1", "kind": "Pod" }),
            create.clone(),
            Value::Null,
            "not-a-pod",
        ),
        (json!({}), create.clone(), Value::Null, "not-a-pod"),
        (core.clone(), json!("UPDATE"), Value::Null, "not-a-creation"),
        (core.clone(), json!("DELETE"), Value::Null, "not-a-creation"),
        (
            core.clone(),
            json!("CONNECT"),
            Value::Null,
            "not-a-creation",
        ),
        (core.clone(), json!("MELT"), Value::Null, "not-a-creation"),
        (
            core.clone(),
            create.clone(),
            json!("ephemeralcontainers"),
            "subresource",
        ),
    ] {
        let mut body = review(&pod());
        body["request"]["kind"] = kind;
        body["request"]["operation"] = operation;
        body["request"]["subResource"] = sub_resource;
        let (router, metrics) = app(engine(), Limits::default());
        let answer = allowed(post(router, body.to_string()).await);
        assert_eq!(answer["auditAnnotations"]["skipped"], reason);
        assert_eq!(answer.get("patch"), None);
        assert_eq!(
            answer.get("warnings"),
            None,
            "whoever creates a Deployment cannot help it"
        );
        assert!(
            metrics
                .encode()
                .contains(r#"softstop_reviews_total{outcome="skipped",mode="none"} 1"#)
        );
    }
}

#[tokio::test]
async fn a_pod_that_cannot_be_read_is_allowed_with_a_warning() {
    let deep = format!(
        "{{\"metadata\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for object in [
        "null",
        "[]",
        "\"pod\"",
        "7",
        "true",
        &deep,
        "{\"spec\": 1e999}",
    ] {
        let body = review(&json!("OBJECT"))
            .to_string()
            .replace("\"OBJECT\"", object);
        let (router, metrics) = app(engine(), Limits::default());
        let answer = allowed(post(router, body).await);
        assert_eq!(answer.get("patch"), None);
        let warning = answer["warnings"][0].as_str().expect("a warning");
        assert!(
            warning.starts_with("softstop: the pod was left alone: "),
            "{warning}"
        );
        assert!(
            metrics
                .encode()
                .contains(r#"softstop_reviews_total{outcome="unreadable",mode="none"} 1"#)
        );
    }
    let mut body = review(&pod());
    body["request"].as_object_mut().unwrap().remove("object");
    let answer = allowed(post(app(engine(), Limits::default()).0, body.to_string()).await);
    assert_eq!(
        answer["warnings"][0],
        "softstop: the pod was left alone: the request carries no object"
    );
}

/// A body without a length, of which every frame is counted.
struct Frames {
    /// What the sender claims to send.
    claimed: Option<u64>,
    frame: Bytes,
    left: usize,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Frames {
    fn new(frame: &'static [u8], left: usize, pause: Duration) -> Self {
        Self {
            claimed: None,
            frame: Bytes::from_static(frame),
            left,
            pause,
            sleep: None,
        }
    }

    fn body(frame: &'static [u8], left: usize, pause: Duration) -> Body {
        Body::new(Self::new(frame, left, pause))
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn size_hint(&self) -> SizeHint {
        self.claimed
            .map_or_else(SizeHint::new, SizeHint::with_exact)
    }

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let pause = self.pause;
        let paused = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep(pause)))
            .as_mut()
            .poll(cx);
        std::task::ready!(paused);
        self.sleep = None;
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.frame.clone()))))
    }
}

#[tokio::test]
async fn a_body_is_counted_while_it_streams() {
    static BLANK: [u8; 1024] = [b' '; 1024];
    let limits = Limits {
        body: 64 * 1024,
        ..Limits::default()
    };
    let endless = Frames::body(&BLANK, usize::MAX, Duration::ZERO);
    let (response, body) = post(app(engine(), limits.clone()).0, endless).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{body}");
    assert_eq!(response.headers()["connection"], "close");

    let mut whole = review(&pod()).to_string();
    whole.push_str(&" ".repeat(limits.body - whole.len()));
    allowed(post(app(engine(), limits.clone()).0, whole.clone()).await);
    whole.push(' ');
    let (response, _) = post(app(engine(), limits).0, whole).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_given_up_at_the_deadline() {
    let trickle = Frames::body(b" ", usize::MAX, Duration::from_millis(20));
    let (router, _) = app(engine(), Limits::default());
    let request = Request::post("/mutate?timeout=1s").header("content-type", "application/json");
    let started = std::time::Instant::now();
    let (response, body) = send(router, request.body(trickle).unwrap()).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(body["error"], "the body took longer than the timeout");
    assert!(started.elapsed() < AMPLE / 2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn bodies_share_a_bounded_memory() {
    let limits = Limits {
        bodies: 100,
        ..Limits::default()
    };
    let (router, metrics) = app(engine(), limits);
    let (response, _) = post(router, review(&pod()).to_string()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert!(
        metrics
            .encode()
            .contains(r#"softstop_rejected_requests_total{status="503"} 1"#)
    );
}

/// A review as large as that.
fn padded(size: usize) -> String {
    let mut body = review(&opted_in()).to_string();
    body.push_str(&" ".repeat(size - body.len()));
    body
}

#[tokio::test]
async fn large_bodies_wait_for_their_memory_and_keep_no_small_one_waiting() {
    let size = 1024 * 1024;
    let limits = Limits {
        large_bodies: 3 * size,
        ..patient()
    };
    let (router, _) = app(engine(), limits);
    // The first one never comes to its end, and has room for itself.
    let endless = Frames {
        claimed: Some(size as u64),
        ..Frames::new(b" ", size, AMPLE)
    };
    let request = Request::post("/mutate?timeout=30s")
        .header("content-type", "application/json")
        .body(Body::new(endless))
        .unwrap();
    let first = tokio::spawn(send(router.clone(), request));
    sleep(Duration::from_millis(100)).await;
    let second = Request::post("/mutate?timeout=1s")
        .header("content-type", "application/json")
        .body(Body::from(padded(size)))
        .unwrap();
    let started = std::time::Instant::now();
    let (response, _) = send(router.clone(), second).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(350), "{waited:?}");

    let answer = allowed(post(router.clone(), review(&opted_in()).to_string()).await);
    assert_eq!(answer["patchType"], "JSONPatch");

    first.abort();
    let _ = first.await;
    let answer = allowed(post(router, padded(size)).await);
    assert_eq!(answer["patchType"], "JSONPatch");
}

#[tokio::test]
async fn a_pod_of_too_many_parts_is_left_alone() {
    let bomb = format!("[{}0]", r#"{"":0},"#.repeat(1024 * 1024));
    let body = review(&json!({"metadata": {"annotations": "BOMB"}}))
        .to_string()
        .replace("\"BOMB\"", &bomb);
    let answer = allowed(post(app(engine(), patient()).0, body).await);
    assert_eq!(answer.get("patch"), None);
    assert_eq!(
        answer["warnings"][0],
        "softstop: the pod was left alone: it has more parts than softstop has memory for"
    );
}

/// Whatever a pod of the examples is made of, a hundred containers of it are no bomb.
#[tokio::test]
async fn a_pod_of_a_hundred_containers_is_planned() {
    let mut pod = opted_in();
    let containers = pod["spec"]["containers"].as_array_mut().unwrap();
    let one = containers[0].clone();
    *containers = (0..100)
        .map(|index| {
            let mut container = one.clone();
            container["name"] = format!("app-{index}").into();
            container["env"] = (0..20)
                .map(|index| json!({"name": format!("NAME_{index}"), "value": "of something"}))
                .collect();
            container
        })
        .collect();
    let answer = allowed(post(app(engine(), patient()).0, review(&pod).to_string()).await);
    assert_eq!(answer["patchType"], "JSONPatch");
}
