//! The drawing: work lost per row, without softstop and with it.

use std::fmt::Write as _;

use crate::row::Row;
use crate::{Mode, Outcome, Results};

const LABEL: u32 = 330;
const WIDTH: u32 = 420;
const LINE: u32 = 26;
const TOP: u32 = 56;

/// An SVG image: two bars a row, each as long as the share of work that was lost.
pub fn picture(rows: &[&Row], results: &Results) -> String {
    let height = TOP + LINE * u32::try_from(rows.len()).unwrap_or(0) + 12;
    let width = LABEL + WIDTH + 90;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\" font-weight=\"bold\">Work lost when a pod is deleted</text>\n\
         <rect x=\"{LABEL}\" y=\"30\" width=\"10\" height=\"10\" fill=\"#c0392b\"/><text x=\"{}\" y=\"39\">without softstop</text>\n\
         <rect x=\"{}\" y=\"30\" width=\"10\" height=\"10\" fill=\"#27ae60\"/><text x=\"{}\" y=\"39\">with softstop</text>\n",
        LABEL + 15,
        LABEL + 130,
        LABEL + 145,
    );
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + LINE * u32::try_from(index).unwrap_or(0);
        let label = format!("{}: {}", row.server.system, row.shape().replace('`', ""));
        let _ = writeln!(
            svg,
            "<text x=\"12\" y=\"{}\">{}</text>",
            y + 15,
            escaped(&label)
        );
        for (mode, color, offset) in [(Mode::Off, "#c0392b", 2), (Mode::Annotation, "#27ae60", 12)]
        {
            let Some(outcome) = results.get(&(row.name(), mode)) else {
                continue;
            };
            let bar = WIDTH * lost(outcome) / begun(outcome);
            // A bar of nothing still shows that there was a measurement.
            let _ = writeln!(
                svg,
                "<rect x=\"{LABEL}\" y=\"{}\" width=\"{}\" height=\"8\" fill=\"{color}\"/>\
                 <text x=\"{}\" y=\"{}\" font-size=\"9\">{}</text>",
                y + offset,
                bar.max(2),
                LABEL + bar.max(2) + 5,
                y + offset + 8,
                said(outcome),
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// A program that never started did none of its work.
fn lost(outcome: &Outcome) -> u32 {
    if outcome.dead > 0 {
        begun(outcome)
    } else {
        outcome.lost().min(begun(outcome))
    }
}

fn begun(outcome: &Outcome) -> u32 {
    outcome.begun.max(1)
}

fn said(outcome: &Outcome) -> String {
    if outcome.dead > 0 {
        "does not start".to_owned()
    } else {
        format!("{}/{}", outcome.lost(), outcome.begun)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
