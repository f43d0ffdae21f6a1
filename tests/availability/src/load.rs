//! Pods made at a steady rate, whatever happens, and what came of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::Request;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::install::is_changed;

/// Creates pods until it is told to stop.
///
/// Open loop: the next creation does not wait for the one before, so a stall is seen by as many as would have met it.
#[derive(Debug)]
pub struct Load {
    stop: Arc<Notify>,
    task: JoinHandle<Creations>,
}

/// Which pods.
#[derive(Debug, Clone)]
pub struct Pods {
    /// The pod, with its namespace and a `generateName`.
    pub pod: Value,
    /// How many each second.
    pub per_second: u32,
    /// Whether they stay. Otherwise, each is deleted at once: on a node, they would fill it.
    pub kept: bool,
}

/// What came of them.
#[derive(Debug, Default)]
pub struct Creations {
    /// How many were tried.
    pub tried: usize,
    /// How many softstop changed.
    pub changed: usize,
    /// Those that were admitted without it: when, as all times here counted from the first creation.
    pub unchanged: Vec<Duration>,
    /// Refused because the webhook did not answer as it should; and whatever nothing else explains.
    pub refused: Vec<Failure>,
    /// The API server was asked, and answered an error of its own: it was not ready, or etcd was not.
    pub unready: Vec<Failure>,
    /// There was no answer: nothing listened, or the connection broke with the API server's process.
    pub unreachable: Vec<Failure>,
    /// The longest that one took.
    pub slowest: Duration,
    /// From the first to the last.
    pub time: Duration,
}

/// A pod that was not created.
#[derive(Debug, Clone)]
pub struct Failure {
    /// When its creation began.
    pub at: Duration,
    /// What was said.
    pub error: String,
}

impl Load {
    /// Starts, as a task of the runtime that this is called in.
    pub fn start(client: kube::Client, pods: Pods) -> Self {
        let stop = Arc::new(Notify::new());
        let task = tokio::spawn(create(client, pods, Arc::clone(&stop)));
        Self { stop, task }
    }

    /// Stops, and waits for the creations under way.
    pub async fn finish(self) -> anyhow::Result<Creations> {
        self.stop.notify_one();
        self.task
            .await
            .context("the creations ended before their time")
    }
}

impl Creations {
    /// How many were tried each second.
    pub fn rate(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
        let tried = self.tried as f64;
        tried / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// For how long creations were refused without one that succeeded, at the longest: from the first of a series to the last.
    pub fn longest_refusal(&self) -> Duration {
        /// Between two series; within one, there is a creation every few hundredths of a second.
        const PAUSE: Duration = Duration::from_secs(1);
        let mut times: Vec<_> = self.refused.iter().map(|failure| failure.at).collect();
        times.sort_unstable();
        let series = times.chunk_by(|one, next| next.saturating_sub(*one) < PAUSE);
        series
            .filter_map(|series| Some(series.last()?.saturating_sub(*series.first()?)))
            .max()
            .unwrap_or_default()
    }

    fn count(&mut self, at: Duration, result: Result<Value, kube::Error>) {
        match result {
            Ok(pod) if is_changed(&pod) => self.changed += 1,
            Ok(_) => self.unchanged.push(at),
            Err(kube::Error::Api(status)) => {
                let failures = if is_unready(status.code, &status.message) {
                    &mut self.unready
                } else {
                    &mut self.refused
                };
                let error = status.message.clone();
                failures.push(Failure { at, error });
            }
            Err(error) => self.unreachable.push(Failure {
                at,
                error: format!("{:#}", anyhow::Error::from(error)),
            }),
        }
    }
}

/// Whether a connection that was kept broke under the request: the API server closes those that were idle for 90 s, perhaps at that very moment.
/// Go's client, which is kubectl's and the controllers', tries again by itself. Where the API server is away, that fails, too, and counts.
fn is_stale(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Service(cause) if cause.to_string().contains("SendRequest"))
}

/// Whether the API server speaks of itself or of etcd. What a webhook did wrong, it calls by the webhook's name.
fn is_unready(code: u16, message: &str) -> bool {
    let starting_or_busy = matches!(code, 403 | 429 | 503 | 504);
    !message.contains("webhook") && (starting_or_busy || message.contains("etcdserver"))
}

async fn create(client: kube::Client, pods: Pods, stop: Arc<Notify>) -> Creations {
    let pods = Arc::new(pods);
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / pods.per_second);
    // What a busy machine was late for is made up for: the rate holds.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let (client, pods) = (client.clone(), Arc::clone(&pods));
                tasks.spawn(async move {
                    let started = Instant::now();
                    let mut result = create_one(&client, &pods.pod, "").await;
                    if result.as_ref().is_err_and(is_stale) {
                        result = create_one(&client, &pods.pod, "").await;
                    }
                    let took = started.elapsed();
                    if let Ok(pod) = &result && !pods.kept {
                        delete(&client, pod).await;
                    }
                    (started - begun, took, result)
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
        creations.count(at, result);
    }
    creations
}

/// One creation; `query` is the URL's, with its question mark.
pub(crate) async fn create_one(
    client: &kube::Client,
    pod: &Value,
    query: &str,
) -> Result<Value, kube::Error> {
    let path = format!("{}{query}", collection(pod));
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(pod.to_string().into_bytes())
        .map_err(kube::Error::HttpError)?;
    client.request(request).await
}

/// What is not deleted now, nobody misses: no scheduler takes it.
async fn delete(client: &kube::Client, pod: &Value) {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let path = format!("{}/{name}?gracePeriodSeconds=0", collection(pod));
    if let Ok(request) = Request::delete(path).body(Vec::new()) {
        let _ = client.request::<Value>(request).await;
    }
}

fn collection(pod: &Value) -> String {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    format!("/api/v1/namespaces/{namespace}/pods")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_webhook_did_is_told_from_what_the_api_server_is() {
        let webhook = r#"Internal error occurred: failed calling webhook "pods.softstop.dev": failed to call webhook: EOF"#;
        assert!(!is_unready(500, webhook));
        assert!(!is_unready(
            403,
            r#"admission webhook "pods.softstop.dev" denied the request"#
        ));
        assert!(!is_unready(
            500,
            "Internal error occurred: doc is missing path"
        ));
        assert!(is_unready(
            403,
            "pods is forbidden: not yet ready to handle request"
        ));
        assert!(is_unready(500, "etcdserver: request timed out"));
        assert!(is_unready(
            503,
            "the server is currently unable to handle the request"
        ));
    }

    #[test]
    fn a_refusal_is_as_long_as_its_longest_series() {
        let at = |millis| Failure {
            at: Duration::from_millis(millis),
            error: String::new(),
        };
        let mut creations = Creations::default();
        assert_eq!(creations.longest_refusal(), Duration::ZERO);
        creations.refused = [9_000, 100, 150, 5_000, 5_400, 5_900].map(at).to_vec();
        assert_eq!(creations.longest_refusal(), Duration::from_millis(900));
    }
}
