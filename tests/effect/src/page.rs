//! `docs/effect.md`.

use std::fmt::Write as _;

use crate::row::{Row, START_SCRIPTS, Work};
use crate::{Mode, Outcome, Results, total};

/// The words around the tables.
const TEMPLATE: &str = include_str!("page.md");

/// The page, of these rows, each measured `runs` times in each mode. `versions` names the software.
pub fn page(rows: &[&Row], results: &Results, runs: u32, versions: &str) -> String {
    TEMPLATE
        .replace("{{systems}}", &systems(rows, results))
        .replace("{{rows}}", &table(rows, results))
        .replace("{{runs}}", &runs.to_string())
        .replace("{{versions}}", versions.trim())
}

/// One line a system: all of its rows added up; start scripts last.
pub fn systems(rows: &[&Row], results: &Results) -> String {
    let mut order = Vec::new();
    for row in rows {
        if !order.contains(&row.system()) {
            order.push(row.system());
        }
    }
    order.sort_by_key(|system| *system == START_SCRIPTS);
    let mut text = String::from(
        "| | without softstop | with softstop, by annotation | by policy |\n|---|---|---|---|\n",
    );
    for system in order {
        let cell = |mode| {
            let rows = rows.iter().copied().filter(|row| row.system() == system);
            total(rows, results, mode).map_or_else(String::new, |sum| brief(&sum))
        };
        let _ = writeln!(
            text,
            "| {system} | {} | {} | {} |",
            cell(Mode::Off),
            cell(Mode::Annotation),
            cell(Mode::Policy)
        );
    }
    text
}

fn brief(outcome: &Outcome) -> String {
    let mut text = format!("{} of {} lost", outcome.lost(), outcome.begun);
    if outcome.dead > 0 {
        let _ = write!(
            text,
            ", {} of {} pods never started",
            outcome.dead, outcome.runs
        );
    }
    if outcome.broken > 0 {
        let _ = write!(
            text,
            ", {} of {} runs broke off",
            outcome.broken, outcome.runs
        );
    }
    text
}

fn table(rows: &[&Row], results: &Results) -> String {
    let mut text = String::from(
        "| system | started by | softstop | work begun | cut off in flight | refused late | interrupted | twice | stuck | clean-up | signals | exit codes | seconds |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        for mode in Mode::ALL {
            if let Some(outcome) = results.get(&(row.name(), mode)) {
                line(&mut text, row, mode, outcome);
            }
        }
    }
    text
}

fn line(text: &mut String, row: &Row, mode: Mode, outcome: &Outcome) {
    let (system, shape) = (row.server.system, row.shape());
    let Outcome {
        runs,
        dead,
        broken,
        begun,
        in_flight,
        late,
        interrupted,
        duplicated,
        stuck,
        ..
    } = outcome;
    if *dead > 0 {
        let _ = writeln!(
            text,
            "| {system} | {shape} | {mode} | does not start ({dead} of {runs}) | | | | | | | | | |"
        );
        return;
    }
    let lacking = match broken {
        0 => String::new(),
        broken => format!(" ({broken} of {runs} runs broke off)"),
    };
    let requests = matches!(row.server.work, Work::Requests(_));
    let number = |is: bool, number: &u32| {
        if is {
            number.to_string()
        } else {
            String::new()
        }
    };
    let cleaned = outcome
        .cleaned
        .map_or_else(String::new, |cleaned| format!("{cleaned}/{runs}"));
    let signals: Vec<_> = outcome
        .signals
        .iter()
        .map(|(name, times)| format!("{times} {name}"))
        .collect();
    let exits: Vec<_> = outcome.exits.keys().map(i32::to_string).collect();
    let _ = writeln!(
        text,
        "| {system} | {shape} | {mode} | {begun}{lacking} | {} | {} | {} | {} | {} | {cleaned} | {} | {} | {} |",
        number(requests, in_flight),
        number(requests, late),
        number(!requests, interrupted),
        number(!requests, duplicated),
        number(!requests, stuck),
        signals.join(", "),
        exits.join(", "),
        seconds(&outcome.took),
    );
}

/// The least and the greatest time.
fn seconds(took: &[u64]) -> String {
    let tenths = |millis: &u64| format!("{}.{}", millis / 1000, millis % 1000 / 100);
    match (took.iter().min(), took.iter().max()) {
        (Some(least), Some(most)) if least / 100 == most / 100 => tenths(least),
        (Some(least), Some(most)) => format!("{}-{}", tenths(least), tenths(most)),
        _ => String::new(),
    }
}
