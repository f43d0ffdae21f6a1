//! The project's own commands: `cargo xtask --help`.
#![allow(clippy::print_stdout, reason = "output is the job")]

mod availability;
mod bench;
mod bench_init;
mod bench_latency;
mod demo;
mod effect;
mod image;
mod prove_shell;
mod render;
mod rig;
mod test;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Tasks for working on softstop.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measure softstop's speed in a release build; writes docs/benchmarks.md.
    Bench {
        #[command(subcommand)]
        what: Option<What>,
    },
    /// Create pods on a real node while softstop or something around it fails, and count; writes docs/availability.md.
    Availability(availability::Task),
    /// Every manifest of examples/ through a running webhook: verdict, reason, diff.
    Demo(demo::Task),
    /// softstop's image as an OCI archive, without Docker: a static release build, minutes the first time.
    Image(image::Task),
    /// Delete real pods at work, without softstop and with it, and count what is lost; writes docs/effect.md.
    Effect(effect::Task),
    /// Run scripts before and after softstop's edit on every shell of this machine, and compare.
    ProveShell {
        /// `--pairs N`, `--seed S`, `--mutated`, `--matrix`, ...
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Render the Helm chart into deploy/softstop.yaml and certs/cert-manager.yaml, for those without Helm.
    Render,
    /// A real kube-apiserver on loopback, or a whole node: built on first use, five to ten minutes.
    #[command(subcommand)]
    Rig(rig::Task),
    /// Everything: formatting, lints, all tests, also those on a real kube-apiserver and, as root, a real node.
    Test,
}

/// What to measure, if not softstop itself.
#[derive(Debug, Subcommand)]
enum What {
    /// softstop-init beside tini, dumb-init and catatonit; writes docs/benchmarks-init.md.
    Init,
    /// What softstop costs each creation of a pod, beside a webhook that does nothing, on a real node; writes docs/benchmarks-latency.md.
    Latency(bench_latency::Task),
    /// softstop's memory with 10,000 namespaces and 1,000 policies on a real kube-apiserver; writes docs/benchmarks-memory.md.
    Memory,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Bench { what: None } => bench::speed(),
        Task::Bench {
            what: Some(What::Init),
        } => bench_init::run().map(|()| ExitCode::SUCCESS),
        Task::Bench {
            what: Some(What::Latency(task)),
        } => bench_latency::run(&task),
        Task::Bench {
            what: Some(What::Memory),
        } => bench::memory(),
        Task::Availability(task) => availability::run(&task),
        Task::Demo(task) => demo::run(&task),
        Task::Image(task) => image::run(&task).map(|()| ExitCode::SUCCESS),
        Task::Effect(task) => effect::run(&task),
        Task::ProveShell { args } => prove_shell::run(&args).map(|()| ExitCode::SUCCESS),
        Task::Render => render::run().map(|()| ExitCode::SUCCESS),
        Task::Rig(task) => rig::run(task),
        Task::Test => test::run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// Writes a file of the repository.
fn write(name: &str, text: &str) -> anyhow::Result<()> {
    let path = root()?.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// The root of the repository.
fn root() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask is in no folder")?;
    Ok(root.to_owned())
}
