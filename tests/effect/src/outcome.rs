//! What was lost.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// What came of one run, or of several, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How many runs.
    pub runs: u32,
    /// Runs in which the program never became ready, so that nothing could be measured.
    pub dead: u32,
    /// Runs that broke off twice, through no fault of the program's: nothing is known of them.
    pub broken: u32,
    /// Requests, tasks or jobs that were begun.
    pub begun: u32,
    /// Requests that were under way when the pod was deleted, and failed.
    pub in_flight: u32,
    /// Requests that were sent after the pod was deleted, and failed.
    pub late: u32,
    /// Tasks or jobs that were cut off.
    pub interrupted: u32,
    /// Tasks that were done twice.
    pub duplicated: u32,
    /// Tasks that nobody took up again while the test waited.
    pub stuck: u32,
    /// Runs in which the program's own clean-up ran; `None` where it has none.
    pub cleaned: Option<u32>,
    /// The signals that the program heard, and how often; empty also where it cannot say.
    pub signals: BTreeMap<String, u32>,
    /// Exit codes, and how often.
    pub exits: BTreeMap<i32, u32>,
    /// Milliseconds from the deletion to the end, of each run.
    pub took: Vec<u64>,
}

impl Outcome {
    /// Everything that should not have happened.
    pub fn lost(&self) -> u32 {
        self.in_flight + self.late + self.interrupted + self.duplicated + self.stuck
    }

    /// Whether no work was lost, and every clean-up ran.
    pub fn is_whole(&self) -> bool {
        self.lost() == 0
            && self.dead == 0
            && self.broken == 0
            && self.cleaned.is_none_or(|cleaned| cleaned == self.runs)
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.dead += other.dead;
        self.broken += other.broken;
        self.begun += other.begun;
        self.in_flight += other.in_flight;
        self.late += other.late;
        self.interrupted += other.interrupted;
        self.duplicated += other.duplicated;
        self.stuck += other.stuck;
        self.cleaned = match (self.cleaned, other.cleaned) {
            (None, None) => None,
            (mine, others) => Some(mine.unwrap_or(0) + others.unwrap_or(0)),
        };
        for (name, times) in other.signals {
            *self.signals.entry(name).or_default() += times;
        }
        for (code, times) in other.exits {
            *self.exits.entry(code).or_default() += times;
        }
        self.took.extend(other.took);
    }
}
