//! `cargo xtask effect`: what is lost without softstop, and with it.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use softstop_effect::{Mode, Outcome, ROWS, Results, Row};
use softstop_rig::{Node, NodeAssets};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Task {
    /// Rows to run, all if none; only a run of all of them writes docs/effect.md
    rows: Vec<String>,
    /// How often each row runs in each mode
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: u32,
    /// How many runs go on at the same time
    #[arg(long, value_name = "N", default_value_t = 3)]
    together: usize,
    /// Only these modes: off, annotation, policy
    #[arg(long = "mode", value_name = "MODE", value_parser = mode)]
    modes: Vec<Mode>,
    /// Name the rows and end
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(task: &Task) -> anyhow::Result<ExitCode> {
    if task.list {
        for row in ROWS {
            println!("{:24} {}: {}", row.name(), row.server.system, row.shape());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let rows = chosen(&task.rows)?;
    let node = Node::start(&NodeAssets::find_or_build()?)?;
    let modes = if task.modes.is_empty() {
        &Mode::ALL[..]
    } else {
        &task.modes
    };
    if modes != [Mode::Off] {
        softstop_effect::install(&node, &crate::image::built()?)?;
    }
    let results = softstop_effect::measure(
        &node,
        &rows,
        modes,
        task.runs,
        task.together,
        |row, mode, outcome| println!("{}", line(row, mode, outcome)),
    )?;
    println!();
    for row in &rows {
        for mode in Mode::ALL {
            if let Some(outcome) = results.get(&(row.name(), mode)) {
                println!("{}", line(row, mode, outcome));
            }
        }
    }
    if task.rows.is_empty() && task.modes.is_empty() {
        write(&rows, &results, task.runs)?;
    }
    Ok(verdict(&rows, &results))
}

fn mode(text: &str) -> Result<Mode, String> {
    let found = Mode::ALL.into_iter().find(|mode| mode.as_str() == text);
    found.ok_or_else(|| "accepted: off, annotation, policy".to_owned())
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Row>> {
    if names.is_empty() {
        return Ok(ROWS.iter().collect());
    }
    let find = |name: &String| {
        let row = ROWS.iter().find(|row| row.name() == *name);
        row.with_context(|| {
            format!("there is no row {name}; `cargo xtask effect --list` names them")
        })
    };
    names.iter().map(find).collect()
}

fn line(row: &Row, mode: Mode, outcome: &Outcome) -> String {
    format!(
        "{:24} {:10} lost {:3} of {:3} (in flight {}, late {}, interrupted {}, twice {}, stuck {}), did not start {}, broke off {}, clean-up {}, signals {:?}, exit {:?}, {:?} ms",
        row.name(),
        mode.as_str(),
        outcome.lost(),
        outcome.begun,
        outcome.in_flight,
        outcome.late,
        outcome.interrupted,
        outcome.duplicated,
        outcome.stuck,
        outcome.dead,
        outcome.broken,
        outcome.cleaned.map_or_else(
            || "-".to_owned(),
            |cleaned| format!("{cleaned}/{}", outcome.runs)
        ),
        outcome.signals,
        outcome.exits.keys().collect::<Vec<_>>(),
        outcome.took,
    )
}

fn write(rows: &[&'static Row], results: &Results, runs: u32) -> anyhow::Result<()> {
    let docs = crate::root()?.join("docs");
    let page = softstop_effect::page(rows, results, runs, &softstop_effect::versions(rows)?);
    for (name, text) in [
        ("effect.md", page),
        ("effect.svg", softstop_effect::picture(rows, results)),
    ] {
        let path = docs.join(name);
        store(&path, &text)?;
    }
    let path = crate::root()?.join("README.md");
    let readme =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = softstop_effect::systems(rows, results);
    store(
        &path,
        &with_table(&readme, &table).context("README.md has no table of the effect")?,
    )
}

fn store(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// The text with this table in the place of the one with the same first line.
fn with_table(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(table.lines().next()?)?;
    // An empty line ends a table.
    let (_, after) = rest.split_once("\n\n")?;
    Some(format!("{before}{table}\n{after}"))
}

/// Fails where something was lost that must not be, or where softstop made it worse.
fn verdict(rows: &[&'static Row], results: &Results) -> ExitCode {
    let mut good = true;
    for row in rows {
        for mode in [Mode::Annotation, Mode::Policy] {
            let (Some(off), Some(on)) = (
                results.get(&(row.name(), Mode::Off)),
                results.get(&(row.name(), mode)),
            ) else {
                continue;
            };
            if row.server.drains && !on.is_whole() {
                println!("NOT WHOLE: {} ({mode})", row.name());
                good = false;
            }
            if on.lost() > off.lost() && off.dead == 0 {
                println!("WORSE THAN WITHOUT: {} ({mode})", row.name());
                good = false;
            }
        }
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_old_one() {
        let text = "a\n\n| x |\n|---|\n| 1 |\n\nb\n\nc\n";
        let new = with_table(text, "| x |\n|---|\n| 2 |\n").unwrap();
        assert_eq!(new, "a\n\n| x |\n|---|\n| 2 |\n\nb\n\nc\n");
        assert_eq!(with_table("nothing", "| x |\n"), None);
    }
}
