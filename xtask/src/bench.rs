//! `cargo xtask bench`.

use std::process::{Command, ExitCode};

use anyhow::Context as _;
use softstop_rig::static_program;

/// Speed: `docs/benchmarks.md`.
pub(crate) fn speed() -> anyhow::Result<ExitCode> {
    run("figures", "docs/benchmarks.md", &[])
}

/// Memory of the program that is in the image: `docs/benchmarks-memory.md`.
pub(crate) fn memory() -> anyhow::Result<ExitCode> {
    let program = static_program("softstop", "softstop")?;
    let program = format!("--program={}", program.display());
    run("memory", "docs/benchmarks-memory.md", &[&program])
}

fn run(bench: &str, page: &str, args: &[&str]) -> anyhow::Result<ExitCode> {
    let root = crate::root()?;
    let page = root.join(page);
    let status = Command::new(env!("CARGO"))
        .args([
            "bench",
            "--bench",
            bench,
            "--",
            &format!("--write={}", page.display()),
        ])
        .args(args)
        .current_dir(&root)
        .status()
        .context("cannot run cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
