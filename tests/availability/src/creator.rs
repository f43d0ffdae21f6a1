//! Pods made at a steady rate on a node.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use softstop_rig::Node;
use tokio::runtime::Runtime;

use crate::install::pod;
use crate::load::{Creations, Load, Pods};

/// Where the pods are made.
pub(crate) const PROBES: &str = "probes";

/// A [`Load`] on a node, with threads of its own.
#[derive(Debug)]
pub struct Creator {
    runtime: Runtime,
    load: Load,
}

impl Creator {
    /// Starts; `per_second` pods each second.
    pub fn start(node: &Node, per_second: u32) -> anyhow::Result<Self> {
        node.apply(
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PROBES}}),
        )?;
        node.wait_account(PROBES, crate::PATIENCE)?;
        let runtime = node.runtime(2)?;
        let client = client(node, &runtime)?;
        let pods = Pods {
            pod: pod(PROBES),
            per_second,
            kept: false,
        };
        let load = {
            let _inside = runtime.enter();
            Load::start(client, pods)
        };
        Ok(Self { runtime, load })
    }

    /// Stops and waits for the creations under way.
    pub fn finish(self) -> anyhow::Result<Creations> {
        self.runtime.block_on(self.load.finish())
    }
}

/// A client whose connections are made in the node's network.
pub(crate) fn client(node: &Node, runtime: &Runtime) -> anyhow::Result<kube::Client> {
    let kubeconfig = Kubeconfig::read_from(node.kubeconfig()).context("no kubeconfig")?;
    let client = runtime.spawn(async {
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        config.read_timeout = Some(Duration::from_secs(60));
        anyhow::Ok(kube::Client::try_from(config)?)
    });
    runtime
        .block_on(client)
        .map_err(|error| anyhow!("no client: {error}"))?
}
