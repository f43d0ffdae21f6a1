//! `softstop explain`: the page of a finding, or the list of them all.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use softstop_core::rules::{self, Rule};

/// Print a finding's page, or list them all.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  softstop explain\n  softstop explain SS101\n  softstop explain shell-swallows-signal"
)]
pub(super) struct Args {
    /// A code (SS101) or a name; without one, all are listed
    code: Option<String>,
}

/// Runs it.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let text = match args.code {
        None => list(rules::all()),
        Some(wanted) => match rules::find(&wanted) {
            Some(rule) => page(rule),
            None => bail!(
                "there is no finding \"{wanted}\"{}; softstop explain lists them all",
                hint(&wanted)
            ),
        },
    };
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        // Nobody listening any more is as good as written.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn list(rules: &[&Rule]) -> String {
    let width = rules
        .iter()
        .map(|rule| rule.name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for rule in rules {
        let severity = rule.severity.as_str();
        let _ = writeln!(
            text,
            "{}  {severity:<7}  {:<width$}  {}",
            rule.code, rule.name, rule.summary
        );
    }
    text
}

fn page(rule: &Rule) -> String {
    format!(
        "# {} {} ({})\n\n{}\n",
        rule.code,
        rule.name,
        rule.severity.as_str(),
        rule.page.trim_end()
    )
}

/// What may have been meant.
fn hint(wanted: &str) -> String {
    let wanted = wanted.to_lowercase();
    let near = |text: &str| {
        let text = text.to_lowercase();
        distance(&wanted, &text) <= 1 + text.len() / 6
            || (wanted.len() > 3 && text.contains(&wanted))
    };
    let close: Vec<_> = rules::all()
        .iter()
        .filter(|rule| near(rule.code.0) || near(rule.name))
        .map(|rule| format!("{} {}", rule.code, rule.name))
        .take(5)
        .collect();
    if close.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", close.join(", "))
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("ss101", "ss101", 0),
            ("ss102", "ss101", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
