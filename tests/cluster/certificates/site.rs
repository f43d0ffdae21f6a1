//! Three replicas of softstop that make their own certificates, as a Deployment would run them, and pods that need all three.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use softstop_availability::{Load, Pods};
use softstop_rig::{Process, Rig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::account::{permissions, service_account};
use super::objects::{CONFIGURATIONS, VALIDATING};
use crate::client::kube_client;
use crate::fixture::program;

/// Pods created each second.
const PER_SECOND: u32 = 25;

/// Longer than anything takes that has no limit of its own.
const AMPLE: Duration = Duration::from_secs(60);

/// One installation: a namespace, a Service, a Secret and a configuration, all called the same.
pub(super) struct Site {
    pub(super) name: &'static str,
    dir: PathBuf,
    pub(super) client: kube::Client,
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
