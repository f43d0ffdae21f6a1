//! Logs and metrics: what they say, and what of a pod they never say.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use softstop::admission::{Hook, Planner, Review};
use softstop::server::Limits;
use softstop::telemetry::{LogFormat, LogLevel, LookUp, guard_panics, subscriber};
use tracing::instrument::WithSubscriber as _;

use crate::harness::{UID, app, engine, pod, post, post_to, review, reviewer};

const CANARY: &str = "c4n4ry";

/// A pod with the canary in every place but its namespace and name.
fn pod_with_secrets() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "web-", "namespace": "shop",
            "labels": { "app": CANARY }, "annotations": { "softstop.dev/mode": CANARY, CANARY: "x" },
        },
        "spec": {
            "serviceAccountName": CANARY,
            "containers": [{
                "name": CANARY, "image": CANARY, "command": ["sh", "-c", CANARY], "args": [CANARY],
                "env": [{ "name": CANARY, "value": CANARY }],
                "lifecycle": { "preStop": { "exec": { "command": [CANARY] } } },
            }],
        },
    })
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
        .expect("UTF-8")
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged, with everything switched on, while a body is posted.
async fn logged(planner: Planner, format: LogFormat, body: String) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = subscriber(LogLevel::Trace, format, move || writer.clone());
    let (router, _) = app(planner, Limits::default());
    post(router, body).with_subscriber(subscriber).await;
    // The line is written after the answer.
    tokio::task::yield_now().await;
    lines.text()
}

#[tokio::test]
async fn nothing_of_a_pod_is_logged_but_its_name() {
    guard_panics();
    let quoting: Planner = Arc::new(|pod, _| panic!("no idea what {pod} is"));
    let whole = review(&pod_with_secrets()).to_string();
    for format in [LogFormat::Text, LogFormat::Json] {
        for planner in [engine(), Arc::clone(&quoting)] {
            let log = logged(planner, format, whole.clone()).await;
            for said in ["shop", "web-", UID, "reviewed"] {
                assert!(log.contains(said), "{said}: {log}");
            }
            assert!(!log.contains(CANARY), "{log}");
        }
        for broken in [
            &whole[..whole.len() - 1],
            &whole.replace("admission.k8s.io/v1", CANARY),
        ] {
            let log = logged(engine(), format, broken.to_owned()).await;
            assert!(
                log.contains("refused a request") && !log.contains(CANARY),
                "{log}"
            );
        }
    }
}

#[test]
fn a_panic_while_planning_says_only_where() {
    guard_panics();
    let quoting: Planner = Arc::new(|pod, _| panic!("no idea what {pod} is"));
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = subscriber(LogLevel::Trace, LogFormat::Text, move || writer.clone());
    let review = Review::parse(review(&pod_with_secrets()).to_string().as_bytes()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        reviewer(quoting).review(Hook::Mutate, &review)
    });
    let log = lines.text();
    assert!(
        log.contains("panicked while planning") && log.contains("tests/server/logs.rs:"),
        "{log}"
    );
    assert!(!log.contains(CANARY), "{log}");
}

#[tokio::test]
async fn a_line_stays_a_line() {
    let mut pod = pod_with_secrets();
    pod["metadata"]["name"] = json!("a\nERROR forged=\"true\"\u{1b}[31m");
    let body = review(&pod).to_string();
    assert_eq!(
        logged(engine(), LogFormat::Text, body.clone())
            .await
            .lines()
            .count(),
        1
    );
    let json = logged(engine(), LogFormat::Json, body).await;
    let line: Value = serde_json::from_str(json.trim_end()).expect("one JSON object");
    assert_eq!(line["namespace"], "shop");
    assert_eq!(line["uid"], UID);
    assert_eq!(line["name"], pod["metadata"]["name"]);

    pod["metadata"]["name"] = json!("n".repeat(1_000_000));
    assert!(
        logged(engine(), LogFormat::Text, review(&pod).to_string())
            .await
            .len()
            < 1000
    );
}

#[tokio::test]
async fn metrics_are_documented_and_have_units() {
    let (router, metrics) = app(engine(), Limits::default());
    post(router.clone(), review(&json!([])).to_string()).await;
    metrics.certificate(1_800_000_000);
    metrics.cluster().watch("namespaces", true);
    metrics.cluster().watch_failed("namespaces");
    metrics.cluster().policies(2, 1);
    metrics.cluster().look_up(LookUp::Found);
    metrics.cluster().status_written(true);
    let mut audited = pod();
    audited["metadata"]["annotations"] =
        json!({"softstop.dev/mode": "audit", "softstop.dev/drain-dely": "5"});
    post(router.clone(), review(&audited).to_string()).await;
    post_to(router, "/validate", review(&pod()).to_string()).await;
    let text = metrics.encode();
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).expect("a name");
        assert!(name.starts_with("softstop_"), "{line}");
        assert!(text.contains(&format!("# HELP {name} ")), "{line}");
        let documented = include_str!("../../docs/webhook.md");
        assert!(
            documented.contains(&format!("`{name}")),
            "docs/webhook.md does not know {name}"
        );
    }
    for line in [
        "# UNIT softstop_review_duration_seconds seconds",
        "# UNIT softstop_patch_size_bytes bytes",
        "softstop_tls_certificate_expiry_timestamp_seconds 1800000000.0",
        r#"softstop_reviews_total{outcome="unreadable",mode="none"} 1"#,
        "softstop_review_duration_seconds_count 3",
        r#"softstop_validations_total{outcome="allowed",mode="off"} 1"#,
        r#"softstop_audit_pods_total{namespace="shop",would_be="patched"} 1"#,
        r#"softstop_audit_findings_total{namespace="shop",code="SS902",repaired="false"} 1"#,
        r#"softstop_watch_up{resource="namespaces"} 0"#,
        "softstop_policies_unreadable 1",
        concat!(
            "softstop_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        ),
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
