//! `cargo xtask rig`.

mod node;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::Value;
use softstop_rig::{Assets, Detached, DetachedNode, Node, NodeAssets, Rig};

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Start it and leave it running.
    Up {
        /// A whole node, which runs pods: needs root, ten minutes to build on first use.
        #[arg(long)]
        node: bool,
    },
    /// Stop what `up` started.
    Down,
    /// Start it, run a command with kubectl on PATH and KUBECONFIG set, stop it.
    Run {
        /// A whole node, which runs pods, and helm on PATH, too: needs root, ten minutes to build on first use.
        #[arg(long)]
        node: bool,
        /// The command. Without one, your shell.
        #[arg(trailing_var_arg = true)]
        command: Vec<OsString>,
    },
}

pub(crate) fn run(task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Up { node: false } => up(),
        Task::Up { node: true } => node::up(),
        Task::Down => down(),
        Task::Run { node, command } => run_with(node, command),
    }
}

fn up() -> anyhow::Result<ExitCode> {
    let state = state_file("rig.json")?;
    let running = read(&state)?.map(|value| Detached::from_json(&value));
    if let Some(running) = running.transpose()?.filter(Detached::is_running) {
        println!(
            "already up; export KUBECONFIG={}",
            running.kubeconfig.display()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let assets = Assets::find_or_build()?;
    let rig = Rig::start(&assets)?.detach();
    let saved = fs::write(&state, rig.to_json().to_string());
    if let Err(error) = saved {
        rig.stop()?;
        return Err(error).with_context(|| format!("cannot write {}", state.display()));
    }
    println!("export KUBECONFIG={}", rig.kubeconfig.display());
    println!("kubectl: {}", assets.kubectl.display());
    println!("stop it with: cargo xtask rig down");
    Ok(ExitCode::SUCCESS)
}

fn down() -> anyhow::Result<ExitCode> {
    let (rig, node) = (state_file("rig.json")?, state_file("node.json")?);
    let mut stopped = false;
    if let Some(value) = read(&rig)? {
        Detached::from_json(&value)?.stop()?;
        forget(&rig)?;
        stopped = true;
    }
    if let Some(value) = read(&node)? {
        DetachedNode::from_json(&value)?.stop()?;
        forget(&node)?;
        stopped = true;
    }
    println!("{}", if stopped { "stopped" } else { "no rig is up" });
    Ok(ExitCode::SUCCESS)
}

fn run_with(node: bool, mut words: Vec<OsString>) -> anyhow::Result<ExitCode> {
    if words.is_empty() {
        words.push(std::env::var_os("SHELL").unwrap_or_else(|| "sh".into()));
    }
    if node {
        let node = Node::start(&NodeAssets::find_or_build()?)?;
        return status(node.command(&words[0])?.args(&words[1..]));
    }
    let rig = Rig::start(&Assets::find_or_build()?)?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    rig.environment(&mut command)?;
    status(&mut command)
}

fn status(command: &mut Command) -> anyhow::Result<ExitCode> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    // A command that a signal ended has no code.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}

fn state_file(name: &str) -> anyhow::Result<PathBuf> {
    let dir = crate::root()?.join("target");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir.join(name))
}

fn forget(state: &Path) -> anyhow::Result<()> {
    fs::remove_file(state).with_context(|| format!("cannot remove {}", state.display()))
}

fn read(state: &Path) -> anyhow::Result<Option<Value>> {
    if !state.exists() {
        return Ok(None);
    }
    let text =
        fs::read_to_string(state).with_context(|| format!("cannot read {}", state.display()))?;
    match serde_json::from_str(&text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => bail!("{} is not JSON ({error}): remove it", state.display()),
    }
}
