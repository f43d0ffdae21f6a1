//! The Helm chart: what it refuses, and what the API server says of everything it renders.

use std::fs;

use serde_json::{Value, json};
use softstop_rig::{Authority, Chart};
use tempfile::NamedTempFile;

use crate::client::collection;
use crate::fixture::{SYSTEM, cluster};

/// What the rig has no definitions of: Prometheus' and cert-manager's kinds.
const FOREIGN: [&str; 2] = ["monitoring.coreos.com/v1", "cert-manager.io/v1"];

const DRY: &str = "dryRun=All&fieldValidation=Strict";

/// Values, each as a file of them. `CA` stands for a certificate.
const MATRIX: [&str; 12] = [
    "{}",
    r#"{replicas: 1, topologySpread: false, priorityClassName: "", fullnameOverride: other}"#,
    "{webhook: {failurePolicy: Fail, timeoutSeconds: 5, skipOptedOut: false}}",
    "{validation: {enabled: true, failurePolicy: Fail}}",
    "{certificates: {mode: certManager}, validation: {enabled: true}}",
    "{certificates: {mode: certManager, certManager: {issuerRef: {kind: ClusterIssuer, name: x}}}}",
    "{certificates: {mode: secret, secret: {name: mine, caBundle: CA}}}",
    "{injection: {enabled: true, delivery: image-volume, cpu: 1, image: registry.example/softstop:1}}",
    r#"{webhook: {namespaceSelector: [{key: team, operator: Exists}], objectSelector: {matchLabels: {a: b}},
        matchConditions: [{name: no-jobs, expression: "!('job-name' in object.metadata.?labels.orValue({}))"}],
        excludedNamespaces: [kube-system, cilium, softstop-system]}}"#,
    r#"{networkPolicy: {webhookCIDRs: [10.0.0.0/8, "fd00::/8"], apiServerCIDRs: [10.0.0.1/32], apiServerPorts: [8443],
        metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]}}"#,
    "{metrics: {serviceMonitor: {enabled: true, labels: {a: b}}, rules: {enabled: true}, dashboard: {enabled: true}},
        networkPolicy: {enabled: false}, podDisruptionBudget: {enabled: false}, crd: {install: false}}",
    r#"{image: {digest: "sha256:0000000000000000000000000000000000000000000000000000000000000000", pullPolicy: Always},
        imagePullSecrets: [{name: pull}], imageFacts: {configMap: facts}, podLabels: {a: b}, podAnnotations: {a: b},
        tolerations: [{key: dedicated, operator: Exists, effect: NoSchedule}], listenAddress: "[::]", shutdownDelaySeconds: 30,
        affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
            {matchExpressions: [{key: a, operator: Exists}]}]}}}, log: {level: debug, format: text}}"#,
];

