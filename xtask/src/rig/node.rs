//! `cargo xtask rig up --node`.

use std::fs;
use std::process::ExitCode;

use anyhow::Context as _;
use softstop_rig::{DetachedNode, Node, NodeAssets};

pub(super) fn up() -> anyhow::Result<ExitCode> {
    let state = super::state_file("node.json")?;
    let running = super::read(&state)?.map(|value| DetachedNode::from_json(&value));
    if let Some(running) = running.transpose()?.filter(DetachedNode::is_running) {
        println!("already up");
        explain(&running);
        return Ok(ExitCode::SUCCESS);
    }
    let node = Node::start(&NodeAssets::find_or_build()?)?.detach();
    if let Err(error) = fs::write(&state, node.to_json().to_string()) {
        node.stop()?;
        return Err(error).with_context(|| format!("cannot write {}", state.display()));
    }
    explain(&node);
    Ok(ExitCode::SUCCESS)
}

fn explain(node: &DetachedNode) {
    println!(
        "The node, its pods and Services are in a network of their own. A shell in there, with kubectl and helm:"
    );
    println!("  {}", node.shell());
    println!(
        "An image for it, as an OCI or Docker archive (in a pod: imagePullPolicy: Never), from out here:"
    );
    println!("  {} images import FILE", node.ctr());
    println!("Logs: {}/*.log", node.dir.display());
    println!("Stop it with: cargo xtask rig down");
}
