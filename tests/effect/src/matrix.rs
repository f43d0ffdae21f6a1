//! `docs/effect-matrix.md`: each program in each form.

use std::fmt::Write as _;

use crate::form::Form;
use crate::programs::LEFT_OUT;
use crate::row::{Row, Server};
use crate::{Mode, Outcome, Results, total};

/// The words around the table.
const TEMPLATE: &str = include_str!("matrix.md");

/// The page, of these rows, each measured `runs` times in each mode. `versions` names the software.
pub fn matrix_page(rows: &[&Row], results: &Results, runs: u32, versions: &str) -> String {
    let runs = match runs {
        1 => "one run".to_owned(),
        runs => format!("{runs} runs"),
    };
    TEMPLATE
        .replace("{{sum}}", &sum(rows, results))
        .replace("{{table}}", &table(rows, results))
        .replace("{{left_out}}", &left_out())
        .replace("{{runs}}", &runs)
        .replace("{{versions}}", versions.trim())
}

/// A line for each program, a column for each form, both in the rows' order.
fn table(rows: &[&Row], results: &Results) -> String {
    let mut servers: Vec<&Server> = Vec::new();
    let mut forms: Vec<Form> = Vec::new();
    for row in rows {
        if !servers.iter().any(|server| server.name == row.server.name) {
            servers.push(row.server);
        }
        if !forms.contains(&row.form) {
            forms.push(row.form);
        }
    }
    let mut text = String::from("| program | can drain |");
    for form in &forms {
        let _ = write!(text, " {} |", form.shape());
    }
    let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(forms.len()));
    for server in servers {
        let drains = if server.drains { "yes" } else { "no" };
        let _ = write!(
            text,
            "| {} | {drains} |",
            server.with_variant(server.system)
        );
        for form in &forms {
            let row = rows
                .iter()
                .find(|row| row.server.name == server.name && row.form == *form);
            let cell = row.map_or_else(String::new, |row| cell(row, results));
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text
}

/// All cells, added up.
fn sum(rows: &[&Row], results: &Results) -> String {
    let side = |mode| {
        let sum = total(rows.iter().copied(), results, mode).unwrap_or_default();
        format!("{} of {}", sum.lost(), sum.begun)
    };
    format!(
        "All {} cells together: lost **{}** without softstop, **{}** with it.",
        rows.len(),
        side(Mode::Off),
        side(Mode::Annotation)
    )
}

fn left_out() -> String {
    let mut text = String::from("| profile | why not |\n|---|---|\n");
    for (profile, why) in LEFT_OUT {
        let _ = writeln!(text, "| {profile} | {why} |");
    }
    text
}

fn cell(row: &Row, results: &Results) -> String {
    let side = |mode| results.get(&(row.name(), mode)).map(brief);
    match (side(Mode::Off), side(Mode::Annotation)) {
        (Some(off), Some(on)) => format!("{off} → {on}"),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

fn brief(outcome: &Outcome) -> String {
    if outcome.broken > 0 {
        "broke off".to_owned()
    } else if outcome.dead > 0 {
        "does not start".to_owned()
    } else if outcome
        .cleaned
        .is_some_and(|cleaned| cleaned < outcome.runs)
    {
        format!("{}/{}, no clean-up", outcome.lost(), outcome.begun)
    } else {
        format!("{}/{}", outcome.lost(), outcome.begun)
    }
}
