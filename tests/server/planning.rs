//! Planning: what comes of it, and what if it goes wrong: panics, takes too long, or is too much at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use softstop::server::Limits;
use softstop_core::{Context, Op};
use tokio::time::{sleep, timeout};

use crate::harness::{AMPLE, Held, allowed, app, engine, opted_in, pod, post, review, send};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Request;

/// Every review is planned in a thread of its own, however small.
fn apart() -> Limits {
    Limits {
        on_the_spot: 0,
        ..Limits::default()
    }
}

fn request(timeout: &str) -> Request<Body> {
    Request::post(format!("/mutate?timeout={timeout}"))
        .header("content-type", "application/json")
        .body(Body::from(review(&pod()).to_string()))
        .unwrap()
}

#[tokio::test]
async fn the_patch_makes_the_pod_that_was_planned() {
    for limits in [Limits::default(), apart()] {
        let (router, metrics) = app(engine(), limits);
        let answer = allowed(post(router, review(&opted_in()).to_string()).await);
        assert_eq!(answer["patchType"], "JSONPatch");
        let patch = BASE64.decode(answer["patch"].as_str().unwrap()).unwrap();
        let mut patched = opted_in();
        json_patch::patch(
            &mut patched,
            &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap(),
        )
        .unwrap();
        assert_eq!(
            patched["spec"]["containers"][0]["lifecycle"]["preStop"],
            json!({ "sleep": { "seconds": 7 } })
        );
        assert_eq!(
            answer["auditAnnotations"]["mode"],
            "enforce (the pod's annotation)"
        );
        let text = metrics.encode();
        assert!(
            text.contains(r#"softstop_reviews_total{outcome="patched",mode="enforce"} 1"#),
            "{text}"
        );
        assert!(
            text.contains(r#"softstop_verdicts_total{verdict="direct",reason=""#),
            "{text}"
        );
        assert!(
            text.contains(&format!("softstop_patch_size_bytes_sum {}.0", patch.len())),
            "{text}"
        );
    }
}

/// A patch that does not make the pod that was meant is refused by the API server, or worse, accepted.
#[tokio::test]
async fn a_patch_in_doubt_is_not_sent() {
    let breakages: [fn(&mut Op); 3] = [
        |op| op.path = "/spec/nowhere/at/all".into(),
        |op| op.value = json!("something else"),
        |op| op.path = "/spec/containers/0/image".into(),
    ];
    for breakage in breakages {
        let broken = move |pod: &Value, context: &Context<'_>| {
            let mut plan = softstop_core::plan(pod, context);
            breakage(&mut plan.changes[0].ops[0]);
            plan
        };
        let (router, metrics) = app(Arc::new(broken), Limits::default());
        let answer = allowed(post(router, review(&opted_in()).to_string()).await);
        assert_eq!(answer.get("patch"), None);
        let warnings = answer["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0]
                .as_str()
                .unwrap()
                .contains("did not pass the check before sending")
        );
        assert!(answer["auditAnnotations"]["doubt"].is_string());
        assert!(
            metrics
                .encode()
                .contains(r#"softstop_reviews_total{outcome="doubted",mode="enforce"} 1"#)
        );
    }
}

#[tokio::test]
async fn a_panic_leaves_the_pod_alone_and_the_server_alive() {
    for limits in [Limits::default(), apart()] {
        panics(limits).await;
    }
}

async fn panics(limits: Limits) {
    let (router, metrics) = app(Arc::new(|_, _| panic!("on purpose")), limits);
    for round in 1..=3 {
        let answer = allowed(post(router.clone(), review(&pod()).to_string()).await);
        assert_eq!(answer.get("patch"), None);
        assert_eq!(
            answer["warnings"][0],
            "softstop: the pod was left alone: internal error (please report it)"
        );
        let counted =
            format!(r#"softstop_reviews_total{{outcome="panicked",mode="none"}} {round}"#);
        assert!(metrics.encode().contains(&counted), "{}", metrics.encode());
    }
}

#[tokio::test]
async fn the_deadline_is_kept() {
    let (planner, _release) = Held::planner();
    let (router, metrics) = app(planner, apart());
    let started = Instant::now();
    // It would wait for ever.
    let answer = timeout(AMPLE, send(router, request("1s")))
        .await
        .expect("in time");
    assert!(
        started.elapsed() >= Duration::from_millis(800),
        "{:?}",
        started.elapsed()
    );
    let answer = allowed(answer);
    assert_eq!(answer.get("patch"), None);
    assert!(
        answer["warnings"][0]
            .as_str()
            .unwrap()
            .contains("took longer than the webhook's timeout")
    );
    assert!(
        metrics
            .encode()
            .contains(r#"softstop_reviews_total{outcome="timed-out",mode="none"} 1"#)
    );
}

#[tokio::test]
async fn what_cannot_be_planned_in_time_is_shed() {
    let (planner, release) = Held::planner();
    let (router, metrics) = app(
        planner,
        Limits {
            planning: 2,
            ..apart()
        },
    );
    let busy: Vec<_> = (0..2)
        .map(|_| tokio::spawn(send(router.clone(), request("30s"))))
        .collect();
    release.begun(2).await;

    // There is no slot. It waits for half of its time, so that another replica has the other half.
    let started = Instant::now();
    let (response, _) = send(router.clone(), request("1s")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        started.elapsed() >= Duration::from_millis(400),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["connection"], "close");
    assert!(
        metrics
            .encode()
            .contains(r#"softstop_rejected_requests_total{status="503"} 1"#)
    );

    // Whoever can wait longer is planned when there is one.
    let waiting = tokio::spawn(send(router, request("30s")));
    sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    drop(release);
    for task in busy.into_iter().chain([waiting]) {
        let answer = task.await.unwrap();
        assert!(!answer.0.headers().contains_key("retry-after"));
        allowed(answer);
    }
}
