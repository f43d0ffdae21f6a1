//! softstop by its chart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use softstop_rig::Node;

use crate::PATIENCE;

/// The namespace of the release `softstop`.
pub const NAMESPACE: &str = "softstop-system";

/// softstop's own pods.
pub(crate) const SELECTOR: &str = "app.kubernetes.io/name=softstop";

/// The chart's values that matter here.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many replicas.
    pub replicas: u32,
    /// `Fail` or `Ignore`.
    pub failure_policy: &'static str,
    /// More, as `helm --set` takes them.
    pub set: Vec<String>,
}

/// softstop, installed.
#[derive(Debug)]
pub struct Installation {
    /// From the call of helm or kubectl until a pod was changed.
    pub took: Duration,
}

/// Installs softstop on a node that has its image, as docs/install.md says, and waits until a pod is changed.
pub fn install(node: &Node, options: &Options) -> anyhow::Result<Installation> {
    let mut command = node.command("helm")?;
    command
        .args(["install", "softstop"])
        .arg(chart())
        .args(["--namespace", NAMESPACE, "--create-namespace"])
        .args(["--wait", "--timeout=3m"])
        .arg(format!("--set=replicas={}", options.replicas))
        .arg(format!(
            "--set=webhook.failurePolicy={}",
            options.failure_policy
        ))
        // There is no registry.
        .arg("--set=image.pullPolicy=Never");
    command.args(options.set.iter().map(|value| format!("--set={value}")));
    let begun = Instant::now();
    helm(command)?;
    first_change(node, begun)
}

/// Changes values of the chart, as `helm --set-json` takes them.
pub fn upgrade(node: &Node, values: &[&str]) -> anyhow::Result<()> {
    let mut command = node.command("helm")?;
    command
        .args(["upgrade", "softstop"])
        .arg(chart())
        .args(["--namespace", NAMESPACE, "--reset-then-reuse-values"])
        .args(["--wait", "--timeout=3m"])
        .args(values.iter().map(|value| format!("--set-json={value}")));
    helm(command)?;
    // Until the old ones have ended, they answer, too.
    let begun = Instant::now();
    let ending = |pod: &Value| !pod["metadata"]["deletionTimestamp"].is_null();
    while node.pods(NAMESPACE, SELECTOR)?.iter().any(ending) {
        if begun.elapsed() > PATIENCE {
            bail!("softstop's old pods are still there after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/chart")
}

fn helm(mut command: Command) -> anyhow::Result<()> {
    let output = command.output().context("cannot run helm")?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("helm failed: {errors}");
    }
    Ok(())
}

/// Installs softstop without Helm, as docs/install.md says.
pub fn apply(node: &Node) -> anyhow::Result<Installation> {
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/softstop.yaml");
    let begun = Instant::now();
    let manifests = manifests.display().to_string();
    node.kubectl_ok(["apply", "--server-side", "-f", &manifests])?;
    first_change(node, begun)
}

fn first_change(node: &Node, begun: Instant) -> anyhow::Result<Installation> {
    while !is_changed(&try_pod(node, "default")?) {
        if begun.elapsed() > PATIENCE {
            bail!("no pod is changed {PATIENCE:?} after the installation");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(Installation {
        took: begun.elapsed(),
    })
}

/// What the API server would make of a pod that asks for softstop.
pub(crate) fn try_pod(node: &Node, namespace: &str) -> anyhow::Result<Value> {
    let file = node.dir().join("try.json");
    std::fs::write(&file, pod(namespace).to_string())
        .with_context(|| format!("cannot write {}", file.display()))?;
    let path = file.display().to_string();
    let text = node.kubectl_ok(["create", "--dry-run=server", "-o", "json", "-f", &path])?;
    serde_json::from_str(&text).context("kubectl's answer is not JSON")
}

/// A pod that softstop changes, and that no scheduler takes.
pub(crate) fn pod(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "generateName": "probe-", "namespace": namespace, "labels": {"app": "probe"},
            "annotations": {"softstop.dev/mode": "enforce"},
        },
        "spec": {
            "schedulingGates": [{"name": "softstop.dev/never"}],
            "containers": [{"name": "main", "image": "localhost/none:1", "command": ["sh", "-c", "gunicorn shop.wsgi"]}],
        },
    })
}

/// Whether softstop had it.
pub(crate) fn is_changed(pod: &Value) -> bool {
    pod["metadata"]["annotations"]["softstop.dev/status"].is_string()
}
