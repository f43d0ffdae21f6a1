//! `cargo xtask bench`.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, ensure};
use softstop_rig::static_program;

/// Speed: `docs/benchmarks.md`.
pub(crate) fn speed() -> anyhow::Result<ExitCode> {
    run(["--bench", "figures", "--"], "docs/benchmarks.md")
}

/// Memory of the program that is in the image: `docs/benchmarks-memory.md`.
pub(crate) fn memory() -> anyhow::Result<ExitCode> {
    let program = static_program("softstop", "softstop")?;
    let program = format!("--program={}", program.display());
    // Only what is measured has to be fast.
    let args = ["--profile", "dev", "--bench", "memory", "--", &program];
    run(args, "docs/benchmarks-memory.md")
}

/// The page is what the benchmark prints, also where a goal is missed: its exit status says so.
fn run<const N: usize>(args: [&str; N], page: &str) -> anyhow::Result<ExitCode> {
    let output = Command::new(env!("CARGO"))
        .arg("bench")
        .args(args)
        .current_dir(crate::root()?)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    println!("{printed}");
    ensure!(!printed.is_empty(), "the benchmark ended before its time");
    crate::write(page, &printed)?;
    Ok(if output.status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
