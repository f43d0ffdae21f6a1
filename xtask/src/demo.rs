//! `cargo xtask demo`: every manifest of examples/ through a running webhook.

mod cluster;
mod direct;
mod show;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::Value;
use softstop_rig::{Sample, samples};

#[derive(Debug, Args)]
pub(crate) struct Task {
    /// Through a real kube-apiserver and kubectl, which are built first where they are missing (about five minutes).
    #[arg(long)]
    cluster: bool,
}

/// What came of one pod.
#[derive(Debug)]
struct Outcome {
    file: PathBuf,
    before: Value,
    after: Value,
    /// As in the API server's audit log: `verdicts`, `changes`, `findings`.
    audit: serde_json::Map<String, Value>,
    warnings: Vec<String>,
}

pub(crate) fn run(task: &Task) -> anyhow::Result<ExitCode> {
    let root = crate::root()?;
    let program = build(&root)?;
    let started = Instant::now();
    let examples = root.join("examples");
    let samples = samples(&examples)?;
    let outcomes = if task.cluster {
        cluster::run(&program, &examples, samples)?
    } else {
        direct::run(&program, &examples, samples)?
    };
    for outcome in &outcomes {
        show::outcome(outcome, &root);
    }
    let changed = outcomes
        .iter()
        .filter(|outcome| outcome.before != outcome.after)
        .count();
    println!(
        "{} pods, {changed} changed, in {:.1} s",
        outcomes.len(),
        started.elapsed().as_secs_f32()
    );
    Ok(ExitCode::SUCCESS)
}

/// Builds `softstop`; it lies beside this program.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--package", "softstop"])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "softstop does not build");
    let program = std::env::current_exe()
        .context("where is this program?")?
        .with_file_name("softstop");
    ensure!(
        program.is_file(),
        "softstop was built, but not at {}",
        program.display()
    );
    Ok(program)
}

/// What the webhook is told of the cluster.
fn webhook_args(examples: &Path) -> [String; 2] {
    let file = |flag: &str, name: &str| format!("--{flag}={}", examples.join(name).display());
    [
        file("namespace-file", "namespace.yaml"),
        file("facts-file", "image-facts.yaml"),
    ]
}
