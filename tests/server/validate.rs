//! `POST /validate`: what a policy wants denied is denied, and nothing else ever is.

use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};
use softstop::admission::{Cluster, Planner, Reviewer, fixed};
use softstop::policy;
use softstop::server::{App, Limits, router};
use softstop::telemetry::Metrics;
use softstop_core::{Context, Op, Policies};

use crate::harness::{UID, allowed, engine, post, post_to, review};

/// A server with one policy for all pods.
fn app(spec: &str, planner: Planner) -> (Router, Arc<Metrics>) {
    let policy = format!(
        "apiVersion: softstop.dev/v1alpha1\nkind: ShutdownPolicy\nmetadata: {{name: strict}}\nspec: {{{spec}}}\n"
    );
    let cluster = Cluster {
        policies: fixed(Policies::new(policy::parse(&policy, "policy").unwrap())),
        ..Cluster::default()
    };
    let metrics = Arc::new(Metrics::default());
    let reviewer = Arc::new(Reviewer::with_planner(cluster, planner));
    let app = App::new(reviewer, Arc::clone(&metrics), Limits::default());
    (router(app), metrics)
}

fn pod(script: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"terminationGracePeriodSeconds": 60, "containers": [
            {"name": "app", "image": "app:1", "command": ["sh", "-c", script]}]}})
}

/// Nobody can prove that an `exec` would be right, and nothing is injected.
fn bad() -> Value {
    pod("gunicorn app:app & wait")
}

async fn validate(router: Router, pod: &Value) -> Value {
    let (response, body) = post_to(router, "/validate", review(pod).to_string()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(body["response"]["uid"], UID);
    assert_eq!(body["response"].get("patch"), None, "it changes nothing");
    body["response"].clone()
}

fn counted(metrics: &Metrics, outcome: &str, mode: &str) -> bool {
    let line = format!(r#"softstop_validations_total{{outcome="{outcome}",mode="{mode}"}} 1"#);
    metrics.encode().lines().any(|found| found == line)
}

#[tokio::test]
async fn deny_refuses_what_is_lost_and_says_what_to_do() {
    let (router, metrics) = app("mode: enforce, violations: Deny", engine());
    let answer = validate(router, &bad()).await;
    assert_eq!(answer["allowed"], false, "{answer}");
    assert_eq!(answer["status"]["code"], 403);
    let message = answer["status"]["message"].as_str().unwrap();
    for words in [
        "policy strict",
        "violations: Deny",
        "SS10",
        "container app:",
        "to do: ",
        "softstop explain SS10",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(
        message.len() < 2_100 && !message.contains('\n'),
        "{message}"
    );
    assert!(counted(&metrics, "denied", "enforce"));
    assert!(
        !metrics.encode().contains("softstop_findings_total{"),
        "counted once, when mutated"
    );
}

#[tokio::test]
async fn warn_warns_and_allow_is_silent() {
    for (violations, outcome) in [("Warn", "warned"), ("Allow", "allowed")] {
        let (router, metrics) = app(
            &format!("mode: enforce, violations: {violations}"),
            engine(),
        );
        let answer = validate(router, &bad()).await;
        assert_eq!(answer["allowed"], true);
        assert_eq!(
            answer.get("warnings").is_some(),
            outcome == "warned",
            "{answer}"
        );
        assert!(counted(&metrics, outcome, "enforce"));
    }
}

/// The pod arrives as the mutating hook left it.
#[tokio::test]
async fn what_was_repaired_does_not_count() {
    let (router, metrics) = app("mode: enforce, violations: Deny", engine());
    let repairable = pod("gunicorn app:app");
    let answer = validate(router.clone(), &repairable).await;
    assert_eq!(answer["allowed"], false, "as it is, it would lose work");
    let mutated = allowed(post(router.clone(), review(&repairable).to_string()).await);
    let mut repaired = repairable;
    let patch = {
        use base64::Engine as _;
        let patch = mutated["patch"].as_str().unwrap();
        base64::engine::general_purpose::STANDARD
            .decode(patch)
            .unwrap()
    };
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    json_patch::patch(&mut repaired, &patch).unwrap();
    let answer = validate(router, &repaired).await;
    assert_eq!(answer["allowed"], true, "{answer}");
    assert!(counted(&metrics, "allowed", "enforce"));
}

/// Nothing repairs a pod in mode audit, so everything counts there; with mode off nothing does.
#[tokio::test]
async fn the_mode_decides_what_counts() {
    let (router, metrics) = app("mode: audit, violations: Deny", engine());
    let answer = validate(router.clone(), &pod("gunicorn app:app")).await;
    assert_eq!(answer["allowed"], false);
    assert!(counted(&metrics, "denied", "audit"));
    let mut opted_out = bad();
    opted_out["metadata"]["annotations"] = json!({"softstop.dev/mode": "off"});
    let answer = validate(router, &opted_out).await;
    assert_eq!(answer["allowed"], true);
    let (router, _) = app("mode: audit, locked: [mode], violations: Deny", engine());
    let answer = validate(router, &opted_out).await;
    assert_eq!(answer["allowed"], false, "the policy locks the mode");
}

#[tokio::test]
async fn nobody_is_refused_in_doubt() {
    let panics: Planner = Arc::new(|_, _| panic!("on purpose"));
    let doubts: Planner = Arc::new(|pod: &Value, context: &Context<'_>| {
        let mut plan = softstop_core::plan(pod, context);
        let op: &mut Op = &mut plan.changes[0].ops[0];
        op.path = "/spec/nowhere/at/all".into();
        plan
    });
    for (planner, outcome, mode) in [(panics, "panicked", "none"), (doubts, "doubted", "audit")] {
        let (router, metrics) = app("mode: audit, violations: Deny", planner);
        let answer = validate(router, &pod("gunicorn app:app")).await;
        assert_eq!(answer["allowed"], true, "{outcome}: {answer}");
        assert_eq!(answer["warnings"].as_array().map(Vec::len), Some(1));
        assert!(counted(&metrics, outcome, mode), "{}", metrics.encode());
    }
}

#[tokio::test]
async fn the_control_plane_is_never_refused() {
    let (router, metrics) = app("mode: enforce, violations: Deny", engine());
    let mut asked = review(&bad());
    asked["request"]["namespace"] = "kube-system".into();
    let answer = allowed(post_to(router.clone(), "/validate", asked.to_string()).await);
    assert!(answer["warnings"].is_array(), "{answer}");
    assert!(counted(&metrics, "warned", "enforce"));
    let mut update = review(&bad());
    update["request"]["operation"] = "UPDATE".into();
    let answer = allowed(post_to(router, "/validate", update.to_string()).await);
    assert_eq!(answer["auditAnnotations"]["skipped"], "not-a-creation");
}
