//! Proves on real shells that inserting `exec` changes nothing: random programs, and mutations of them, are run
//! as they are and as the reader rewrites them, each as PID 1 of namespaces of its own.

mod faults;
mod generate;
mod matrix;
mod mutate;
mod random;
mod runner;
mod shells;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use anyhow::{Context as _, bail};
use softstop_core::shell::{Dialect, Outcome, Reading, insert, read};

use generate::program;
use mutate::mutate;
use random::Random;
use runner::{Observed, Runner};
use shells::Shell;

const USAGE: &str = "\
usage: cargo xtask prove-shell [--pairs N] [--seed S] [--mutated] [--shells dash,bash,...] [--grammar | --matrix | --faults]

  --pairs N    how many pairs original/rewritten to run (default 2000)
  --seed S     where the random numbers start (default: the time)
  --mutated    break the programs by one to three edits first
  --shells     only these (default: every one that is installed)
  --grammar    only ask the shells whether they find the grammar right, too
  --matrix     run each construct instead: equal, program PID 1, TERM once, exits by itself
  --faults     follow deliberately wrong rules instead, and fail unless each is caught";

/// What the command line asks for.
#[expect(clippy::struct_excessive_bools, reason = "one per switch")]
struct Options {
    pairs: u64,
    seed: u64,
    mutated: bool,
    faults: bool,
    matrix: bool,
    grammar: bool,
    shells: Option<String>,
}

impl Options {
    fn parse(args: &[String]) -> anyhow::Result<Option<Self>> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let mut options = Self {
            pairs: 2_000,
            seed: now.as_secs(),
            mutated: false,
            faults: false,
            matrix: false,
            grammar: false,
            shells: None,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || {
                args.next()
                    .with_context(|| format!("{arg} needs a value\n{USAGE}"))
            };
            match arg.as_str() {
                "--pairs" => options.pairs = value()?.parse().context("--pairs needs a number")?,
                "--seed" => options.seed = value()?.parse().context("--seed needs a number")?,
                "--shells" => options.shells = Some(value()?.clone()),
                "--grammar" => options.grammar = true,
                "--matrix" => options.matrix = true,
                "--mutated" => options.mutated = true,
                "--faults" => options.faults = true,
                "--help" => return Ok(None),
                _ => bail!("{arg} is no option\n{USAGE}"),
            }
        }
        Ok(Some(options))
    }
}

/// Runs the proof; fails at the first difference that is not declared harmless.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let Some(options) = Options::parse(args)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let shells = shells::installed(options.shells.as_deref())?;
    let Some(runner) = Runner::new()? else {
        println!(
            "prove-shell: SKIPPED: this machine lets nobody make PID namespaces (unshare failed)"
        );
        return Ok(());
    };
    if options.matrix {
        return matrix::run(&runner, &shells);
    }
    if options.faults {
        return faults::run(&runner, &shells, options.seed, options.pairs);
    }
    let started = Instant::now();
    let tally = Tally::default();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| scope.spawn(|| work(&options, &shells, &tally)))
            .collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok(())
    })?;
    let differences = tally.differences.load(Relaxed);
    println!(
        "prove-shell: seed {}, {} {} programs, {} pairs on {}: {differences} differences, {} declared harmless, {:.0} s",
        options.seed,
        tally.scripts.load(Relaxed),
        if options.mutated { "mutated" } else { "random" },
        tally.pairs.load(Relaxed),
        shells
            .iter()
            .map(|shell| shell.name)
            .collect::<Vec<_>>()
            .join(" "),
        tally.declared.load(Relaxed),
        started.elapsed().as_secs_f64(),
    );
    if differences > 0 {
        bail!("{differences} differences");
    }
    Ok(())
}

/// Runs in parallel: a script that hangs until its time is up takes no processor.
const WORKERS: usize = 3;

#[derive(Default)]
struct Tally {
    scripts: AtomicU64,
    pairs: AtomicU64,
    declared: AtomicU64,
    differences: AtomicU64,
}

