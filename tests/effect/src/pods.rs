//! What a run asks Kubernetes to do, and sees it do.

use std::io::BufReader;
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Deserializer, Value, json};
use softstop_rig::Node;

use crate::manifest::Objects;

/// How long pods may take to start on a busy machine.
const START: &str = "--timeout=120s";

/// The namespace of one run. Dropping it deletes it.
pub(crate) struct Namespace<'n> {
    node: &'n Node,
    name: String,
}

impl<'n> Namespace<'n> {
    /// Creates the objects, the namespace itself first.
    pub(crate) fn create(node: &'n Node, objects: &Objects) -> anyhow::Result<Self> {
        node.apply(&objects.namespace)?;
        let namespace = Self {
            node,
            name: objects.name.clone(),
        };
        node.wait_account(&namespace.name, Duration::from_secs(30))?;
        node.apply(&json!({"apiVersion": "v1", "kind": "List", "items": objects.content}))?;
        Ok(namespace)
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> anyhow::Result<Option<Value>> {
        self.node.get(kind, &self.name, name)
    }

    /// Waits until the Deployment has all its pods; whether it got there.
    pub(crate) fn is_up(&self) -> anyhow::Result<bool> {
        let args = [
            "rollout",
            "status",
            "deployment/app",
            START,
            "-n",
            &self.name,
        ];
        Ok(self.node.kubectl(args)?.status.success())
    }

    /// The names of the Deployment's pods.
    pub(crate) fn pods(&self) -> anyhow::Result<Vec<Pod>> {
        let pods = self.node.pods(&self.name, "app=app")?;
        pods.iter().map(Pod::of).collect()
    }

    /// The Service's address.
    pub(crate) fn service(&self, name: &str, port: u16) -> anyhow::Result<SocketAddr> {
        let service = self.get("service", name)?.context("there is no Service")?;
        address(&service["spec"]["clusterIP"], port)
    }

    /// Waits until a pod is Ready.
    pub(crate) fn wait_ready(&self, pod: &str) -> anyhow::Result<()> {
        let patience = Duration::from_secs(60);
        self.node.wait_ready(&self.name, pod, patience).map(drop)
    }

    /// Runs a command in a pod.
    pub(crate) fn exec(&self, pod: &str, argv: &[&str]) -> anyhow::Result<String> {
        self.node.exec(&self.name, pod, argv)
    }

    /// Marks a pod for deletion, as a rollout or a person does.
    pub(crate) fn delete(&self, pod: &str) -> anyhow::Result<()> {
        let args = ["delete", "pod", pod, "--wait=false", "-n", &self.name];
        self.node.kubectl_ok(args).map(drop)
    }

    /// Replaces all pods, and waits for the new ones.
    pub(crate) fn restart(&self) -> anyhow::Result<()> {
        let args = ["rollout", "restart", "deployment/app", "-n", &self.name];
        self.node.kubectl_ok(args)?;
        if !self.is_up()? {
            bail!("the rolling update of {} did not end", self.name);
        }
        Ok(())
    }

    /// Follows a pod to its end.
    pub(crate) fn follow(&self, pod: &str) -> anyhow::Result<Follow> {
        let args = [
            "get",
            "pod",
            pod,
            "--watch",
            "--output-watch-events",
            "-o",
            "json",
            "-n",
            &self.name,
        ];
        let child = self
            .node
            .command("kubectl")?
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run kubectl")?;
        Ok(Follow(child))
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        // What remains ends with the node.
        let _ = self
            .node
            .kubectl(["delete", "namespace", &self.name, "--wait=false"]);
    }
}

/// A running pod.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
}

impl Pod {
    fn of(pod: &Value) -> anyhow::Result<Self> {
        let name = pod["metadata"]["name"]
            .as_str()
            .context("a pod without a name")?;
        Ok(Self {
            name: name.to_owned(),
            address: address(&pod["status"]["podIP"], 8000)?,
        })
    }
}

fn address(ip: &Value, port: u16) -> anyhow::Result<SocketAddr> {
    let ip: IpAddr = ip
        .as_str()
        .context("there is no address")?
        .parse()
        .context("an address that is none")?;
    Ok(SocketAddr::new(ip, port))
}

/// A pod that is watched to its end.
pub(crate) struct Follow(Child);

impl Follow {
    /// The exit code of the pod's container, once the pod is gone.
    pub(crate) fn end(mut self) -> anyhow::Result<Option<i32>> {
        let output = self.0.stdout.take().context("kubectl has no output")?;
        let mut code = None;
        for event in Deserializer::from_reader(BufReader::new(output)).into_iter::<Value>() {
            let event = event.context("kubectl's watch is not JSON")?;
            let state = &event["object"]["status"]["containerStatuses"][0]["state"];
            if let Some(exit) = state["terminated"]["exitCode"].as_i64() {
                code = i32::try_from(exit).ok();
            }
            if event["type"] == "DELETED" {
                break;
            }
        }
        Ok(code)
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
