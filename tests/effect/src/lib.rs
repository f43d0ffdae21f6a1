//! What softstop is for, measured: real pods with the real software are deleted while they work, without softstop and with it, and what is
//! lost is counted.
//!
//! A [`Row`] is a program started in one way. [`measure`] runs rows on a [`Node`] in the given modes, in turn, some at the same time (they
//! wait most of the time); [`page`] makes `docs/effect.md` of what came out, [`picture`] the drawing in it.

mod form;
mod image;
mod install;
mod journal;
mod load;
mod manifest;
mod outcome;
mod page;
mod picture;
mod pods;
mod row;
mod rows;
mod run;
mod servers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use softstop_rig::Node;

pub use form::Form;
pub use image::versions;
pub use install::install;
pub use outcome::Outcome;
pub use page::page;
pub use picture::picture;
pub use row::{End, Mode, Row, Server, Work};
pub use rows::ROWS;

use run::Site;

/// What came out, by row and mode.
pub type Results = BTreeMap<(String, Mode), Outcome>;

/// Runs each row `runs` times in each mode, `together` runs at the same time, the modes in turn. `report` hears of each run.
///
/// The node needs softstop ([`install`]) for all modes but [`Mode::Off`].
pub fn measure(
    node: &Node,
    rows: &[&'static Row],
    modes: &[Mode],
    runs: u32,
    together: usize,
    report: impl Fn(&Row, Mode, &Outcome) + Sync,
) -> anyhow::Result<Results> {
    for image in image::needed(rows)? {
        node.import(&image)?;
    }
    let runtime = node.runtime(1)?;
    let site = Site {
        node,
        runtime: &runtime,
    };
    let queue: VecDeque<_> = (0..runs)
        .flat_map(|run| rows.iter().map(move |&row| (run, row)))
        .flat_map(|(run, row)| modes.iter().map(move |&mode| (run, row, mode)))
        .collect();
    let queue = Mutex::new(queue);
    let results = Mutex::new(Results::new());
    let work = || -> anyhow::Result<()> {
        loop {
            let next = queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            let Some((run, row, mode)) = next else {
                return Ok(());
            };
            let outcome = site
                .run(row, mode, run)
                .with_context(|| format!("run {run} of {} ({mode})", row.name()))?;
            report(row, mode, &outcome);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            *results.entry((row.name(), mode)).or_default() += outcome;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..together).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner))
}
