//! `cargo xtask bench`.

use std::process::{Command, ExitCode};

use anyhow::Context as _;

/// Speed: `docs/benchmarks.md`.
pub(crate) fn speed() -> anyhow::Result<ExitCode> {
    run("figures", "docs/benchmarks.md")
}

/// Memory: `docs/benchmarks-memory.md`.
pub(crate) fn memory() -> anyhow::Result<ExitCode> {
    run("memory", "docs/benchmarks-memory.md")
}

fn run(bench: &str, page: &str) -> anyhow::Result<ExitCode> {
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
        .current_dir(&root)
        .status()
        .context("cannot run cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
