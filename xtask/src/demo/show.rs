//! What came of a pod, for people.

use std::env;
use std::io::{IsTerminal as _, stdout};
use std::path::Path;

use serde_json::Value;
use similar::TextDiff;
use softstop_core::rules;

use super::Outcome;

pub(super) fn outcome(outcome: &Outcome, root: &Path) {
    let Outcome {
        file,
        before,
        after,
        audit,
        warnings,
    } = outcome;
    let file = file.strip_prefix(root).unwrap_or(file).display();
    let words = |wanted: &str| {
        // The API server puts the webhook's name in front.
        let mut entries = audit
            .iter()
            .filter(|(key, _)| key.rsplit('/').next() == Some(wanted));
        entries
            .next()
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
            .split(' ')
            .filter(|word| !word.is_empty())
    };

    println!("{}", style(&format!("{file}"), BOLD));
    for verdict in words("verdicts") {
        println!(
            "  {}",
            verdict.replacen('=', ": ", 1).replacen('/', ", ", 1)
        );
    }
    for code in words("changes") {
        println!("  repairs {code} {}", summary(code));
    }
    for warning in warnings {
        println!("  {} {warning}", style("warning", YELLOW));
    }
    println!("{}\n", diff(before, after));
}

fn summary(code: &str) -> &'static str {
    rules::find(code).map_or("", |rule| rule.summary)
}

/// A unified diff of the pod as YAML.
fn diff(before: &Value, after: &Value) -> String {
    let yaml = |pod: &Value| serde_saphyr::to_string(pod).unwrap_or_else(|_| format!("{pod:#}\n"));
    let diff = TextDiff::from_lines(yaml(before), yaml(after))
        .unified_diff()
        .context_radius(2)
        .to_string();
    let lines = diff.lines().map(|line| match line.as_bytes().first() {
        Some(b'+') => style(line, GREEN),
        Some(b'-') => style(line, RED),
        _ => line.to_owned(),
    });
    let indented: Vec<_> = lines.map(|line| format!("  {line}")).collect();
    indented.join("\n")
}

const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

fn style(text: &str, code: &str) -> String {
    if stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
