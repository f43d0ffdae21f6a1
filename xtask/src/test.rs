//! `cargo xtask test`: all checks, in the order in which they are cheapest.

mod prerequisites;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, anyhow};
use softstop_rig::{Assets, NodeAssets};

/// What came of it all.
#[derive(Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    /// Steps that are no tests: formatting, lints.
    broken: Vec<&'static str>,
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    prerequisites::provide();
    let mut tally = Tally::default();

    tally.step("formatting", ["fmt", "--all", "--check"])?;
    tally.step(
        "lints",
        [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    tally.step(
        "lints of the cluster tests",
        ["clippy", "--test", "cluster", "--", "-D", "warnings"],
    )?;
    tally.step(
        "lints of the node's tests",
        ["clippy", "--test", "node", "--", "-D", "warnings"],
    )?;
    tally.step(
        "lints of softstop-init without std",
        [
            "clippy",
            "--package",
            "softstop-init",
            "--profile",
            "tiny",
            "--features",
            "freestanding",
            "--bin",
            "softstop-init",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    tally.tests(["test", "--workspace", "--no-fail-fast"])?;
    println!("\n=== cargo xtask prove-shell");
    if let Err(error) = crate::prove_shell::in_short() {
        println!("{error:#}");
        tally.broken.push("the proof of the shell reader");
    }

    // Built here rather than by the first test that needs them, so that minutes of silence have their explanation.
    let mut skipped = Vec::new();
    match Assets::find_or_build() {
        Ok(_) => tally.tests(["test", "--test", "cluster", "--no-fail-fast"])?,
        Err(error) => skipped.push(("the tests on a real kube-apiserver", error)),
    }
    let assets = if rustix::process::geteuid().is_root() {
        NodeAssets::find_or_build()
    } else {
        Err(anyhow!(
            "they make namespaces and cgroups: run them as root"
        ))
    };
    match assets {
        Ok(_) => tally.tests(["test", "--test", "node", "--no-fail-fast"])?,
        Err(error) => skipped.push(("the tests on a real node", error)),
    }

    println!();
    for (what, reason) in &skipped {
        println!("!!! SKIPPED: {what}: {reason:#}");
    }
    for step in &tally.broken {
        println!("!!! FAILED: {step}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 && tally.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Tally {
    /// A cargo command that passes or not.
    fn step<const N: usize>(&mut self, name: &'static str, args: [&str; N]) -> anyhow::Result<()> {
        announce(&args);
        let status = cargo(&args)?.status().context("cannot run cargo")?;
        if !status.success() {
            self.broken.push(name);
        }
        Ok(())
    }

    /// A `cargo test`, whose results are counted.
    fn tests<const N: usize>(&mut self, args: [&str; N]) -> anyhow::Result<()> {
        announce(&args);
        let mut child = cargo(&args)?
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run cargo")?;
        let mut failed = 0;
        for line in BufReader::new(child.stdout.take().context("cargo has no output")?).lines() {
            let line = line.context("cannot read cargo's output")?;
            println!("{line}");
            if let Some((passed, more)) = results(&line) {
                self.passed += passed;
                failed += more;
            }
        }
        let status = child.wait().context("cannot wait for cargo")?;
        // What did not compile, or crashed, printed no result.
        self.failed += if status.success() {
            failed
        } else {
            failed.max(1)
        };
        Ok(())
    }
}

/// `test result: ok. 12 passed; 0 failed; ...` as numbers.
fn results(line: &str) -> Option<(u64, u64)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = counts.split("; ").map(|count| count.split_once(' '));
    let mut next = |name: &str| {
        counts
            .next()?
            .filter(|(_, unit)| *unit == name)?
            .0
            .parse()
            .ok()
    };
    Some((next("passed")?, next("failed")?))
}

fn cargo(args: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(env!("CARGO"));
    command.args(args).current_dir(crate::root()?);
    Ok(command)
}

fn announce(args: &[&str]) {
    println!("\n=== cargo {}", args.join(" "));
}

#[cfg(test)]
mod tests {
    use super::results;

    #[test]
    fn results_are_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.11s";
        assert_eq!(results(line), Some((12, 3)));
        assert_eq!(results("test shell::tests::results ... ok"), None);
    }
}
