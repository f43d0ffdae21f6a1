//! The API server and the webhook that all tests share, and a client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::thread;

use serde_json::{Value, json};
use softstop_rig::{Assets, Rig, Webhook, configuration, validating_configuration};
use tokio::runtime::Runtime;

use crate::chart::render;
use crate::client::{Client, collection};

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
        Client::new(&self.rig).await
    }
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
