//! The API server and the webhook that all tests share, and a client.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use softstop_rig::{Assets, Rig, Webhook, configuration, validating_configuration};
use tokio::runtime::Runtime;

use crate::chart::render;

/// Each namespace: its name, the webhook registered for it (`""`: none), a label.
const NAMESPACES: [(&str, &str, (&str, &str)); 16] = [
    ("bare", "", ENFORCE),
    ("shop", MAIN, ENFORCE),
    ("copies", MAIN, ENFORCE),
    ("warnings", MAIN, ENFORCE),
    ("generated", MAIN, ENFORCE),
    ("restricted", MAIN, ENFORCE),
    ("quota", MAIN, ENFORCE),
    ("limits", MAIN, ENFORCE),
    ("failing", "failing", ENFORCE),
    ("stopping", "stopping", ENFORCE),
    ("reinvoked", "reinvoked", ENFORCE),
    ("injected", "injected", ENFORCE),
    ("injected-volume", "injected-volume", ENFORCE),
    ("injected-examples", "injected-examples", ENFORCE),
    ("injected-quota", "injected-quota", ENFORCE),
    // Opted in by a policy.
    ("teams", "teams", ("team", "shop")),
];

const ENFORCE: (&str, &str) = ("softstop.dev/mode", "enforce");

/// softstop's own namespace, as the plain manifests make it.
pub(crate) const SYSTEM: &str = "softstop-system";

/// The name of the shared webhook's registration.
pub(crate) const MAIN: &str = "main";

/// The label by which a registration finds its namespaces.
pub(crate) const WEBHOOK: &str = "test/webhook";

/// Where `ShutdownPolicy` objects are.
pub(crate) const POLICIES: &str = "/apis/softstop.dev/v1alpha1/shutdownpolicies";

pub(crate) struct Cluster {
    pub(crate) rig: Rig,
    webhook: Webhook,
}

/// Statics are never dropped: the servers end with this process, by their guards.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

pub(crate) fn cluster() -> &'static Cluster {
    &CLUSTER
}

impl Cluster {
    fn start() -> Self {
        let assets = Assets::find_or_build().expect("the programs of the rig");
        let rig = Rig::start(&assets).expect("a running API server");
        let namespaces = NAMESPACES.map(namespace);
        for namespace in &namespaces {
            rig.create_namespace(namespace).expect("a namespace");
        }
        let system = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        rig.create_namespace(&system).expect("a namespace");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": namespaces});
        fs::write(rig.dir().join("namespaces.yaml"), list.to_string()).expect("a namespace file");
        let webhook = start_webhook(&rig, MAIN, &[]);
        let cluster = Self { rig, webhook };
        let registration = registration(MAIN, cluster.webhook.url(), cluster.webhook.ca());
        // The test that comes first may already be on a runtime of its own.
        let register = async { cluster.client().await.register(&registration, "shop").await };
        thread::scope(|scope| scope.spawn(|| runtime().block_on(register)).join())
            .expect("a registered webhook");
        cluster
    }

    /// A webhook of the test's own. The caller registers it.
    pub(crate) fn start_webhook(&self, name: &str, args: &[String]) -> Webhook {
        start_webhook(&self.rig, name, args)
    }

    /// A webhook that follows the cluster as a service account that may do what the chart says, and no more.
    pub(crate) async fn start_live_webhook(&self, name: &str) -> Webhook {
        let kubeconfig = self.service_account().await;
        let mut command = Command::new(program());
        command.env("KUBECONFIG", kubeconfig);
        Webhook::start_command(command, &self.rig.dir().join(name), ["--cluster"])
            .expect("a running webhook")
    }

