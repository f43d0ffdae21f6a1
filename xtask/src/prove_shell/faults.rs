//! Rules that are wrong on purpose: the proof has to be able to see each of them.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use softstop_core::shell::{Command, Outcome, Reading, Reason, Refusal, insert, is_builtin};

use super::pairs::{Verdict, compare};
use super::random::Random;
use super::runner::{Program, Runner};
use super::shells::Shell;
use super::{in_parallel, read, script};

/// A wrong rule: where it would insert, if it has an opinion.
struct Fault {
    name: &'static str,
    insertions: fn(&str, &Reading) -> Option<Vec<usize>>,
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "exec in a pipeline",
        insertions: |_, r| last_of(r, Reason::Pipeline, |c| c.piped),
    },
    Fault {
        name: "exec before a pipeline",
        insertions: |_, r| first_of(r, Reason::Pipeline, |c| c.piped),
    },
    Fault {
        name: "negation ignored",
        insertions: |_, r| last_of(r, Reason::Negated, any),
    },
    Fault {
        name: "subshells looked into",
        insertions: |_, r| first_of(r, Reason::Subshell, any),
    },
    Fault {
        name: "loops looked into",
        insertions: |_, r| last_of(r, Reason::Loop, any),
    },
    Fault {
        name: "traps ignored",
        insertions: |_, r| last_of(r, Reason::Trap, |c| c.tail),
    },
    Fault {
        name: "aliases ignored",
        insertions: |_, r| last_of(r, Reason::ChangesShell, |c| c.tail),
    },
    Fault {
        name: "computed names taken",
        insertions: |_, r| {
            tail_named(r, Reason::ComputedName, |c| {
                c.words[0].text.starts_with(['$', '"'])
            })
        },
    },
    Fault {
        name: "what follows ignored",
        insertions: |_, r| last_of(r, Reason::NotInTailPosition, any),
    },
    Fault {
        name: "conditions looked into",
        insertions: |_, r| first_of(r, Reason::NotInTailPosition, any),
    },
    Fault {
        name: "functions called twice",
        insertions: |_, r| first_of(r, Reason::FunctionCall, any),
    },
    Fault {
        name: "functions taken for programs",
        insertions: |_, r| last_of(r, Reason::FunctionCall, |_| true),
    },
    Fault {
        name: "&& and || ignored",
        insertions: before_and_or,
    },
    Fault {
        name: "every command",
        insertions: |_, r| proven(r).map(|_| externals(r).map(|c| c.at).collect()),
    },
    Fault {
        name: "the first command",
        insertions: |_, r| {
            proven(r)
                .and_then(|_| externals(r).next())
                .map(|c| vec![c.at])
        },
    },
    Fault {
        name: "builtins taken for programs",
        insertions: |_, r| tail_builtin(r),
    },
    Fault {
        name: "one byte too far",
        insertions: |_, r| proven(r).map(|at| vec![at[0] + 1]),
    },
    Fault {
        name: "before assignments",
        insertions: before_assignments,
    },
    Fault {
        name: "characters for bytes",
        insertions: characters_for_bytes,
    },
    Fault {
        name: "command -p taken",
        insertions: |_, r| last_of(r, Reason::CommandOption, any),
    },
    Fault {
        name: "background lists taken",
        insertions: |_, r| last_of(r, Reason::BackgroundJob, any),
    },
    Fault {
        name: "eval ignored",
        insertions: |_, r| last_of(r, Reason::Eval, |c| c.tail),
    },
    Fault {
        name: "any sourced file trusted",
        insertions: |_, r| last_of(r, Reason::SourcedFile, |c| c.tail),
    },
];

fn any(command: &Command) -> bool {
    external(command)
}

fn external(command: &Command) -> bool {
    !command.exec && command.words[0].known && !is_builtin(&command.words[0].text)
}

fn externals(reading: &Reading) -> impl Iterator<Item = &Command> {
    reading.commands.iter().filter(|command| external(command))
}

fn refused(reading: &Reading, reason: Reason) -> Option<()> {
    matches!(&reading.outcome, Outcome::Refused(Refusal { reason: found, .. }) if *found == reason)
        .then_some(())
}

