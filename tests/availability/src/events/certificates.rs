//! What happens to softstop's own certificates.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use softstop_rig::Node;

use super::{ready, rolled_out, scale, until_changed, wait};
use crate::NAMESPACE;
use crate::install::SELECTOR;

const SECRET: &str = "softstop-ca";
const CONFIGURATION: [&str; 2] = ["mutatingwebhookconfiguration", "softstop"];

pub(crate) fn from_nothing(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let replicas = ready(node)?.len();
    scale(node, 0)?;
    wait(node, "softstop is gone", |node| {
        Ok(node.pods(NAMESPACE, SELECTOR)?.is_empty())
    })?;
    node.kubectl_ok(["delete", "secret", SECRET, "-n", NAMESPACE])?;
    blank(node)?;
    scale(node, replicas)?;
    let begun = Instant::now();
    rolled_out(node)?;
    until_changed(node, begun)
}

pub(crate) fn secret_deleted(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let mut longest = Duration::ZERO;
    for _ in 0..3 {
        node.kubectl_ok(["delete", "secret", SECRET, "-n", NAMESPACE])?;
        longest = longest.max(until("the Secret is back", Duration::from_secs(5), || {
            Ok(node.get("secret", NAMESPACE, SECRET)?.is_some())
        })?);
        thread::sleep(Duration::from_secs(3));
    }
    Ok(format!("back within {:.1} s", longest.as_secs_f32()))
}

pub(crate) fn bundle_blanked(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let mut longest = Duration::ZERO;
    for _ in 0..5 {
        blank(node)?;
        longest = longest.max(until(
            "the caBundle is back",
            Duration::from_secs(5),
            || Ok(bundle(node)? != ""),
        )?);
        thread::sleep(Duration::from_secs(3));
    }
    // What kubectl takes to look is in it.
    Ok(format!(
        "written again within {:.1} s",
        longest.as_secs_f32()
    ))
}

pub(crate) fn restored(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let secret = node
        .get("secret", NAMESPACE, SECRET)?
        .context("softstop has no Secret")?;
    let backup = bundle(node)?;
    secret_deleted(node, 1)?;
    let data = json!({"data": secret["data"]}).to_string();
    node.kubectl_ok([
        "patch",
        "secret",
        SECRET,
        "-n",
        NAMESPACE,
        "--type=merge",
        "-p",
        &data,
    ])?;
    set_bundle(node, &backup)?;
    // Nothing waits for this: what is served goes on, and every replica looks at it again.
    thread::sleep(Duration::from_secs(15));
    Ok(String::new())
}

/// What the API server trusts.
fn bundle(node: &Node) -> anyhow::Result<Value> {
    let [kind, name] = CONFIGURATION;
    let text = node.kubectl_ok(["get", kind, name, "-o", "json"])?;
    let mut configuration: Value =
        serde_json::from_str(&text).context("kubectl's answer is not JSON")?;
    Ok(configuration["webhooks"][0]["clientConfig"]["caBundle"].take())
}

fn blank(node: &Node) -> anyhow::Result<()> {
    set_bundle(node, &json!(""))
}

fn set_bundle(node: &Node, bundle: &Value) -> anyhow::Result<()> {
    let [kind, name] = CONFIGURATION;
    let patch =
        json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]);
    node.kubectl_ok(["patch", kind, name, "--type=json", "-p", &patch.to_string()])?;
    Ok(())
}

/// How long it takes until something is so.
fn until(
    what: &str,
    limit: Duration,
    done: impl Fn() -> anyhow::Result<bool>,
) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    while !done()? {
        if begun.elapsed() > limit {
            bail!("waited {limit:?} in vain until {what}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(begun.elapsed())
}
