//! A client of the API server that shows whole answers: status, warnings, body.

use std::fs;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use softstop_rig::Rig;

/// Where `ShutdownPolicy` objects are.
pub(crate) const POLICIES: &str = "/apis/softstop.dev/v1alpha1/shutdownpolicies";

/// The administrator of that API server.
pub(crate) async fn kube_client(rig: &Rig) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(rig.kubeconfig()).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .expect("a configuration");
    kube::Client::try_from(config).expect("a client")
}

pub(crate) struct Client(kube::Client);

/// What the API server answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Value,
}

impl Reply {
    /// The object, where it was accepted.
    #[track_caller]
    pub(crate) fn accepted(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{}: {}",
            self.status,
            self.body["message"]
        );
        self.body
    }
}

impl Client {
    /// Of the administrator.
    pub(crate) async fn new(rig: &Rig) -> Self {
        Self(kube_client(rig).await)
    }

    /// Registers a softstop webhook, and waits until the API server asks it about pods in `namespace`: it hears of
    /// configurations a few milliseconds after they are stored.
    pub(crate) async fn register(&self, registration: &Value, namespace: &str) {
        let probe = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": {"containers": [
            {"name": "app", "image": "app:1", "command": ["sh", "-c", "gunicorn app:app"]}]}});
        let planned =
            |pod: &Value| pod["metadata"]["annotations"]["softstop.dev/status"].is_string();
        self.register_until(registration, namespace, &probe, planned)
            .await;
    }

    /// Registers any webhook, and tries to create `probe` until its effect shows.
    pub(crate) async fn register_until(
        &self,
        registration: &Value,
        namespace: &str,
        probe: &Value,
        effective: impl Fn(&Value) -> bool,
    ) {
        let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
        self.create(path, registration).await.accepted();
        for _ in 0..200 {
            if effective(&self.try_pod(namespace, probe).await.accepted()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "{} has no effect: {probe}",
            registration["metadata"]["name"]
        );
    }

    /// Brings in the definition of `ShutdownPolicy`, and waits until the API server serves it.
    pub(crate) async fn define_policies(&self) {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/chart/files/crd.yaml");
        let definition: Value =
            serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).expect("YAML");
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let reply = self.create(path, &definition).await;
        assert!(
            matches!(reply.status, 201 | 409),
            "{} {}",
            reply.status,
            reply.body
        );
        for _ in 0..400 {
            if self.get(POLICIES).await.status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{POLICIES} is not served");
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path), String::new()).await
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> Reply {
        self.send(
            Request::post(path).header("Content-Type", "application/json"),
            object.to_string(),
        )
        .await
    }

    pub(crate) async fn create_pod(&self, namespace: &str, pod: &Value) -> Reply {
        self.create(
            &format!("/api/v1/namespaces/{namespace}/pods"),
            &moved(pod, namespace),
        )
        .await
    }

    pub(crate) async fn try_pod(&self, namespace: &str, pod: &Value) -> Reply {
        self.create(
            &format!("/api/v1/namespaces/{namespace}/pods?dryRun=All"),
            &moved(pod, namespace),
        )
        .await
    }

    pub(crate) async fn delete(&self, path: &str) {
        let reply = self.send(Request::delete(path), String::new()).await;
        assert!(matches!(reply.status, 200 | 404), "{path}: {}", reply.body);
    }

    /// The names of the columns that `kubectl get` shows.
    pub(crate) async fn table(&self, path: &str) -> Vec<String> {
        let request =
            Request::get(path).header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
        let table = self.send(request, String::new()).await.accepted();
        let columns = table["columnDefinitions"].as_array().cloned();
        columns
            .unwrap_or_default()
            .iter()
            .filter_map(|column| Some(column["name"].as_str()?.to_owned()))
            .collect()
    }

    /// Server-side apply.
    pub(crate) async fn apply(&self, path: &str, object: &Value) -> Reply {
        let request = Request::patch(path).header("Content-Type", "application/apply-patch+yaml");
        self.send(request, object.to_string()).await
    }

    pub(crate) async fn merge(&self, path: &str, change: &Value) -> Reply {
        let request = Request::patch(path).header("Content-Type", "application/merge-patch+json");
        self.send(request, change.to_string()).await
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        self.0
            .request_text(Request::get(path).body(Vec::new()).expect("a request"))
            .await
            .expect("an answer")
    }

    async fn send(&self, request: http::request::Builder, body: String) -> Reply {
        let request = request
            .body(Body::from(body.into_bytes()))
            .expect("a request");
        let response: Response<Body> = self.0.send(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let warnings = head
            .headers
            .get_all("Warning")
            .iter()
            .map(|value| warning(&String::from_utf8_lossy(value.as_bytes())));
        let warnings = warnings.collect();
        let bytes = body.collect().await.expect("a whole answer").to_bytes();
        Reply {
            status: head.status.as_u16(),
            warnings,
            // Of a path that is not served yet the API server says so in plain text.
            body: serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()),
        }
    }
}

/// The path of the objects of this one's kind, in its namespace.
pub(crate) fn collection(object: &Value) -> String {
    let version = object["apiVersion"].as_str().expect("a version");
    let group = if version.contains('/') { "apis" } else { "api" };
    let kind = object["kind"].as_str().expect("a kind").to_lowercase();
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    };
    let place = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("namespaces/{namespace}/"),
        None => String::new(),
    };
    format!("/{group}/{version}/{place}{plural}")
}

/// The text in `299 - "text"`.
fn warning(header: &str) -> String {
    let quoted = header.trim_start_matches("299 - \"").trim_end_matches('"');
    quoted.replace("\\\"", "\"").replace("\\\\", "\\")
}

fn moved(pod: &Value, namespace: &str) -> Value {
    let mut pod = pod.clone();
    pod["metadata"]["namespace"] = namespace.into();
    pod
}
