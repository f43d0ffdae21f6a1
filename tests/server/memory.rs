//! How much of bodies and of pods is held at one time.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{Request, StatusCode};
use http_body::{Frame, SizeHint};
use serde_json::json;
use softstop::server::Limits;
use tokio::time::{Sleep, sleep};

use crate::harness::{AMPLE, allowed, app, engine, opted_in, patient, pod, post, review, send};

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
