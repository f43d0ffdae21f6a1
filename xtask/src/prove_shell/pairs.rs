//! Pairs of a script and what the reader makes of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use softstop_core::shell::{Outcome, insert};

use super::random::Random;
use super::runner::{OVER_THE_LIMIT, Observed, Program, Runner};
use super::shells::Shell;
use super::{Options, in_parallel, mutate, read, script};

/// How often it is said how far the proof is.
const PROGRESS: Duration = Duration::from_secs(10);

/// Runs the pairs that the options ask for.
pub(super) fn run(options: &Options, shells: &[Shell], program: &Program) -> anyhow::Result<()> {
    let tally = Tally::new();
    tally.scripts.store(options.from, Relaxed);
    let names: Vec<_> = shells.iter().map(|shell| shell.name).collect();
    let kind = if options.mutated { "mutated" } else { "random" };
    let seed = options.seed;
    println!("prove-shell: {kind}, seed {seed}, on {}", names.join(" "));
    let done = thread::scope(|scope| {
        let printer = scope.spawn(|| tally.print_now_and_then(kind, seed));
        let done = in_parallel(program, |runner| work(options, shells, &tally, runner));
        tally.done.store(true, Relaxed);
        printer.thread().unpark();
        done
    });
    println!("prove-shell: {kind}, seed {seed}: {}", tally.text());
    done?;
    match tally.differences.load(Relaxed) {
        0 => Ok(()),
        differences => bail!("{differences} differences"),
    }
}

struct Tally {
    started: Instant,
    scripts: AtomicU64,
    pairs: AtomicU64,
    declared: AtomicU64,
    unstable: AtomicU64,
    over_the_limit: AtomicU64,
    differences: AtomicU64,
    done: AtomicBool,
}

impl Tally {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            scripts: AtomicU64::new(0),
            pairs: AtomicU64::new(0),
            declared: AtomicU64::new(0),
            unstable: AtomicU64::new(0),
            over_the_limit: AtomicU64::new(0),
            differences: AtomicU64::new(0),
            done: AtomicBool::new(false),
        }
    }

    fn print_now_and_then(&self, kind: &str, seed: u64) {
        let mut next = PROGRESS;
        while !self.done.load(Relaxed) {
            thread::park_timeout(next.saturating_sub(self.started.elapsed()));
            if self.started.elapsed() >= next {
                println!("prove-shell: {kind}, seed {seed}: {}", self.text());
                next += PROGRESS;
            }
        }
    }

    fn text(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let pairs = self.pairs.load(Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = pairs as f64 / seconds;
        format!(
            "{pairs} pairs, {} differences, {} declared harmless, {} unstable, {} over the limit; {seconds:.0} s, {rate:.0} pairs/s",
            self.differences.load(Relaxed),
            self.declared.load(Relaxed),
            self.unstable.load(Relaxed),
            self.over_the_limit.load(Relaxed),
        )
    }
}

/// Takes the next numbers until enough pairs have run.
fn work(options: &Options, shells: &[Shell], tally: &Tally, runner: &Runner) -> anyhow::Result<()> {
    let add = |count: &AtomicU64| _ = count.fetch_add(1, Relaxed);
    while tally.pairs.load(Relaxed) < options.pairs {
        let number = tally.scripts.fetch_add(1, Relaxed);
        let mut random = Random::new(options.seed, number);
        let shell = shells.get(random.below(shells.len())).context("no shell")?;
        let script = script(&mut random, shell.dialect, options.mutated);
        if script.starts_with(['-', '+']) {
            // Behind `-c` these are options, and no script.
            continue;
        }
        let place = format!("{} (seed {}, script {number})", shell.name, options.seed);
        let outcome = read(&script, shell.dialect).outcome;
        if options.grammar {
            // `ksh93 -n` calls words with an unmatched `[` an error, which ksh93 runs all the same.
            if !matches!(outcome, Outcome::Refused(_)) && shell.name != "ksh93" {
                add(&tally.pairs);
                if !runner.accepts(shell, &script)? {
                    add(&tally.differences);
                    println!("SYNTAX ERROR in {place}:\n{script}\n--");
                }
            }
            continue;
        }
        let Outcome::Exec(offsets) = outcome else {
            continue;
        };
        add(&tally.pairs);
        match compare(runner, shell, &script, &insert(&script, &offsets))? {
            Verdict::Equal => {}
            Verdict::Declared => add(&tally.declared),
            Verdict::Unstable => add(&tally.unstable),
            Verdict::OverTheLimit => {
                add(&tally.over_the_limit);
                println!("OVER THE LIMIT in {place}, as it is and rewritten:\n{script}\n--");
            }
            Verdict::Differs(_) => {
                let real = report(runner, shell, &script, &place)?;
                add(if real {
                    &tally.differences
                } else {
                    &tally.unstable
                });
            }
        }
    }
    Ok(())
}

