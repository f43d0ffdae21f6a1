//! What tests ask a node about its pods.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::Pid;
use serde_json::Value;

use super::Node;

/// How often the API server is asked.
const PAUSE: Duration = Duration::from_millis(200);

impl Node {
    /// An object, or nothing where there is none.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> anyhow::Result<Option<Value>> {
        let args = [
            "get",
            kind,
            name,
            "--namespace",
            namespace,
            "--ignore-not-found",
            "-o",
            "json",
        ];
        let text = self.kubectl_ok(args)?;
        if text.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text)
            .map(Some)
            .context("kubectl's answer is not JSON")
    }

    /// The pods that a label selector matches.
    pub fn pods(&self, namespace: &str, selector: &str) -> anyhow::Result<Vec<Value>> {
        let args = [
            "get",
            "pods",
            "--namespace",
            namespace,
            "--selector",
            selector,
            "-o",
            "json",
        ];
        let mut list: Value = serde_json::from_str(&self.kubectl_ok(args)?)
            .context("kubectl's answer is not JSON")?;
        match list["items"].take() {
            Value::Array(pods) => Ok(pods),
            _ => bail!("kubectl's answer has no items"),
        }
    }

    /// Waits until a namespace has its service account, without which it takes no pods.
    pub fn wait_account(&self, namespace: &str, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        while self.get("serviceaccount", namespace, "default")?.is_none() {
            if Instant::now() > deadline {
                bail!("the namespace {namespace} has no service account after {patience:?}");
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Waits until a pod is Ready; returns it.
    pub fn wait_ready(
        &self,
        namespace: &str,
        name: &str,
        patience: Duration,
    ) -> anyhow::Result<Value> {
        let deadline = Instant::now() + patience;
        loop {
            let pod = self.get("pod", namespace, name)?;
            if let Some(pod) = pod.as_ref().filter(|pod| is_ready(pod)) {
                return Ok(pod.clone());
            }
            if Instant::now() > deadline {
                let status = pod.map(|pod| pod["status"].to_string());
                bail!("the pod {namespace}/{name} is not ready after {patience:?}: {status:?}");
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until a pod no longer exists.
    pub fn wait_gone(&self, namespace: &str, name: &str, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        while self.get("pod", namespace, name)?.is_some() {
            if Instant::now() > deadline {
                bail!("the pod {namespace}/{name} still exists after {patience:?}");
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// What the pod's only container wrote.
    pub fn logs(&self, namespace: &str, pod: &str) -> anyhow::Result<String> {
        self.kubectl_ok(["logs", "--namespace", namespace, pod])
    }

    /// What a command in the pod's first container writes.
    pub fn exec(&self, namespace: &str, pod: &str, argv: &[&str]) -> anyhow::Result<String> {
        let head = ["exec", "--namespace", namespace, pod, "--"];
        self.kubectl_ok(head.iter().chain(argv))
    }
}

/// The ids, out here, of the processes of that name in the pod.
pub fn processes(pod: &Value, name: &str) -> anyhow::Result<Vec<Pid>> {
    let uid = pod["metadata"]["uid"]
        .as_str()
        .context("the pod has no uid")?;
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot list /proc")? {
        let dir = entry.context("cannot list /proc")?.path();
        let read = |file: &str| fs::read_to_string(dir.join(file)).unwrap_or_default();
        if read("comm").trim_end() == name && read("cgroup").contains(uid) {
            let id = dir.file_name().and_then(|id| id.to_str()?.parse().ok());
            found.extend(id.and_then(Pid::from_raw));
        }
    }
    Ok(found)
}

/// Whether its condition Ready holds.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    })
}
