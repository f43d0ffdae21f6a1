//! Proves on real shells that inserting `exec` changes nothing: random programs, and mutations of them, are run
//! as they are and as the reader rewrites them, each as PID 1 of namespaces of its own.

mod faults;
mod generate;
mod matrix;
mod mutate;
mod pairs;
mod random;
mod runner;
mod shells;

use std::thread;

use anyhow::{Context as _, bail};
use softstop_core::shell::{Dialect, Reading, SourcedFiles, read_with};

use generate::program;
use mutate::mutate;
use random::Random;
use runner::{Program, Runner};

const USAGE: &str = "\
usage: cargo xtask prove-shell [--pairs N] [--seed S] [--mutated] [--shells dash,bash,...] [--grammar | --matrix | --faults]

  --pairs N    how many pairs original/rewritten to run (default 2000)
  --seed S     where the random numbers start (default: the time)
  --from N     the number of the first script (default 0): with --pairs 1, the one of a report
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
    from: u64,
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
            from: 0,
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
                "--from" => options.from = value()?.parse().context("--from needs a number")?,
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

/// What `cargo xtask test` runs: each construct, 2,000 pairs, half of them mutated, half of them with a seed of their own,
/// what the shells think of the grammar, and the wrong rules.
pub(crate) fn in_short() -> anyhow::Result<()> {
    const SEED: &str = "9";
    run_words("--matrix")?;
    for kind in ["", "--mutated"] {
        for seed in [&format!("--seed {SEED}"), ""] {
            run_words(&format!("--pairs 500 {seed} {kind}"))?;
        }
        run_words(&format!("--grammar --pairs 500 {kind}"))?;
    }
    run_words(&format!("--faults --seed {SEED}"))
}

fn run_words(line: &str) -> anyhow::Result<()> {
    let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
    run(&words)
}

/// Runs the proof; fails if there is a difference that is not declared harmless.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let Some(options) = Options::parse(args)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let shells = shells::installed(options.shells.as_deref())?;
    let program = Program::build()?;
    let able = thread::scope(|scope| scope.spawn(|| Runner::new(&program).map(drop)).join());
    if let Err(error) = able.map_err(|_| anyhow::anyhow!("the first run panicked"))? {
        println!("prove-shell: SKIPPED: this machine lets nobody make namespaces: {error:#}");
        return Ok(());
    }
    if options.matrix {
        matrix::run(&shells, &program)
    } else if options.faults {
        faults::run(&shells, &program, options.seed, options.pairs)
    } else {
        pairs::run(&options, &shells, &program)
    }
}

/// Runs in parallel: a script that waits takes no processor.
const WORKERS: usize = 4;

/// Does the work in several threads, each with a runner of its own.
fn in_parallel(
    program: &Program,
    work: impl Fn(&Runner) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    thread::scope(|scope| {
        let start = |_| scope.spawn(|| work(&Runner::new(program)?));
        let workers: Vec<_> = (0..WORKERS).map(start).collect();
        for worker in workers {
            let result = worker.join();
            result.map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok(())
    })
}

/// Reads a script. Whatever it sources is harmless, but for one file.
fn read(script: &str, dialect: Dialect) -> Reading {
    let sourced = if script.contains(runner::HARMFUL) {
        SourcedFiles::Unknown
    } else {
        SourcedFiles::Harmless
    };
    read_with(script, dialect, sourced)
}

/// The script of that number, which depends on the seed and the number alone.
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
