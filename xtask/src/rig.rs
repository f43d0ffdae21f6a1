//! `cargo xtask rig`.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use softstop_rig::{Assets, Detached, Rig};

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Start it and leave it running.
    Up,
    /// Stop what `up` started.
    Down,
    /// Start it, run a command with kubectl on PATH and KUBECONFIG set, stop it.
    Run {
        /// The command. Without one, your shell.
        #[arg(trailing_var_arg = true)]
        command: Vec<OsString>,
    },
}

pub(crate) fn run(task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Up => up(),
        Task::Down => down(),
        Task::Run { command } => run_with(command),
    }
}

fn up() -> anyhow::Result<ExitCode> {
    let state = state_file()?;
    if let Some(running) = read(&state)?.filter(Detached::is_running) {
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
    let state = state_file()?;
    match read(&state)? {
        None => println!("no rig is up"),
        Some(rig) => {
            rig.stop()?;
            fs::remove_file(&state)
                .with_context(|| format!("cannot remove {}", state.display()))?;
            println!("stopped");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run_with(mut words: Vec<OsString>) -> anyhow::Result<ExitCode> {
    if words.is_empty() {
        words.push(std::env::var_os("SHELL").unwrap_or_else(|| "sh".into()));
    }
    let rig = Rig::start(&Assets::find_or_build()?)?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    rig.environment(&mut command)?;
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", words[0].display()))?;
    // A command that a signal ended has no code.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}

fn state_file() -> anyhow::Result<PathBuf> {
    let dir = crate::root()?.join("target");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir.join("rig.json"))
}

fn read(state: &PathBuf) -> anyhow::Result<Option<Detached>> {
    if !state.exists() {
        return Ok(None);
    }
    let text =
        fs::read_to_string(state).with_context(|| format!("cannot read {}", state.display()))?;
    match serde_json::from_str(&text) {
        Ok(value) => Detached::from_json(&value).map(Some),
        Err(error) => bail!("{} is not JSON ({error}): remove it", state.display()),
    }
}
