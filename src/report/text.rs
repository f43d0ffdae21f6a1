//! Words that several formats share.

use std::fmt::Write as _;

use serde_json::Map;
use softstop_core::{Change, ContainerPlan, Finding, Mode, Op};

use super::{Counts, PodReport, Report};

/// Text of a manifest made harmless for a terminal or a log: no line breaks, no escape sequences.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// No reader wants more of a script in a note; it is in the manifest.
const ARGV_MAX: usize = 400;

/// What Kubernetes will run, as a JSON array.
pub(super) fn argv(container: &ContainerPlan) -> String {
    match &container.argv {
        Some(argv) => {
            let argv = serde_json::to_string(argv).unwrap_or_default();
            match argv.char_indices().nth(ARGV_MAX) {
                Some((cut, _)) => format!("{} ... ({} bytes)", &argv[..cut], argv.len()),
                None => argv,
            }
        }
        None => "the entrypoint of the image, which a --facts-file would tell".to_owned(),
    }
}

/// `2 findings (1 error, 1 warning; softstop repairs 2) in 3 pods; 1 file could not be read`.
pub(super) fn summary(report: &Report) -> String {
    let counts = report.counts();
    let mut text = count(counts.findings(), "finding");
    let parts = parts(counts);
    if !parts.is_empty() {
        let _ = write!(text, " ({parts})");
    }
    let _ = write!(text, " in {}", count(report.pods.len(), "pod"));
    if !report.failures.is_empty() {
        let _ = write!(
            text,
            "; {} could not be read or done",
            count(report.failures.len(), "thing")
        );
    }
    text
}

fn parts(counts: Counts) -> String {
    let severities = [
        (counts.errors, "error"),
        (counts.warnings, "warning"),
        (counts.infos, "info"),
    ];
    let severities: Vec<_> = severities
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| {
            if word == "info" {
                format!("{n} info")
            } else {
                count(n, word)
            }
        })
        .collect();
    let mut text = severities.join(", ");
    if counts.repaired > 0 {
        let _ = write!(text, "; softstop repairs {}", counts.repaired);
    }
    text
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// What softstop does about a finding: which fields it writes, and why. `None` where it does nothing.
pub(super) fn change(pod: &PodReport, finding: &Finding) -> Option<String> {
    let container = pod
        .container(finding)
        .map(|container| container.pointer.as_str());
    let changes: Vec<_> = pod
        .plan
        .changes
        .iter()
        .filter(|change| change.code == Some(finding.code()) && concerns(change, container))
        .map(|change| format!("{} ({})", fields(&change.ops), change.reason))
        .collect();
    let verb = if pod.plan.mode.value == Mode::Enforce {
        "writes"
    } else {
        "would write"
    };
    (!changes.is_empty()).then(|| format!("{verb} {}", changes.join(", ")))
}

/// Whether a change is one of this container, or of the pod as a whole.
fn concerns(change: &Change, container: Option<&str>) -> bool {
    let Some(container) = container else {
        return true;
    };
    change
        .ops
        .iter()
        .all(|op| match op.path.strip_prefix(container) {
            Some(rest) => rest.starts_with('/'),
            None => !op.path.starts_with("/spec/containers/"),
        })
}

/// The fields that operations write; parents that only have to be there are left out.
fn fields(ops: &[Op]) -> String {
    let is_parent = |op: &&Op| {
        op.value.as_object().is_some_and(Map::is_empty)
            || op.value.as_array().is_some_and(Vec::is_empty)
    };
    let paths: Vec<_> = ops
        .iter()
        .filter(|op| !is_parent(op))
        .map(|op| op.path.as_str())
        .collect();
    paths.join(", ")
}
