//! Three replicas of softstop that make their own certificates, as a Deployment would run them, and pods that need all three.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use serde_json::{Value, json};
use softstop_availability::{Load, Pods};
use softstop_rig::{Process, Rig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::fixture::{kube_client, program};

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const VALIDATING: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

/// Pods created each second.
const PER_SECOND: u32 = 25;

/// Longer than anything takes that has no limit of its own.
const AMPLE: Duration = Duration::from_secs(60);

/// One installation: a namespace, a Service, a Secret and a configuration, all called the same.
pub(super) struct Site {
    name: &'static str,
    dir: PathBuf,
    client: kube::Client,
    replicas: Vec<Replica>,
}

struct Replica {
    process: Process,
    https: String,
    admin: String,
}

impl Site {
    /// Starts one replica for each list of flags, all at the same time, and registers them: nothing else is there before.
    pub(super) async fn start(rig: &Rig, name: &'static str, flags: &[&[&str]]) -> Self {
        let dir = rig.dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        rig.create_namespace(&json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}))
            .unwrap();
        for object in permissions(name) {
            rig.create(&object).unwrap();
        }
        // Sent to this host, whatever the port; the certificate is checked against the Service's name all the same.
        rig.create(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": name},
            "spec": {"type": "ExternalName", "externalName": "localhost"}}))
            .unwrap();
        let kubeconfig = service_account(rig, name);
        let mut site = Self {
            name,
            client: kube_client(rig).await,
            replicas: Vec::new(),
            dir,
        };
        let processes: Vec<_> = flags
            .iter()
            .enumerate()
            .map(|(index, flags)| site.spawn(index, &kubeconfig, flags))
            .collect();
        for (index, process) in processes.into_iter().enumerate() {
            let ports = site.ports(index).await;
            let (https, admin) = ports.trim().split_once('\n').unwrap();
            site.replicas.push(Replica {
                process,
                https: https.replace("https=", ""),
                admin: admin.replace("admin=", ""),
            });
        }
        site.register().await;
        site
    }

    fn spawn(&self, index: usize, kubeconfig: &Path, flags: &[&str]) -> Process {
        let name = self.name;
        let mut command = Command::new(program());
        command
            .args([
                "webhook",
                "--listen=127.0.0.1:0",
                "--admin-addr=127.0.0.1:0",
            ])
            // A handshake for each call: a connection that is kept would prove nothing.
            .args(["--test-connection-age=0", "--log=debug"])
            .args([format!("--ca-secret={name}"), format!("--service={name}")])
            .args([
                format!("--namespace={name}"),
                format!("--webhook-configuration={name}"),
                format!("--validating-webhook-configuration={name}"),
            ])
            .arg("--port-file")
            .arg(self.dir.join(format!("ports-{index}")))
            .args(flags)
            .env("KUBECONFIG", kubeconfig);
        Process::start(
            "softstop webhook",
            command,
            &self.dir.join(format!("log-{index}")),
        )
        .unwrap()
    }

    async fn ports(&self, index: usize) -> String {
        let file = self.dir.join(format!("ports-{index}"));
        within(AMPLE, async || {
            fs::read_to_string(&file)
                .ok()
                .filter(|ports| ports.lines().count() == 2)
        })
        .await
    }

    /// One mutating webhook for each replica, so that each pod needs all of them, and a validating one.
    async fn register(&self) {
        let name = self.name;
        let webhook = |kind: &str, path: &str, index: usize| {
            let https = &self.replicas[index].https;
            let port: u16 = https.rsplit_once(':').unwrap().1.parse().unwrap();
            json!({"name": format!("{kind}-{index}.{name}.softstop.dev"),
                "clientConfig": {"service": {"name": name, "namespace": name, "path": path, "port": port}},
                "failurePolicy": "Fail", "timeoutSeconds": 10, "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]})
        };
        let stranger = json!({"name": format!("stranger.{name}.softstop.dev"),
            "clientConfig": {"service": {"name": "other", "namespace": name, "path": "/"}},
            "sideEffects": "None", "admissionReviewVersions": ["v1"], "rules": []});
        let mutating = (0..self.replicas.len()).map(|index| webhook("mutating", "/mutate", index));
        let mutating: Vec<_> = mutating.chain([stranger]).collect();
        let validating = vec![webhook("validating", "/validate", 0)];
        for (kind, path, webhooks) in [
            ("MutatingWebhookConfiguration", CONFIGURATIONS, mutating),
            ("ValidatingWebhookConfiguration", VALIDATING, validating),
        ] {
            let object = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
                "metadata": {"name": name}, "webhooks": webhooks});
            self.send(Method::POST, path, &object).await.unwrap();
        }
    }

    /// Waits until every replica is ready.
    pub(super) async fn ready(&self) -> Duration {
        let started = Instant::now();
        for replica in &self.replicas {
            within(AMPLE, async || {
                (get(&replica.admin, "/ready")
                    .await
                    .starts_with("HTTP/1.1 200"))
                .then_some(())
            })
            .await;
        }
        started.elapsed()
    }

    /// What a metric says, of all replicas together.
    pub(super) async fn metric(&self, name: &str) -> f64 {
        let mut sum = 0.0;
        for replica in &self.replicas {
            let metrics = get(&replica.admin, "/metrics").await;
            let lines = metrics.lines().filter_map(|line| line.strip_prefix(name));
            sum += lines
                .map(|value| value.trim().parse::<f64>().unwrap())
                .sum::<f64>();
        }
        sum
    }

    pub(super) fn assert_alive(&mut self) {
        for replica in &mut self.replicas {
            replica.process.check_alive().unwrap();
        }
    }

    fn secret_path(&self) -> String {
        format!("/api/v1/namespaces/{0}/secrets/{0}", self.name)
    }

    /// The Secret, if it is there.
    pub(super) async fn secret(&self) -> Option<Value> {
        self.send(Method::GET, &self.secret_path(), &Value::Null)
            .await
            .ok()
    }

    /// How many CAs are in the Secret.
    pub(super) async fn authorities(&self) -> usize {
        let secret = self.secret().await.unwrap();
        let pem = secret["data"]["authorities.pem"].as_str().unwrap();
        count(&STANDARD.decode(pem).unwrap())
    }

    pub(super) async fn delete_secret(&self) {
        self.send(Method::DELETE, &self.secret_path(), &json!({}))
            .await
            .unwrap();
    }

    pub(super) async fn restore_secret(&self, backup: &Value) {
        let change = json!({"data": backup["data"]});
        self.send(Method::PATCH, &self.secret_path(), &change)
            .await
            .unwrap();
    }

    pub(super) async fn webhooks(&self) -> Value {
        let path = format!("{CONFIGURATIONS}/{}", self.name);
        self.send(Method::GET, &path, &Value::Null).await.unwrap()["webhooks"].take()
    }

    pub(super) async fn restore_webhooks(&self, webhooks: &Value) {
        let path = format!("{CONFIGURATIONS}/{}", self.name);
        self.send(Method::PATCH, &path, &json!({"webhooks": webhooks}))
            .await
            .unwrap();
    }

    /// How many CAs each `caBundle` holds: those of the replicas, then the validating one. The stranger's stays as it was.
    pub(super) async fn bundles(&self) -> Vec<usize> {
        let mut webhooks = self.webhooks().await;
        let webhooks = webhooks.as_array_mut().unwrap();
        let stranger = webhooks.pop().unwrap();
        assert_eq!(stranger["clientConfig"].get("caBundle"), None, "not ours");
        let path = format!("{VALIDATING}/{}", self.name);
        let mut validating = self.send(Method::GET, &path, &Value::Null).await.unwrap();
        webhooks.push(validating["webhooks"][0].take());
        let bundle = |webhook: &Value| {
            let bundle = webhook["clientConfig"]["caBundle"].as_str();
            count(&STANDARD.decode(bundle.unwrap_or_default()).unwrap())
        };
        webhooks.iter().map(bundle).collect()
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> kube::Result<Value> {
        let content = if method == Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", content)
            .body(body)
            .unwrap();
        self.client.request(request).await
    }

    /// Creates pods that need all replicas, until told to stop.
    pub(super) fn load(&self) -> Load {
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"generateName": "web-", "namespace": self.name, "annotations": {"softstop.dev/drain-delay": "7"}},
            "spec": {"containers": [{"name": "app", "image": "app:1", "command": ["gunicorn", "app:app"]}]}});
        let pods = Pods {
            pod,
            per_second: PER_SECOND,
            kept: true,
        };
        Load::start(self.client.clone(), pods)
    }
}