fn proven(reading: &Reading) -> Option<&[usize]> {
    match &reading.outcome {
        Outcome::Exec(offsets) => Some(offsets),
        _ => None,
    }
}

fn last_of(reading: &Reading, reason: Reason, wanted: fn(&Command) -> bool) -> Option<Vec<usize>> {
    refused(reading, reason)?;
    externals(reading)
        .filter(|command| wanted(command))
        .last()
        .map(|command| vec![command.at])
}

fn first_of(reading: &Reading, reason: Reason, wanted: fn(&Command) -> bool) -> Option<Vec<usize>> {
    refused(reading, reason)?;
    externals(reading)
        .find(|command| wanted(command))
        .map(|command| vec![command.at])
}

fn tail_named(
    reading: &Reading,
    reason: Reason,
    wanted: fn(&Command) -> bool,
) -> Option<Vec<usize>> {
    refused(reading, reason)?;
    reading
        .commands
        .iter()
        .rfind(|command| !command.exec && wanted(command))
        .map(|command| vec![command.at])
}

fn tail_builtin(reading: &Reading) -> Option<Vec<usize>> {
    let tail = reading
        .commands
        .iter()
        .rfind(|command| command.tail && !command.exec)?;
    is_builtin(&tail.words[0].text).then(|| vec![tail.at])
}

fn before_and_or(text: &str, reading: &Reading) -> Option<Vec<usize>> {
    let last = *proven(reading)?.first()?;
    let left = externals(reading)
        .filter(|command| command.at < last)
        .last()?;
    text[left.at..last]
        .contains(['&', '|'])
        .then(|| vec![left.at])
}

fn before_assignments(text: &str, reading: &Reading) -> Option<Vec<usize>> {
    let at = *proven(reading)?.first()?;
    let command = reading.commands.iter().find(|command| command.at == at)?;
    let (name, _) = command.assignments.first()?;
    text[..at].rfind(&format!("{name}=")).map(|at| vec![at])
}

fn characters_for_bytes(text: &str, reading: &Reading) -> Option<Vec<usize>> {
    let at = *proven(reading)?.first()?;
    let wrong = text.get(..at)?.chars().count();
    (wrong != at && text.is_char_boundary(wrong)).then(|| vec![wrong])
}

/// Follows each wrong rule until it shows, or until so many pairs have not shown it.
pub(super) fn run(
    shells: &[Shell],
    program: &Program,
    seed: u64,
    pairs: u64,
) -> anyhow::Result<()> {
    let missed = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    in_parallel(program, |runner| {
        while let Some(fault) = FAULTS.get(next.fetch_add(1, Relaxed)) {
            if let Some((pair, shell)) = caught(runner, shells, fault, seed, pairs)? {
                println!("caught  {:32} by pair {pair}, in {shell}", fault.name);
            } else {
                println!("MISSED  {}", fault.name);
                missed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(fault.name);
            }
        }
        Ok(())
    })?;
    let missed = missed.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "prove-shell: seed {seed}: {} of {} wrong rules caught",
        FAULTS.len() - missed.len(),
        FAULTS.len()
    );
    if missed.is_empty() {
        Ok(())
    } else {
        bail!("not caught: {}", missed.join(", "))
    }
}

fn caught(
    runner: &Runner,
    shells: &[Shell],
    fault: &Fault,
    seed: u64,
    pairs: u64,
) -> anyhow::Result<Option<(u64, &'static str)>> {
    let mut pair = 0;
    for number in 0..pairs.saturating_mul(100) {
        let mut random = Random::new(seed, number);
        let shell = &shells[random.below(shells.len())];
        let script = script(&mut random, shell.dialect, false);
        let Some(offsets) = (fault.insertions)(&script, &read(&script, shell.dialect)) else {
            continue;
        };
        pair += 1;
        if let Verdict::Differs(_) = compare(runner, shell, &script, &insert(&script, &offsets))? {
            return Ok(Some((pair, shell.name)));
        }
        if pair >= pairs {
            break;
        }
    }
    Ok(None)
}
