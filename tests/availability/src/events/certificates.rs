//! What happens to softstop's own certificates.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use softstop_rig::Node;

use super::{rolled_out, scale, stopped, until, until_changed};
use crate::NAMESPACE;

const SECRET: &str = "softstop-ca";
const CONFIGURATION: &str = "mutatingwebhookconfiguration";
const NAME: &str = "softstop";

pub(crate) fn from_nothing(node: &mut Node, _: u32) -> anyhow::Result<String> {
    let replicas = stopped(node)?;
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
        longest = longest.max(back("the Secret is back", || {
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
        longest = longest.max(back("the caBundle is back", || Ok(bundle(node)? != ""))?);
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

/// How long softstop takes to put something back.
fn back(what: &str, done: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<Duration> {
    until(
        what,
        Duration::from_secs(5),
        Duration::from_millis(20),
        done,
    )
}

/// What the API server trusts.
fn bundle(node: &Node) -> anyhow::Result<Value> {
    let mut configuration = node
        .get(CONFIGURATION, NAMESPACE, NAME)?
        .context("softstop is not registered")?;
    Ok(configuration["webhooks"][0]["clientConfig"]["caBundle"].take())
}

fn blank(node: &Node) -> anyhow::Result<()> {
    set_bundle(node, &json!(""))
}

fn set_bundle(node: &Node, bundle: &Value) -> anyhow::Result<()> {
    let patch =
        json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}])
            .to_string();
    node.kubectl_ok(["patch", CONFIGURATION, NAME, "--type=json", "-p", &patch])?;
    Ok(())
}
