//! What softstop is for, measured: real pods with the real software are deleted while they work, without softstop and with it, and what is
//! lost is counted.
//!
//! A [`Row`] is a program started in one way. [`measure`] runs rows on a [`Node`] in the given modes, in turn, some at the same time (they
//! wait most of the time); [`page`] makes `docs/effect.md` of what came out, [`picture`] the drawing in it.

mod fastcgi;
mod form;
mod image;
mod install;
mod journal;
mod kept;
mod load;
mod manifest;
mod matrix;
mod outcome;
mod page;
mod picture;
mod pods;
mod postgres;
mod programs;
mod redis;
mod row;
mod rows;
mod run;
mod servers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::thread;

use softstop_rig::Node;

pub use form::Form;
pub use image::versions;
pub use install::install;
pub use kept::Kept;
pub use matrix::matrix_page;
pub use outcome::Outcome;
pub use page::{page, systems};
pub use picture::picture;
pub use row::{End, Mode, Protocol, Row, Server, Work};
pub use rows::{ROWS, matrix};

use run::Site;

/// Added to the number of a run that is done once more.
const REPEATED: u32 = 1000;

/// What came out, by row and mode.
pub type Results = BTreeMap<(String, Mode), Outcome>;

/// Runs each row `runs` times in each mode, `together` runs at the same time, the modes in turn. `report` hears of each run.
/// What `kept` knows is not run again.
///
/// A run that breaks off (no pod could be started or followed: the machine's fault, not the program's) is told to stderr and done once more, then
/// counted as [broken](Outcome::broken).
///
/// The node needs softstop ([`install`]) for all modes but [`Mode::Off`].
pub fn measure(
    node: &Node,
    rows: &[&Row],
    modes: &[Mode],
    runs: u32,
    together: usize,
    kept: Option<&Kept>,
    report: impl Fn(&Row, Mode, u32, &Outcome) + Sync,
) -> anyhow::Result<Results> {
    for image in image::needed(rows)? {
        node.import(&image)?;
    }
    let runtime = node.runtime(1)?;
    let site = Site {
        node,
        runtime: &runtime,
    };
    let all = (0..runs)
        .flat_map(|run| rows.iter().map(move |&row| (run, row)))
        .flat_map(|(run, row)| modes.iter().map(move |&mode| (run, row, mode)));
    let mut queue = VecDeque::new();
    let mut results = Results::new();
    for (run, row, mode) in all {
        match kept.and_then(|kept| kept.get(&row.name(), mode, run)) {
            Some(outcome) => *results.entry((row.name(), mode)).or_default() += outcome.clone(),
            None => queue.push_back((run, row, mode)),
        }
    }
    let queue = Mutex::new(queue);
    let results = Mutex::new(results);
    let work = || {
        let next = || {
            queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
        };
        while let Some((run, row, mode)) = next() {
            let outcome = attempt(&site, row, mode, run);
            report(row, mode, run, &outcome);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            *results.entry((row.name(), mode)).or_default() += outcome;
        }
    };
    thread::scope(|scope| {
        for _ in 0..together {
            scope.spawn(work);
        }
    });
    Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// What came of these rows in this mode, added up; `None` if none was measured.
fn total<'r>(
    rows: impl Iterator<Item = &'r Row>,
    results: &Results,
    mode: Mode,
) -> Option<Outcome> {
    let outcomes = rows.filter_map(|row| results.get(&(row.name(), mode)));
    outcomes.cloned().reduce(|mut sum, outcome| {
        sum += outcome;
        sum
    })
}

fn attempt(site: &Site<'_>, row: &Row, mode: Mode, run: u32) -> Outcome {
    // A namespace of its own each time: the first one's may not be gone yet.
    for (number, again) in [(run, true), (run + REPEATED, false)] {
        match site.run(row, mode, number) {
            Ok(outcome) => return outcome,
            Err(error) => {
                let what = if again { "; once more" } else { "" };
                eprintln!(
                    "effect: run {run} of {} ({mode}) broke off{what}: {error:#}",
                    row.name()
                );
            }
        }
    }
    Outcome {
        runs: 1,
        broken: 1,
        ..Outcome::default()
    }
}