    /// A kubeconfig for softstop's service account.
    async fn service_account(&self) -> PathBuf {
        let kubeconfig = self.rig.dir().join("softstop.kubeconfig");
        let client = self.client().await;
        for object in render("{}") {
            let kind = object["kind"].as_str().expect("a kind");
            if ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"].contains(&kind) {
                let reply = client.create(&collection(&object), &object).await;
                assert!(matches!(reply.status, 201 | 409), "{}", reply.body);
            }
        }
        let accounts = format!("/api/v1/namespaces/{SYSTEM}/serviceaccounts");
        let token = client
            .create(&format!("{accounts}/softstop/token"), &json!({"spec": {}}))
            .await
            .accepted();
        let ca = self.rig.dir().join("client-ca.crt");
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "rig",
            "clusters": [{"name": "rig", "cluster": {"server": self.rig.url(), "certificate-authority": ca}}],
            "users": [{"name": "softstop", "user": {"token": token["status"]["token"]}}],
            "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": "softstop"}}]});
        fs::write(&kubeconfig, config.to_string()).expect("a kubeconfig");
        kubeconfig
    }

    /// A client for one test: it lives on that test's runtime.
    pub(crate) async fn client(&self) -> Client {
        Client(kube_client(&self.rig).await)
    }
}

/// The administrator of that API server.
pub(crate) async fn kube_client(rig: &Rig) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(rig.kubeconfig()).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .expect("a configuration");
    kube::Client::try_from(config).expect("a client")
}

fn start_webhook(rig: &Rig, name: &str, args: &[String]) -> Webhook {
    let namespaces = rig.dir().join("namespaces.yaml");
    let mut all = vec![
        format!("--namespace-file={}", namespaces.display()),
        format!(
            "--facts-file={}",
            examples().join("image-facts.yaml").display()
        ),
    ];
    all.extend_from_slice(args);
    Webhook::start(program(), &rig.dir().join(name), all).expect("a running webhook")
}

fn namespace((name, webhook, (key, value)): (&str, &str, (&str, &str))) -> Value {
    let labels = json!({WEBHOOK: webhook, key: value, "kubernetes.io/metadata.name": name});
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

/// A runtime for a test that cannot be async.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// The project's configuration for the namespaces that name this registration.
pub(crate) fn registration(name: &str, url: &str, ca: &str) -> Value {
    for_namespaces_of(
        name,
        configuration(name, url, ca).expect("deploy/softstop.yaml"),
    )
}

/// The same for the validating webhook.
pub(crate) fn validating_registration(name: &str, url: &str, ca: &str) -> Value {
    let registration = validating_configuration(name, url, ca);
    for_namespaces_of(name, registration.expect("the chart"))
}

fn for_namespaces_of(name: &str, mut registration: Value) -> Value {
    // Told apart in the metrics of the API server.
    registration["webhooks"][0]["name"] = format!("{name}.softstop.dev").into();
    registration["webhooks"][0]["namespaceSelector"]["matchExpressions"]
        .as_array_mut()
        .expect("a selector")
        .push(json!({"key": WEBHOOK, "operator": "In", "values": [name]}));
    registration
}

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// `softstop`, as cargo built it for these tests.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_softstop"))
}

/// `softstop ARGS...`, which must not fail to do its work.
pub(crate) fn softstop<'a>(args: impl IntoIterator<Item = &'a str>) -> Output {
    let output = Command::new(program())
        .args(args)
        .output()
        .expect("softstop runs");
    assert_ne!(
        output.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
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

/// The pod without what the API server makes up anew for each: names, identities, times, the random suffix of the service account's
/// volume, and the order of volumes, which means nothing.
pub(crate) fn normal(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let metadata = pod["metadata"].as_object_mut().expect("metadata");
    let made_up: BTreeSet<&str> = [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
    ]
    .into();
    metadata.retain(|key, _| !made_up.contains(key.as_str()));
    pod.as_object_mut().expect("a pod").remove("status");
    let spec = &mut pod["spec"];
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            for mount in container["volumeMounts"]
                .as_array_mut()
                .into_iter()
                .flatten()
            {
                without_suffix(&mut mount["name"]);
            }
            sort(&mut container["volumeMounts"], "mountPath");
        }
    }
    for volume in spec["volumes"].as_array_mut().into_iter().flatten() {
        without_suffix(&mut volume["name"]);
    }
    sort(&mut spec["volumes"], "name");
    pod
}

fn without_suffix(name: &mut Value) {
    if name
        .as_str()
        .is_some_and(|name| name.starts_with("kube-api-access-"))
    {
        *name = "kube-api-access".into();
    }
}

fn sort(list: &mut Value, key: &str) {
    if let Some(list) = list.as_array_mut() {
        list.sort_by_key(|item| item[key].as_str().unwrap_or_default().to_owned());
    }
}