/// Exactly what the chart grants for certificates.
fn permissions(name: &str) -> [Value; 5] {
    let group = "rbac.authorization.k8s.io";
    let api = format!("{group}/v1");
    let subjects = json!([{"kind": "ServiceAccount", "name": name, "namespace": name}]);
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": name}}),
        json!({"apiVersion": api, "kind": "Role", "metadata": {"name": name, "namespace": name}, "rules": [
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get", "list", "watch", "update"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}]}),
        json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name}, "rules": [
            {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
             "resourceNames": [name], "verbs": ["get", "list", "watch", "patch"]}]}),
        json!({"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": name, "namespace": name},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name}, "subjects": subjects}),
        json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name}, "subjects": subjects}),
    ]
}

/// A kubeconfig with the token of the service account.
fn service_account(rig: &Rig, name: &str) -> PathBuf {
    let token = rig
        .kubectl([
            "create",
            "token",
            name,
            "--namespace",
            name,
            "--duration=1h",
        ])
        .unwrap();
    assert!(
        token.status.success(),
        "{}",
        String::from_utf8_lossy(&token.stderr)
    );
    let token = String::from_utf8(token.stdout).unwrap();
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "rig",
        "clusters": [{"name": "rig", "cluster": {"server": rig.url(),
            "certificate-authority": rig.dir().join("client-ca.crt")}}],
        "users": [{"name": "softstop", "user": {"token": token.trim()}}],
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": "softstop"}}]});
    let file = rig.dir().join(name).join("kubeconfig");
    fs::write(&file, config.to_string()).unwrap();
    file
}

/// Waits until there is something.
pub(super) async fn within<T>(limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < limit, "not within {limit:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn get(admin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn count(pem: &[u8]) -> usize {
    String::from_utf8_lossy(pem)
        .matches("BEGIN CERTIFICATE")
        .count()
}
