//! The one annotation that softstop leaves on a pod: verdicts and codes, never argv or environment.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::Verdict;
use crate::decide::Decision;
use crate::observe::Observed;
use crate::plan::Change;

/// The annotation's longest value, in bytes.
const LONGEST: usize = 2048;

/// Room for the codes and the note on what is left out.
const RESERVED: usize = 512;

/// `web=exec worker=direct; SS101 SS301 SS401`
pub(super) fn status(
    containers: &[Observed<'_>],
    decisions: &[Decision],
    changes: &[Change],
) -> String {
    let mut text = String::new();
    for (index, (container, decision)) in containers.iter().zip(decisions).enumerate() {
        let entry = format!("{}={}", container.name, decision.verdict.as_str());
        if text.len() + entry.len() > LONGEST - RESERVED {
            let _ = write!(text, " +{} more", containers.len() - index);
            break;
        }
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&entry);
    }
    if decisions
        .iter()
        .any(|decision| matches!(decision.verdict, Verdict::Init | Verdict::Hook))
    {
        text.push_str("; softstop-init injected");
    }
    let codes: BTreeSet<_> = changes.iter().filter_map(|change| change.code).collect();
    text.push(';');
    for code in codes {
        let _ = write!(text, " {code}");
    }
    text
}
