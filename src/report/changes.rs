//! What softstop would do to a pod: the JSON Patch, and a diff of the pod as YAML.

use std::fmt::Write as _;

use serde_json::Value;
use similar::TextDiff;

use super::{Options, PodReport, text};

const ADDED: &str = "\u{1b}[32m";
const REMOVED: &str = "\u{1b}[31m";
const PLACE: &str = "\u{1b}[36m";
const RESET: &str = "\u{1b}[0m";

/// Writes what was asked for.
pub(super) fn render(pod: &PodReport, options: Options, out: &mut String) {
    if options.patch {
        let place = text::one_line(&format!("{}:{}: {}", pod.file.name, pod.at, pod.title()));
        let patch = serde_json::to_string_pretty(&patch(pod)).unwrap_or_default();
        let _ = writeln!(out, "patch for {place}\n{patch}\n");
    }
    if options.diff {
        let diff = diff(pod);
        if !diff.is_empty() {
            let diff = if options.color { colored(&diff) } else { diff };
            let _ = writeln!(out, "{diff}");
        }
    }
}

/// The JSON Patch, as the webhook sends it.
pub(super) fn patch(pod: &PodReport) -> Value {
    pod.patch.iter().map(softstop_core::Op::to_json).collect()
}

/// A unified diff of the pod as YAML; empty where nothing changes.
pub(super) fn diff(pod: &PodReport) -> String {
    let mut after = pod.pod.clone();
    let applies = serde_json::from_value::<json_patch::Patch>(patch(pod))
        .is_ok_and(|patch| json_patch::patch(&mut after, &patch).is_ok());
    if !applies || after == pod.pod {
        return String::new();
    }
    let yaml = |pod: &Value| serde_saphyr::to_string(pod).unwrap_or_else(|_| format!("{pod:#}\n"));
    let (before, after) = (yaml(&pod.pod), yaml(&after));
    let title = text::one_line(&format!("{}:{} {}", pod.file.name, pod.at, pod.title()));
    TextDiff::from_lines(&before, &after)
        .unified_diff()
        .context_radius(3)
        .header(&title, "with softstop")
        .to_string()
}

fn colored(diff: &str) -> String {
    let mut out = String::with_capacity(diff.len() + 64);
    for line in diff.split_inclusive('\n') {
        let color = match line.as_bytes().first() {
            Some(b'+') => ADDED,
            Some(b'-') => REMOVED,
            Some(b'@') => PLACE,
            _ => "",
        };
        if color.is_empty() {
            out.push_str(line);
        } else {
            let _ = writeln!(out, "{color}{}{RESET}", line.trim_end_matches('\n'));
        }
    }
    out
}