/// A wrong value, the path at which the schema finds it, and a word of what is wrong.
const WRONG: [(&str, &str, &str); 34] = [
    ("{replicas: 0}", "/replicas", "minimum"),
    (r#"{replicas: "three"}"#, "/replicas", "want integer"),
    ("{replica: 3}", "", "'replica' not allowed"),
    (
        r#"{fullnameOverride: "Soft_Stop"}"#,
        "/fullnameOverride",
        "pattern",
    ),
    (r#"{image: {tga: "1"}}"#, "/image", "'tga' not allowed"),
    (r#"{image: {tag: "a b"}}"#, "/image/tag", "pattern"),
    (
        r#"{image: {repository: ""}}"#,
        "/image/repository",
        "minLength",
    ),
    (
        r#"{image: {digest: "sha256:1"}}"#,
        "/image/digest",
        "pattern",
    ),
    (
        r#"{image: {pullPolicy: "Sometimes"}}"#,
        "/image/pullPolicy",
        "one of",
    ),
    (
        r#"{imagePullSecrets: ["pull"]}"#,
        "/imagePullSecrets/0",
        "want object",
    ),
    (
        r#"{injection: {enabled: "yes"}}"#,
        "/injection/enabled",
        "want boolean",
    ),
    (
        r#"{injection: {delivery: "pigeon"}}"#,
        "/injection/delivery",
        "one of",
    ),
    (r#"{injection: {cpu: "0"}}"#, "/injection/cpu", "pattern"),
    (
        r#"{injection: {memory: "16MB"}}"#,
        "/injection/memory",
        "pattern",
    ),
    (
        r#"{webhook: {failurePolicy: "Retry"}}"#,
        "/webhook/failurePolicy",
        "one of",
    ),
    (
        "{webhook: {timeoutSeconds: 31}}",
        "/webhook/timeoutSeconds",
        "maximum",
    ),
    (
        r#"{webhook: {excludedNamespaces: ["Kube"]}}"#,
        "/webhook/excludedNamespaces/0",
        "pattern",
    ),
    (
        r#"{webhook: {namespaceSelector: [{key: "a", operator: "Is"}]}}"#,
        "/webhook/namespaceSelector/0/operator",
        "one of",
    ),
    (
        r#"{webhook: {matchConditions: [{name: "x"}]}}"#,
        "/webhook/matchConditions/0",
        "'expression'",
    ),
    (
        r#"{certificates: {mode: "none"}}"#,
        "/certificates/mode",
        "one of",
    ),
    (
        r#"{certificates: {mode: "secret"}}"#,
        "/certificates/secret/name",
        "minLength",
    ),
    (
        r#"{certificates: {secret: {caBundle: "LS0tLS1"}}}"#,
        "/certificates/secret/caBundle",
        "pattern",
    ),
    (
        r#"{certificates: {certManager: {duration: "90 days"}}}"#,
        "/certificates/certManager/duration",
        "pattern",
    ),
    (r#"{log: {level: "loud"}}"#, "/log/level", "one of"),
    (
        r#"{shutdownDelaySeconds: "10s"}"#,
        "/shutdownDelaySeconds",
        "want integer",
    ),
    (
        r#"{listenAddress: "127.0.0.1"}"#,
        "/listenAddress",
        "one of",
    ),
    (
        r#"{resources: {limits: {memory: "64MB"}}}"#,
        "/resources/limits/memory",
        "pattern",
    ),
    (
        r#"{priorityClassName: "A_B"}"#,
        "/priorityClassName",
        "pattern",
    ),
    ("{nodeSelector: {a: 1}}", "/nodeSelector/a", "want string"),
    (
        r#"{networkPolicy: {webhookCIDRs: ["10.0.0.1"]}}"#,
        "/networkPolicy/webhookCIDRs/0",
        "pattern",
    ),
    (
        "{networkPolicy: {apiServerPorts: []}}",
        "/networkPolicy/apiServerPorts",
        "minItems",
    ),
    (
        "{metrics: {rules: {enable: true}}}",
        "/metrics/rules",
        "'enable' not allowed",
    ),
    (r#"{test: {namespace: ""}}"#, "/test/namespace", "pattern"),
    // What failurePolicy Fail asks for.
    (
        r#"{webhook: {failurePolicy: "Fail"}, replicas: 1}"#,
        "/replicas",
        "minimum: got 1, want 2",
    ),
];

fn chart() -> Chart {
    Chart::find().expect("the chart, and helm")
}

fn file(values: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), values).unwrap();
    file
}

/// What the chart renders with these values; the test's pod in softstop's own namespace, where the restricted standard is enforced, too.
pub(crate) fn render(values: &str) -> Vec<Value> {
    let ca = Authority::new("test").unwrap().pem();
    let file = file(&values.replace(": CA}", &format!(": {}}}", json!(ca))));
    let args = [
        "--set",
        "test.namespace=softstop-system",
        "--values",
        file.path().to_str().unwrap(),
    ];
    chart().objects(&args).unwrap()
}

/// The pod that a Deployment would make.
fn pod_of(deployment: &Value) -> Value {
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "replica".into();
    pod["metadata"]["namespace"] = SYSTEM.into();
    pod
}

#[tokio::test]
async fn the_api_server_accepts_whatever_is_rendered() {
    let client = cluster().client().await;
    for values in MATRIX {
        let mut pods = 0;
        for object in render(values) {
            if FOREIGN.contains(&object["apiVersion"].as_str().unwrap()) {
                continue;
            }
            // Applied, because other tests may have created some of it.
            let name = object["metadata"]["name"].as_str().unwrap();
            let path = format!(
                "{}/{name}?{DRY}&fieldManager=test&force=true",
                collection(&object)
            );
            let reply = client.apply(&path, &object).await;
            assert!(reply.warnings.is_empty(), "{values}: {:?}", reply.warnings);
            assert!(
                matches!(reply.status, 200 | 201),
                "{values}: {}: {object}",
                reply.body["message"]
            );
            if object["kind"] == "Deployment" {
                // The namespace enforces the restricted Pod Security Standard, and pods need their service account.
                let mut pod = pod_of(&object);
                pod["spec"]["serviceAccountName"] = "default".into();
                let reply = client
                    .create(&format!("{}?{DRY}", collection(&pod)), &pod)
                    .await;
                assert!(reply.warnings.is_empty(), "{values}: {:?}", reply.warnings);
                let pod = reply.accepted();
                let critical = !values.contains("priorityClassName");
                assert_eq!(
                    pod["spec"]["priority"],
                    if critical { 2_000_000_000 } else { 0 }
                );
                pods += 1;
            }
        }
        assert_eq!(pods, 1, "{values}");
    }
}

#[test]
fn wrong_values_are_refused_with_their_path() {
    for (values, path, what) in WRONG {
        let file = file(values);
        let output = chart()
            .template(&["--values", file.path().to_str().unwrap()])
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{values} was accepted");
        let path = format!("at '{path}'");
        let named = stderr
            .lines()
            .any(|line| line.contains(&path) && line.contains(what));
        assert!(named, "{values}: {path}: {what}: {stderr}");
    }
}

#[test]
fn helm_finds_nothing_to_blame() {
    let chart = chart();
    let output = chart
        .helm(
            ["lint", "--strict", "--quiet"]
                .map(std::ffi::OsStr::new)
                .into_iter()
                .chain([chart.dir().as_os_str()]),
        )
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// Every value that the chart reads has a default, and the schema knows it.
#[test]
fn the_schema_describes_every_default() {
    let read = |name: &str| fs::read_to_string(chart().dir().join(name)).unwrap();
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "global")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&values), keys(&schema["properties"]));
}

#[test]
fn the_plain_manifests_are_the_chart() {
    let chart = chart();
    for (file, text) in [
        ("deploy/softstop.yaml", chart.plain().unwrap()),
        ("certs/cert-manager.yaml", chart.cert_manager().unwrap()),
    ] {
        assert!(
            !text.contains("helm.sh") && !text.contains("managed-by"),
            "only for Helm"
        );
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            text,
            "{file} is out of date: cargo xtask render"
        );
    }
}
