//! The admission protocol, without a network: what stands in an answer, and `softstop review`.

mod fixtures;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use softstop::admission::Answer;
use softstop_core::{Op, OpKind};

use crate::harness::{UID, allowed, app, engine, pod, post, review};
use softstop::server::Limits;

fn response(answer: &Answer) -> Value {
    let review: Value = serde_json::from_slice(&answer.to_json()).expect("JSON");
    assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(review["kind"], "AdmissionReview");
    review["response"].clone()
}

#[test]
fn an_answer_without_a_patch_has_no_patch_type_either() {
    assert_eq!(
        response(&Answer::allowed(UID)),
        json!({"uid": UID, "allowed": true})
    );
}

#[test]
fn a_patch_is_base64_of_json() {
    let op = |kind, path: &str| Op {
        kind,
        path: path.into(),
        value: json!({"sleep": {"seconds": 5}}),
    };
    let answer = Answer {
        audit: BTreeMap::from([("verdicts", "web=exec".to_owned())]),
        ..Answer::allowed(UID).patched(&[
            op(OpKind::Add, "/spec/a~1b"),
            op(OpKind::Replace, "/spec/ü"),
        ])
    };
    let response = response(&answer);
    assert_eq!(response["patchType"], "JSONPatch");
    assert_eq!(
        response["auditAnnotations"],
        json!({"verdicts": "web=exec"})
    );
    let patch = BASE64
        .decode(response["patch"].as_str().expect("a string"))
        .expect("base64");
    assert_eq!(
        serde_json::from_slice::<Value>(&patch).expect("JSON"),
        json!([
            {"op": "add", "path": "/spec/a~1b", "value": {"sleep": {"seconds": 5}}},
            {"op": "replace", "path": "/spec/ü", "value": {"sleep": {"seconds": 5}}},
        ])
    );
    // As the API server's own patch library is, so is this one: it decodes what was sent.
    serde_json::from_slice::<json_patch::Patch>(&patch).expect("a JSON Patch");
}

#[test]
fn a_control_character_does_not_cost_a_warning() {
    let warnings = ["a\nb\tc\r\nd\u{1b}[31m\u{7f}\u{85}e", "\"ü\\"]
        .map(str::to_owned)
        .into();
    let answer = Answer {
        warnings,
        ..Answer::allowed(UID)
    };
    assert_eq!(
        response(&answer)["warnings"],
        json!(["a b c  d [31m  e", "\"ü\\"])
    );
}

#[tokio::test]
async fn a_dry_run_is_answered_the_same() {
    let body = review(&pod());
    let mut dry = body.clone();
    dry["request"]["dryRun"] = json!(true);
    let answers = [
        allowed(post(app(engine(), Limits::default()).0, body.to_string()).await),
        allowed(post(app(engine(), Limits::default()).0, dry.to_string()).await),
    ];
    assert_eq!(answers[0], answers[1]);
}

/// `softstop review` with this on standard input: exit status, standard output, standard error.
fn run(input: &str, args: &[&str]) -> (Option<i32>, String, String) {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_softstop"))
        .arg("review")
        .args(args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("to start");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(input.as_bytes())
        .expect("to write");
    let output = child.wait_with_output().expect("the end");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn review_answers_as_the_server_does() {
    let mut body = review(&pod());
    for operation in ["CREATE", "UPDATE"] {
        body["request"]["operation"] = json!(operation);
        let (status, out, err) = run(&body.to_string(), &[]);
        assert_eq!(status, Some(0), "{err}");
        let answer: Value = serde_json::from_str(&out).expect("JSON");
        let (router, _) = app(engine(), Limits::default());
        assert_eq!(
            answer["response"],
            allowed(post(router, body.to_string()).await)
        );
    }
}

#[test]
fn review_takes_a_bare_pod_or_workload() {
    let template = json!({"spec": {"containers": [{"name": "web", "image": "web"}]}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": template}});
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - {name: web, image: web}\n";
    for input in [pod().to_string(), yaml.to_owned(), deployment.to_string()] {
        let (status, out, err) = run(&input, &["-"]);
        assert_eq!(status, Some(0), "{err}");
        let answer: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(answer["response"]["allowed"], true);
        assert!(!out.contains("skipped"), "{out}");
    }
}

#[test]
fn review_says_what_it_cannot_read() {
    let two = format!("{}\n---\n{}\n", pod(), pod());
    let no_uid = review(&pod()).to_string().replace(UID, "");
    for (input, message) in [
        ("", "one document is expected, not 0"),
        (
            &two,
            "one document is expected, not 2; for more: softstop check",
        ),
        (
            "apiVersion: v1\nkind: Service\n",
            "one pod is expected, not 0",
        ),
        (
            &no_uid,
            "standard input: the AdmissionReview has no `request` with a `uid`",
        ),
        ("kind: [", "standard input:1:"),
    ] {
        let (status, out, err) = run(input, &[]);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains(message), "{err}");
    }
    let (status, _, err) = run("", &["/nonexistent.yaml"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("cannot read /nonexistent.yaml"), "{err}");
}
