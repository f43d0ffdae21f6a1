//! `cargo xtask effect`: what is lost without softstop, and with it.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use softstop_effect::{Kept, Mode, Outcome, ROWS, Results, Row};
use softstop_rig::{Node, NodeAssets};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Task {
    /// Rows to run and print; none: all, which writes the pages
    rows: Vec<String>,
    /// Only the systems softstop was made for: writes docs/effect.md, and README.md's table
    #[arg(long, conflicts_with_all = ["matrix", "rows"])]
    systems: bool,
    /// Only every program in every form: writes docs/effect-matrix.md
    #[arg(long, conflicts_with = "rows")]
    matrix: bool,
    /// How often each row runs in each mode [default: 3, and 1 in the matrix]
    #[arg(long, value_name = "N")]
    runs: Option<u32>,
    /// How many runs go on at the same time
    #[arg(long, value_name = "N", default_value_t = 3)]
    together: usize,
    /// Only these modes: off, annotation, policy; writes nothing
    #[arg(long = "mode", value_name = "MODE", value_parser = mode)]
    modes: Vec<Mode>,
    /// Keep what comes out in this file, and do not run again what it knows: an hour's measuring can break off and go on
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Name the rows and end
    #[arg(long)]
    list: bool,
}

/// Rows that are measured together.
struct Set<'r> {
    rows: Vec<&'r Row>,
    modes: &'r [Mode],
    runs: u32,
    /// Writes the pages that tell of all of them.
    write: Option<Write>,
}

type Write = fn(&[&Row], &Results, u32) -> anyhow::Result<()>;

pub(crate) fn run(task: &Task) -> anyhow::Result<ExitCode> {
    let matrix = softstop_effect::matrix();
    if task.list {
        for row in ROWS.iter().chain(&matrix) {
            println!("{:32} {}: {}", row.name(), row.server.system, row.shape());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let sets = sets(task, &matrix)?;
    let kept = task.keep.as_deref().map(Kept::open).transpose()?;
    let node = Node::start(&NodeAssets::find_or_build()?)?;
    if task.modes != [Mode::Off] {
        softstop_effect::install(&node, &crate::image::built()?)?;
    }
    let mut good = true;
    for set in sets {
        good &= measure(&node, &set, task.together, kept.as_ref())?;
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn sets<'r>(task: &'r Task, matrix: &'r [Row]) -> anyhow::Result<Vec<Set<'r>>> {
    let set = |rows, modes, runs, write| Set {
        rows,
        modes: if task.modes.is_empty() {
            modes
        } else {
            &task.modes
        },
        runs: task.runs.unwrap_or(runs),
        write: if task.modes.is_empty() { write } else { None },
    };
    if !task.rows.is_empty() {
        return Ok(vec![set(chosen(&task.rows, matrix)?, &Mode::ALL, 3, None)]);
    }
    let mut sets = Vec::new();
    if !task.matrix {
        let write: Write = write_systems;
        sets.push(set(ROWS.iter().collect(), &Mode::ALL, 3, Some(write)));
    }
    if !task.systems {
        // What a policy changes is the same as what an annotation does: the systems' rows show that.
        let modes = &[Mode::Off, Mode::Annotation];
        let write: Write = write_matrix;
        sets.push(set(matrix.iter().collect(), modes, 1, Some(write)));
    }
    Ok(sets)
}

/// Whether all is as it must be.
fn measure(
    node: &Node,
    set: &Set<'_>,
    together: usize,
    kept: Option<&Kept>,
) -> anyhow::Result<bool> {
    let report = |row: &Row, mode: Mode, run: u32, outcome: &Outcome| {
        println!("{}", line(row, mode, outcome));
        if let Some(Err(error)) = kept.map(|kept| kept.add(&row.name(), mode, run, outcome)) {
            eprintln!("effect: {error:#}");
        }
    };
    let results =
        softstop_effect::measure(node, &set.rows, set.modes, set.runs, together, kept, report)?;
    println!();
    for row in &set.rows {
        for mode in Mode::ALL {
            if let Some(outcome) = results.get(&(row.name(), mode)) {
                println!("{}", line(row, mode, outcome));
            }
        }
    }
    if let Some(write) = set.write {
        write(&set.rows, &results, set.runs)?;
    }
    Ok(is_good(&set.rows, &results))
}

fn mode(text: &str) -> Result<Mode, String> {
    let found = Mode::ALL.into_iter().find(|mode| mode.as_str() == text);
    found.ok_or_else(|| "accepted: off, annotation, policy".to_owned())
}

fn chosen<'r>(names: &[String], matrix: &'r [Row]) -> anyhow::Result<Vec<&'r Row>> {
    let find = |name: &String| {
        let row = ROWS.iter().chain(matrix).find(|row| row.name() == *name);
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

fn write_matrix(rows: &[&Row], results: &Results, runs: u32) -> anyhow::Result<()> {
    let versions = softstop_effect::versions(rows)?;
    let page = softstop_effect::matrix_page(rows, results, runs, &versions);
    crate::write("docs/effect-matrix.md", &page)
}

fn write_systems(rows: &[&Row], results: &Results, runs: u32) -> anyhow::Result<()> {
    let page = softstop_effect::page(rows, results, runs, &softstop_effect::versions(rows)?);
    crate::write("docs/effect.md", &page)?;
    crate::write("docs/effect.svg", &softstop_effect::picture(rows, results))?;
    let path = crate::root()?.join("README.md");
    let readme =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = softstop_effect::systems(rows, results);
    let readme = with_table(&readme, &table).context("README.md has no table of the effect")?;
    crate::write("README.md", &readme)
}

/// The text with this table in the place of the one with the same first line.
fn with_table(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(table.lines().next()?)?;
    // An empty line ends a table.
    let (_, after) = rest.split_once("\n\n")?;
    Some(format!("{before}{table}\n{after}"))
}

/// Names what was lost and must not be, and where softstop made it worse; whether there is nothing to name.
fn is_good(rows: &[&Row], results: &Results) -> bool {
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
    good
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
