//! Pods made at a steady rate, whatever happens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use softstop_rig::Node;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::install::{is_changed, pod};

/// Where the pods are made.
pub(crate) const PROBES: &str = "probes";

/// Creates pods, and deletes each again at once, until it is told to stop.
///
/// Open loop: the next creation does not wait for the one before, so a stall is seen by as many as would have met it.
#[derive(Debug)]
pub struct Creator {
    runtime: Runtime,
    stop: Arc<Notify>,
    task: JoinHandle<Creations>,
}

/// What came of them.
#[derive(Debug, Default)]
pub struct Creations {
    /// How many were tried.
    pub tried: usize,
    /// How many softstop changed.
    pub changed: usize,
    /// Those that were admitted without it: when.
    pub unchanged: Vec<Duration>,
    /// Refusals that name the webhook: when, counted from the first creation, and what the API server said.
    pub refused: Vec<(Duration, String)>,
    /// Whatever else failed: the API server or etcd was away.
    pub broken: Vec<(Duration, String)>,
    /// The longest that one took.
    pub slowest: Duration,
    /// From the first to the last.
    pub time: Duration,
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
        let stop = Arc::new(Notify::new());
        let period = Duration::from_secs(1) / per_second;
        let task = runtime.spawn(create(client, period, Arc::clone(&stop)));
        Ok(Self {
            runtime,
            stop,
            task,
        })
    }

    /// Stops and waits for the creations under way.
    pub fn finish(self) -> anyhow::Result<Creations> {
        self.stop.notify_one();
        let creations = self.runtime.block_on(self.task);
        creations.context("the creator ended before its time")
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

async fn create(client: kube::Client, period: Duration, stop: Arc<Notify>) -> Creations {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    let mut ticks = tokio::time::interval(period);
    // What a busy machine was late for is made up for: the rate holds.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let client = client.clone();
                tasks.spawn(async move {
                    let at = begun.elapsed();
                    let begun = Instant::now();
                    let result = create_one(&client, PROBES, "").await;
                    let took = begun.elapsed();
                    if let Ok(pod) = &result {
                        delete(&client, pod).await;
                    }
                    (at, took, result)
                });
            }
            () = stop.notified() => break,
        }
    }
    let mut creations = Creations {
        time: begun.elapsed(),
        ..Creations::default()
    };
    while let Some(done) = tasks.join_next().await {
        creations.tried += 1;
        let Ok((at, took, result)) = done else {
            continue;
        };
        creations.slowest = creations.slowest.max(took);
        match result {
            Ok(pod) if is_changed(&pod) => creations.changed += 1,
            Ok(_) => creations.unchanged.push(at),
            Err(error) => {
                let error = match error.downcast_ref() {
                    Some(kube::Error::Api(status)) => status.message.clone(),
                    _ => format!("{error:#}"),
                };
                if error.contains("webhook") {
                    creations.refused.push((at, error));
                } else {
                    creations.broken.push((at, error));
                }
            }
        }
    }
    creations
}

/// One creation; `query` is the URL's, with its question mark.
pub(crate) async fn create_one(
    client: &kube::Client,
    namespace: &str,
    query: &str,
) -> anyhow::Result<Value> {
    let request = Request::post(format!("/api/v1/namespaces/{namespace}/pods{query}"))
        .header("content-type", "application/json")
        .body(pod(namespace).to_string().into_bytes())?;
    Ok(client.request(request).await?)
}

/// What is not deleted now, nobody misses: no scheduler takes it.
async fn delete(client: &kube::Client, pod: &Value) {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let path = format!("/api/v1/namespaces/{PROBES}/pods/{name}?gracePeriodSeconds=0");
    if let Ok(request) = Request::delete(path).body(Vec::new()) {
        let _ = client.request::<Value>(request).await;
    }
}