/// What comes of a pair.
pub(super) enum Verdict {
    Equal,
    /// A difference that is known and harmless.
    Declared,
    /// What differed once is also seen the other way round: a race within the script.
    Unstable,
    /// Neither ended in time.
    OverTheLimit,
    Differs(Box<(Observed, Observed)>),
}

/// How often a difference has to show again.
const AGAIN: usize = 3;

/// How often both are run before a script that is unstable by itself is said to differ nevertheless.
const UNSTABLE: usize = 10;

/// Runs a pair. What looks like a difference is one if it shows each time it is run again. Where the original is not even
/// equal to itself, it is one if no result of the rewritten script is ever a result of the original.
pub(super) fn compare(
    runner: &Runner,
    shell: &Shell,
    original: &str,
    rewritten: &str,
) -> anyhow::Result<Verdict> {
    let before = runner.run(shell, original)?;
    let after = runner.run(shell, rewritten)?;
    if before.status == OVER_THE_LIMIT && after.status == OVER_THE_LIMIT {
        return Ok(Verdict::OverTheLimit);
    }
    if before == after {
        return Ok(Verdict::Equal);
    }
    let mut befores = vec![before];
    let mut afters = vec![after];
    while befores.len() <= UNSTABLE {
        befores.push(runner.run(shell, original)?);
        afters.push(runner.run(shell, rewritten)?);
        if afters.iter().any(|after| befores.contains(after)) {
            return Ok(Verdict::Unstable);
        }
        let stable = befores.iter().all(|before| *before == befores[0]);
        if stable && befores.len() > AGAIN {
            break;
        }
    }
    let (before, after) = (befores.swap_remove(0), afters.swap_remove(0));
    Ok(if declared(shell, original, &before, &after) {
        Verdict::Declared
    } else {
        Verdict::Differs(Box::new((before, after)))
    })
}

/// Differences that were measured and do not matter: only what a command does that cannot run.
fn declared(shell: &Shell, original: &str, before: &Observed, after: &Observed) -> bool {
    let statuses = (before.status, after.status);
    let mut rest = before.clone();
    rest.status = after.status;
    if rest == *after {
        return match shell.name {
            // The missing program's name is a directory.
            _ if statuses == (127, 126) => true,
            // An assignment to a readonly variable in front of a program that is missing or not.
            "bash-as-sh" if statuses == (1, 127) => original.contains("readonly"),
            // A missing program with a pipeline in its arguments that has a missing program, too.
            "ksh93" => statuses == (127, 255) && original.contains('|'),
            _ => false,
        };
    }
    // A shell of the script's own is PID 1 now, and says so. And the machine's disks fill while scripts run.
    let names_itself = original.contains("$$") && original.contains("sh -");
    let mut words = original.split(|c: char| !c.is_ascii_alphanumeric());
    if names_itself || words.any(|word| word == "df") {
        return before.without_numbers() == after.without_numbers();
    }
    // ksh93 looks for the program and opens its redirections before it runs a substitution in an assignment; behind
    // `exec`, after that. It shows where either fails.
    let assigns = original.contains("=$(") || original.contains("=`");
    let runs: Vec<_> = after.runs.lines().collect();
    shell.name == "ksh93"
        && statuses.0 == statuses.1
        && statuses.0 != 0
        && before.stdout == after.stdout
        && assigns
        && before.runs.lines().all(|line| runs.contains(&line))
}

/// Prints a difference, made as small as it stays one; false if it is not seen again.
fn report(runner: &Runner, shell: &Shell, script: &str, place: &str) -> anyhow::Result<bool> {
    let differs = |script: &str| -> anyhow::Result<Option<Box<(Observed, Observed)>>> {
        let Outcome::Exec(offsets) = read(script, shell.dialect).outcome else {
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
    let Some(pair) = differs(&script)? else {
        println!("NOT SEEN AGAIN: a difference in {place}");
        return Ok(false);
    };
    let seen = pair.0.against(&pair.1);
    println!("DIFFERENCE in {place}:\n{script}\n--\n{seen}");
    Ok(true)
}
