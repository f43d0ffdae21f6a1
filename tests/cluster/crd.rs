//! The definition of `ShutdownPolicy`: what the API server itself refuses, and in which words.

use serde_json::{Value, json};

use crate::client::POLICIES;
use crate::fixture::cluster;

fn policy(spec: &Value) -> Value {
    json!({"apiVersion": "softstop.dev/v1alpha1", "kind": "ShutdownPolicy", "metadata": {"name": "tried"}, "spec": spec})
}

/// As `kubectl apply` asks: unknown fields are errors.
fn strictly() -> String {
    format!("{POLICIES}?dryRun=All&fieldValidation=Strict")
}

const DURATION: &str = "a duration is expected: seconds, or as in 90s, 2m or 1m30s, from 0 to 24h";
const PATH: &str = "an absolute path other than / is expected, without : and .., as in /run";
const PORT: &str = "a port is expected: 1 to 65535, or the name of a container port";
const SIGNAL: &str =
    "a signal that a program can catch is expected, such as SIGTERM, SIGQUIT or SIGINT";
const VALUES: &str = "In and NotIn need values; Exists and DoesNotExist take none";
const KEY: &str = "the key of a label is expected, as in app.kubernetes.io/name";
const LABEL: &str = "values of labels are at most 63 letters, digits, -, _ and ., with letters or digits at both ends";

