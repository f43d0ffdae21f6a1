//! What happens while pods are created.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use softstop_rig::{Node, is_ready, processes};

use crate::creator::{Creator, PROBES};
use crate::install::{SELECTOR, is_changed, try_pod, upgrade};
use crate::load::{Creations, Failure};
use crate::{NAMESPACE, PATIENCE};

/// How many pods are created each second.
pub(crate) const PER_SECOND: u32 = 20;

/// One thing that happens.
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens, in a table's words.
    pub what: &'static str,
    /// What the API server does with a pod when softstop does not answer.
    pub failure_policy: &'static str,
    /// What must not happen.
    pub promise: Promise,
    /// Makes it happen; returns what else was seen.
    event: fn(&mut Node, times: u32) -> anyhow::Result<String>,
}

/// What is promised of all pods that are created meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// All are admitted, and changed.
    AllChanged,
    /// All are admitted, if the API server can admit any; with or without the change.
    AllAdmitted,
    /// None is refused for softstop's sake, while the API server or its store cannot take any.
    NoneRefused,
    /// Nothing: with this failurePolicy, this is what it costs.
    Nothing,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Of the pods.
    pub creations: Creations,
    /// What else was seen.
    pub seen: String,
    /// How often a container of softstop's was started again.
    pub restarts: u64,
}

/// All of them.
pub const SCENARIOS: [Scenario; 9] = [
    Scenario {
        name: "rollouts",
        what: "rolling restarts of softstop, one after the other",
        failure_policy: "Fail",
        promise: Promise::AllChanged,
        event: rollouts,
    },
    Scenario {
        name: "eviction",
        what: "a replica is evicted, as by `kubectl drain`",
        failure_policy: "Fail",
        promise: Promise::AllChanged,
        event: eviction,
    },
    Scenario {
        name: "apiserver",
        what: "the API server is killed and started again",
        failure_policy: "Ignore",
        promise: Promise::NoneRefused,
        event: apiserver,
    },
    Scenario {
        name: "apiserver-fail",
        what: "the API server is killed and started again",
        failure_policy: "Fail",
        promise: Promise::Nothing,
        event: apiserver,
    },
    Scenario {
        name: "etcd",
        what: "etcd does not answer for 10 s",
        failure_policy: "Fail",
        promise: Promise::NoneRefused,
        event: etcd,
    },
    Scenario {
        name: "down",
        what: "all replicas are gone, then come back",
        failure_policy: "Ignore",
        promise: Promise::AllAdmitted,
        event: down,
    },
    Scenario {
        name: "killed",
        what: "the busiest replica is killed (SIGKILL)",
        failure_policy: "Ignore",
        promise: Promise::AllAdmitted,
        event: killed,
    },
    Scenario {
        name: "frozen",
        what: "the busiest replica is frozen (SIGSTOP) for 20 s",
        failure_policy: "Ignore",
        promise: Promise::AllAdmitted,
        event: frozen,
    },
    Scenario {
        name: "frozen-fail",
        what: "the busiest replica is frozen (SIGSTOP) for 20 s",
        failure_policy: "Fail",
        promise: Promise::Nothing,
        event: frozen,
    },
];

impl Scenario {
    /// Makes it happen, `times` times where that makes sense, while pods are created.
    pub fn run(&self, node: &mut Node, times: u32) -> anyhow::Result<Outcome> {
        set_failure_policy(node, self.failure_policy)?;
        let before = restarts(node)?;
        let creator = Creator::start(node, PER_SECOND)?;
        thread::sleep(Duration::from_secs(2));
        let seen = (self.event)(node, times).with_context(|| self.name)?;
        thread::sleep(Duration::from_secs(2));
        let creations = creator.finish()?;
        node.kubectl_ok([
            "delete",
            "pods",
            "--all",
            "-n",
            PROBES,
            "--wait=false",
            "--grace-period=0",
            "--force",
        ])?;
        Ok(Outcome {
            creations,
            seen,
            restarts: restarts(node)?.saturating_sub(before),
        })
    }
}

impl Outcome {
    /// Why the promise was broken, if it was.
    pub fn broken(&self, promise: Promise) -> Option<String> {
        let Creations {
            tried,
            unchanged,
            refused,
            unready,
            unreachable,
            ..
        } = &self.creations;
        let say = |count: usize, what: &str, example: Option<&Failure>| {
            (count > 0).then(|| {
                let example = example
                    .map(|Failure { at, error }| format!(", first after {at:?}: {error}"))
                    .unwrap_or_default();
                format!("{count} of {tried} {what}{example}")
            })
        };
        let refused = say(refused.len(), "were refused", refused.first());
        let unready = say(unready.len(), "met no ready API server", unready.first());
        let unreachable = say(unreachable.len(), "got no answer", unreachable.first());
        let broken = unready.or(unreachable);
        let unchanged = say(unchanged.len(), "were not changed", None);
        match promise {
            Promise::AllChanged => refused.or(broken).or(unchanged),
            Promise::AllAdmitted => refused.or(broken),
            Promise::NoneRefused => refused,
            Promise::Nothing => None,
        }
        .or_else(|| (self.creations.changed == 0).then(|| "no pod was changed".to_owned()))
    }
}

fn rollouts(node: &mut Node, times: u32) -> anyhow::Result<String> {
    let begun = Instant::now();
    for _ in 0..times {
        node.kubectl_ok(["rollout", "restart", "deployment/softstop", "-n", NAMESPACE])?;
        rolled_out(node)?;
    }
    // Those that end still serve.
    let ending = |node: &Node| Ok(node.pods(NAMESPACE, SELECTOR)?.len() == ready(node)?.len());
    wait(node, "softstop's old pods are gone", ending)?;
    Ok(format!("{times} times in {} s", begun.elapsed().as_secs()))
}