/// Takes the next numbers until enough pairs have run. A script depends on the seed and its number alone.
fn work(options: &Options, shells: &[Shell], tally: &Tally) -> anyhow::Result<()> {
    let Some(runner) = Runner::new()? else {
        return Ok(());
    };
    while tally.pairs.load(Relaxed) < options.pairs {
        let mut random = Random::new(options.seed, tally.scripts.fetch_add(1, Relaxed));
        let shell = shells.get(random.below(shells.len())).context("no shell")?;
        let script = script(&mut random, shell.dialect, options.mutated);
        let Outcome::Exec(offsets) = read(&script, shell.dialect).outcome else {
            continue;
        };
        tally.pairs.fetch_add(1, Relaxed);
        if options.grammar {
            if !runner.accepts(shell, &script)? {
                tally.differences.fetch_add(1, Relaxed);
                println!(
                    "SYNTAX ERROR in {} (seed {}):\n{script}\n--",
                    shell.name, options.seed
                );
            }
            continue;
        }
        match compare(&runner, shell, &script, &insert(&script, &offsets))? {
            Verdict::Equal => {}
            Verdict::Declared => _ = tally.declared.fetch_add(1, Relaxed),
            Verdict::Differs(_) => {
                tally.differences.fetch_add(1, Relaxed);
                report(&runner, shell, &script, options.seed)?;
            }
        }
    }
    Ok(())
}

/// The next script.
fn script(random: &mut Random, dialect: Dialect, mutated: bool) -> String {
    let mut script = program(random, dialect);
    if mutated {
        while script.len() > 200 {
            script = program(random, dialect);
        }
        script = mutate(random, &script);
    }
    script
}

/// What comes of a pair.
enum Verdict {
    Equal,
    /// A difference that is known and harmless.
    Declared,
    Differs(Box<(Observed, Observed)>),
}

/// Runs a pair; what looks like a difference is run again, so that a race is not taken for one.
fn compare(
    runner: &Runner,
    shell: &Shell,
    original: &str,
    rewritten: &str,
) -> anyhow::Result<Verdict> {
    let before = runner.run(shell, original)?;
    let after = runner.run(shell, rewritten)?;
    if before == after {
        return Ok(Verdict::Equal);
    }
    if declared(shell, original, &before, &after) {
        return Ok(Verdict::Declared);
    }
    let mut befores = vec![before.clone()];
    let mut afters = vec![after.clone()];
    for _ in 0..6 {
        befores.push(runner.run(shell, original)?);
        afters.push(runner.run(shell, rewritten)?);
        if afters.iter().any(|after| befores.contains(after)) {
            return Ok(Verdict::Equal);
        }
    }
    Ok(Verdict::Differs(Box::new((before, after))))
}

/// Differences that were measured and do not matter: only which failure a command ends with that cannot run.
fn declared(shell: &Shell, original: &str, before: &Observed, after: &Observed) -> bool {
    if (Observed {
        status: after.status,
        ..before.clone()
    }) != *after
    {
        return false;
    }
    let statuses = (before.status, after.status);
    match shell.name {
        // The missing program's name is a directory of the current one.
        "bash" | "bash-as-sh" if statuses == (127, 126) => true,
        // An assignment to a readonly variable in front of a program that is missing or not.
        "bash-as-sh" if statuses == (1, 127) => original.contains("readonly"),
        _ => false,
    }
}

/// Prints a difference, made as small as it stays one.
fn report(runner: &Runner, shell: &Shell, script: &str, seed: u64) -> anyhow::Result<()> {
    let differs = |script: &str| -> anyhow::Result<Option<Box<(Observed, Observed)>>> {
        let Reading {
            outcome: Outcome::Exec(offsets),
            ..
        } = read(script, shell.dialect)
        else {
            return Ok(None);
        };
        match compare(runner, shell, script, &insert(script, &offsets))? {
            Verdict::Differs(pair) => Ok(Some(pair)),
            _ => Ok(None),
        }
    };
    let script = mutate::minimise(script, |smaller| {
        differs(smaller).map(|found| found.is_some())
    })?;
    println!("DIFFERENCE in {} (seed {seed}):\n{script}\n--", shell.name);
    if let Some(pair) = differs(&script)? {
        println!("{}", pair.0.against(&pair.1));
    }
    Ok(())
}
