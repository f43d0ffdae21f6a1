//! What happens, made to happen.

pub(crate) mod certificates;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use softstop_rig::{Node, is_ready, processes};

use crate::creator::PROBES;
use crate::install::{SELECTOR, is_changed, try_pod};
use crate::{NAMESPACE, PATIENCE};

pub(crate) fn rollouts(node: &mut Node, times: u32) -> anyhow::Result<String> {
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

pub(crate) fn eviction(node: &mut Node, times: u32) -> anyhow::Result<String> {
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

pub(crate) fn apiserver(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let begun = Instant::now();
    node.restart_apiserver()?;
    until_changed(node, begun)
}

pub(crate) fn etcd(node: &mut Node, _: u32) -> anyhow::Result<String> {
    node.signal("etcd", Signal::STOP)?;
    thread::sleep(Duration::from_secs(10));
    node.signal("etcd", Signal::CONT)?;
    until_changed(node, Instant::now())
}

pub(crate) fn down(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let replicas = stopped(node)?;
    thread::sleep(Duration::from_secs(3));
    // Its own pods are created while it is down: they must not wait for it.
    scale(node, replicas)?;
    let begun = Instant::now();
    rolled_out(node)?;
    until_changed(node, begun)
}

pub(crate) fn killed(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let begun = Instant::now();
    signal_busiest(node, Signal::KILL)?;
    thread::sleep(Duration::from_secs(1));
    rolled_out(node)?;
    Ok(format!("back after {:.1} s", begun.elapsed().as_secs_f32()))
}

pub(crate) fn frozen(node: &mut Node, _: u32) -> anyhow::Result<String> {
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

/// Ends all replicas, and says how many there were.
fn stopped(node: &Node) -> anyhow::Result<usize> {
    let replicas = ready(node)?.len();
    scale(node, 0)?;
    wait(node, "softstop is gone", |node| {
        Ok(node.pods(NAMESPACE, SELECTOR)?.is_empty())
    })?;
    Ok(replicas)
}

fn scale(node: &Node, replicas: usize) -> anyhow::Result<()> {
    let replicas = format!("--replicas={replicas}");
    node.kubectl_ok(["scale", "deployment/softstop", "-n", NAMESPACE, &replicas])?;
    Ok(())
}

fn ready(node: &Node) -> anyhow::Result<Vec<Value>> {
    let mut pods = node.pods(NAMESPACE, SELECTOR)?;
    pods.retain(|pod| is_ready(pod) && pod["metadata"]["deletionTimestamp"].is_null());
    Ok(pods)
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

fn wait(
    node: &Node,
    what: &str,
    done: impl Fn(&Node) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    until(what, PATIENCE, Duration::from_millis(200), || done(node)).map(drop)
}

/// How long it takes until something is so, looked at again after each pause.
fn until(
    what: &str,
    patience: Duration,
    pause: Duration,
    done: impl Fn() -> anyhow::Result<bool>,
) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    while !done()? {
        ensure!(
            begun.elapsed() < patience,
            "waited {patience:?} in vain until {what}"
        );
        thread::sleep(pause);
    }
    Ok(begun.elapsed())
}