fn eviction(node: &mut Node, times: u32) -> anyhow::Result<String> {
    for _ in 0..times.min(3) {
        let pods = ready(node)?;
        let name = pods[0]["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let file = node.dir().join("eviction.json");
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": NAMESPACE}});
        std::fs::write(&file, eviction.to_string()).context("cannot write the eviction")?;
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction");
        node.kubectl_ok(["create", "--raw", &path, "-f", &file.display().to_string()])?;
        node.wait_gone(NAMESPACE, &name, PATIENCE)?;
        wait(node, "all replicas are ready", |node| {
            Ok(ready(node)?.len() >= pods.len())
        })?;
    }
    Ok(String::new())
}

fn apiserver(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let begun = Instant::now();
    node.restart_apiserver()?;
    until_changed(node, begun)
}

fn etcd(node: &mut Node, _: u32) -> anyhow::Result<String> {
    node.signal("etcd", Signal::STOP)?;
    thread::sleep(Duration::from_secs(10));
    node.signal("etcd", Signal::CONT)?;
    until_changed(node, Instant::now())
}

fn down(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let replicas = ready(node)?.len();
    let scale = |node: &Node, replicas: usize| {
        let replicas = format!("--replicas={replicas}");
        node.kubectl_ok(["scale", "deployment/softstop", "-n", NAMESPACE, &replicas])
    };
    scale(node, 0)?;
    wait(node, "softstop is gone", |node| {
        Ok(node.pods(NAMESPACE, SELECTOR)?.is_empty())
    })?;
    thread::sleep(Duration::from_secs(3));
    // Its own pods are created while it is down: they must not wait for it.
    scale(node, replicas)?;
    let begun = Instant::now();
    rolled_out(node)?;
    until_changed(node, begun)
}

fn killed(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let begun = Instant::now();
    signal_busiest(node, Signal::KILL)?;
    thread::sleep(Duration::from_secs(1));
    rolled_out(node)?;
    Ok(format!("back after {:.1} s", begun.elapsed().as_secs_f32()))
}

fn frozen(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let pid = signal_busiest(node, Signal::STOP)?;
    thread::sleep(Duration::from_secs(20));
    kill_process(pid, Signal::CONT).context("cannot wake the replica")?;
    rolled_out(node)?;
    Ok(String::new())
}

/// Sends a signal to the process of the replica that has the most to do.
fn signal_busiest(node: &Node, signal: Signal) -> anyhow::Result<Pid> {
    let mut pods = Vec::new();
    for pod in ready(node)? {
        pods.push((reviews(node, &pod)?, pod));
    }
    thread::sleep(Duration::from_secs(2));
    let mut busiest = None;
    for (before, pod) in pods {
        let count = reviews(node, &pod)? - before;
        if busiest.as_ref().is_none_or(|(most, _)| count > *most) {
            busiest = Some((count, pod));
        }
    }
    let (count, pod) = &busiest.context("no replica is ready")?;
    ensure!(*count > 0, "no replica is asked anything");
    let [pid] = processes(pod, "softstop")?[..] else {
        bail!("a replica has not one process");
    };
    kill_process(pid, signal).context("cannot send a signal to a replica")?;
    Ok(pid)
}

/// How many reviews a replica has answered, by its metrics.
fn reviews(node: &Node, pod: &Value) -> anyhow::Result<u64> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}:8080/proxy/metrics");
    let metrics = node.kubectl_ok(["get", "--raw", &path])?;
    let counts = metrics
        .lines()
        .filter(|line| line.starts_with("softstop_reviews_total"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    Ok(counts.sum())
}

fn ready(node: &Node) -> anyhow::Result<Vec<Value>> {
    let mut pods = node.pods(NAMESPACE, SELECTOR)?;
    pods.retain(|pod| is_ready(pod) && pod["metadata"]["deletionTimestamp"].is_null());
    Ok(pods)
}

fn restarts(node: &Node) -> anyhow::Result<u64> {
    let pods = node.pods(NAMESPACE, SELECTOR)?;
    let counts = pods
        .iter()
        .filter_map(|pod| pod["status"]["containerStatuses"][0]["restartCount"].as_u64());
    Ok(counts.sum())
}

fn rolled_out(node: &Node) -> anyhow::Result<()> {
    node.kubectl_ok([
        "rollout",
        "status",
        "deployment/softstop",
        "-n",
        NAMESPACE,
        "--timeout=3m",
    ])?;
    Ok(())
}

fn until_changed(node: &Node, begun: Instant) -> anyhow::Result<String> {
    // While the API server is on its way back, there is no answer.
    let changed = |node: &Node| Ok(try_pod(node, PROBES).is_ok_and(|pod| is_changed(&pod)));
    wait(node, "a pod is changed", changed)?;
    Ok(format!(
        "the first pod changed after {:.1} s",
        begun.elapsed().as_secs_f32()
    ))
}

fn set_failure_policy(node: &Node, policy: &str) -> anyhow::Result<()> {
    upgrade(node, &[&format!("webhook.failurePolicy=\"{policy}\"")])?;
    // The API server learns of it a moment later.
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

fn wait(
    node: &Node,
    what: &str,
    done: impl Fn(&Node) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !done(node)? {
        ensure!(
            begun.elapsed() < PATIENCE,
            "waited {PATIENCE:?} in vain until {what}"
        );
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
