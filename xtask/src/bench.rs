//! `cargo xtask bench`.

use std::process::{Command, ExitCode};

use anyhow::Context as _;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let root = crate::root()?;
    let page = root.join("docs/benchmarks.md");
    let status = Command::new(env!("CARGO"))
        .args([
            "bench",
            "--bench",
            "figures",
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
