//! What is answered to which request. A pod is never denied; what is no `AdmissionReview` gets an HTTP error.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use softstop::server::Limits;

use crate::harness::{allowed, app, engine, pod, post, review, send};

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