/// A field of `spec` as it should not be, as JSON; the field that the answer names; words of the answer.
const REFUSED: &[(&str, &str, &str)] = &[
    (r#""drainDelay": "soon""#, "spec.drainDelay", DURATION),
    (r#""drainDelay": """#, "spec.drainDelay", DURATION),
    (r#""drainDelay": -1"#, "spec.drainDelay", DURATION),
    (r#""drainDelay": 86401"#, "spec.drainDelay", DURATION),
    (r#""drainDelay": "25h""#, "spec.drainDelay", DURATION),
    (r#""drainTime": "1s30m""#, "spec.drainTime", DURATION),
    (r#""drainTime": "99999999h""#, "spec.drainTime", DURATION),
    (r#""gracePeriod": "1.5s""#, "spec.gracePeriod", DURATION),
    (
        r#""bounds": {"drainDelay": {"max": "5ss"}}"#,
        "spec.bounds.drainDelay.max",
        DURATION,
    ),
    (
        r#""bounds": {"gracePeriod": {"min": "20m", "max": 600}}"#,
        "spec.bounds.gracePeriod",
        "min is more than max",
    ),
    (
        r#""gracePeriod": "11m", "bounds": {"gracePeriod": {"max": "600"}}"#,
        "spec.gracePeriod",
        "gracePeriod is more than the policy's own bounds.gracePeriod.max",
    ),
    (
        r#""drainDelay": 16, "bounds": {"drainDelay": {"max": "15s"}}"#,
        "spec.drainDelay",
        "drainDelay is more than the policy's own bounds.drainDelay.max",
    ),
    (
        r#""preStop": {}"#,
        "spec.preStop",
        "exactly one of exec and httpGet is expected",
    ),
    (
        r#""preStop": {"exec": {"command": ["a"]}, "httpGet": {"port": 1}}"#,
        "spec.preStop",
        "exactly one of exec and httpGet is expected",
    ),
    (
        r#""preStop": {"exec": {"command": []}}"#,
        "spec.preStop.exec.command",
        "the argv is expected, as in [nginx, -s, quit]",
    ),
    (
        r#""preStop": {"httpGet": {"port": 0}}"#,
        "spec.preStop.httpGet.port",
        PORT,
    ),
    (
        r#""preStop": {"httpGet": {"port": "70000"}}"#,
        "spec.preStop.httpGet.port",
        PORT,
    ),
    (
        r#""preStop": {"httpGet": {"port": "Admin"}}"#,
        "spec.preStop.httpGet.port",
        PORT,
    ),
    (
        r#""preStop": {"httpGet": {"port": 1, "path": "drain"}}"#,
        "spec.preStop.httpGet.path",
        "a path begins with /",
    ),
    (r#""stopSignal": "SIGNOPE""#, "spec.stopSignal", SIGNAL),
    (r#""stopSignal": "sigkill""#, "spec.stopSignal", SIGNAL),
    (r#""stopSignal": "9""#, "spec.stopSignal", SIGNAL),
    (r#""stopSignal": "65""#, "spec.stopSignal", SIGNAL),
    (
        r#""runtime": "Gunicorn 21""#,
        "spec.runtime",
        "auto, none or the name of a profile is expected",
    ),
    (r#""writable": ["/tmp", "run"]"#, "spec.writable[1]", PATH),
    (r#""writable": ["/"]"#, "spec.writable[0]", PATH),
    (r#""writable": ["/run/../etc"]"#, "spec.writable[0]", PATH),
    (
        r#""locked": ["mode", "mode"]"#,
        "spec.locked[1]",
        "Duplicate value",
    ),
    (
        r#""locked": ["drain-delay"]"#,
        "spec.locked[0]",
        r#"supported values: "mode", "entrypoint", "drainDelay""#,
    ),
    (
        r#""mode": "Enforce""#,
        "spec.mode",
        r#"supported values: "enforce", "audit", "off""#,
    ),
    (r#""mode": false"#, "spec.mode", "must be of type string"),
    (
        r#""entrypoint": "best""#,
        "spec.entrypoint",
        r#"supported values: "auto", "exec", "init", "hook", "off""#,
    ),
    (
        r#""violations": "warn""#,
        "spec.violations",
        r#"supported values: "Allow", "Warn", "Deny""#,
    ),
    (r#""priority": 3000000000"#, "spec.priority", "format int32"),
    (
        r#""podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}"#,
        "spec.podSelector.matchExpressions[0]",
        VALUES,
    ),
    (
        r#""podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}"#,
        "spec.podSelector.matchExpressions[0]",
        VALUES,
    ),
    (
        r#""podSelector": {"matchExpressions": [{"key": "a", "operator": "in", "values": ["b"]}]}"#,
        "spec.podSelector.matchExpressions[0].operator",
        r#"supported values: "In", "NotIn", "Exists", "DoesNotExist""#,
    ),
    (
        r#""podSelector": {"matchExpressions": [{"key": "-a", "operator": "Exists"}]}"#,
        "spec.podSelector.matchExpressions[0].key",
        KEY,
    ),
    (
        r#""namespaceSelector": {"matchLabels": {"a": "b c"}}"#,
        "spec.namespaceSelector.matchLabels",
        LABEL,
    ),
    (
        r#""namespaceSelector": {"matchLabels": {"a/b/c": "d"}}"#,
        "spec.namespaceSelector.matchLabels",
        KEY,
    ),
    (
        r#""drainDelya": 5"#,
        "",
        r#"unknown field "spec.drainDelya""#,
    ),
    (
        r#""bounds": {"gracePeriod": {"least": 5}}"#,
        "",
        r#"unknown field "spec.bounds.gracePeriod.least""#,
    ),
];

#[tokio::test]
async fn a_wrong_policy_is_refused_with_a_sentence() {
    let client = cluster().client().await;
    client.define_policies().await;
    for (fields, place, words) in REFUSED {
        let mode = if fields.contains("\"mode\":") {
            ""
        } else {
            r#""mode": "audit", "#
        };
        let spec: Value = serde_json::from_str(&format!("{{{mode}{fields}}}")).unwrap();
        let reply = client.create(&strictly(), &policy(&spec)).await;
        let message = reply.body["message"].as_str().unwrap_or_default();
        assert!(
            matches!(reply.status, 400 | 422),
            "{fields}: {}",
            reply.body
        );
        assert!(
            message.contains(place) && message.contains(words),
            "{fields}: {message}"
        );
    }
    let nothing = client.create(&strictly(), &policy(&json!({}))).await;
    assert_eq!(nothing.status, 422);
    assert!(
        nothing.body["message"]
            .to_string()
            .contains("spec.mode: Required value")
    );
}

/// Every form that the reader takes from a file.
#[tokio::test]
async fn a_right_policy_is_accepted() {
    let client = cluster().client().await;
    client.define_policies().await;
    let full = json!({"mode": "off", "priority": -5, "entrypoint": "off", "drainDelay": 0, "drainTime": "1m30s",
        "gracePeriod": "120", "preStop": {"httpGet": {"port": "admin", "path": "/drain"}}, "stopSignal": "SIGRTMIN+3",
        "runtime": "gunicorn", "writable": ["/run", "/var/cache/app/"], "trustSourcedFiles": true, "locked": ["mode", "trustSourcedFiles"], "violations": "Deny",
        "bounds": {"gracePeriod": {"min": 30, "max": "24h"}, "drainDelay": {"max": 15}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop", "empty": ""}},
        "podSelector": {"matchExpressions": [
            {"key": "app", "operator": "In", "values": ["web", "a.b_c-D"]}, {"key": "a.b/tier", "operator": "NotIn", "values": ["x"]},
            {"key": "softstop", "operator": "Exists"}, {"key": "legacy", "operator": "DoesNotExist", "values": []}]}});
    for spec in [
        full,
        json!({"mode": "audit", "drainDelay": null, "podSelector": {}, "preStop": {"exec": {"command": ["sleep", "5"]}}}),
        json!({"mode": "enforce", "stopSignal": "3", "preStop": {"httpGet": {"port": "8080"}}, "gracePeriod": "1h", "drainTime": "2h5s"}),
    ] {
        let reply = client.create(&strictly(), &policy(&spec)).await;
        let stored = reply.accepted();
        softstop::policy::parse(&stored.to_string(), "stored").unwrap();
    }
}
