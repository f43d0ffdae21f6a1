//! The judgement of a pod as it will be stored: what its policy wants done about what is lost on every stop.
//!
//! The pod has been through the mutating hooks: what softstop could repair is repaired. What is still found, in every mode
//! but `off`, counts if its severity is `error`.

use std::fmt::Write as _;

use serde_json::Value;
use softstop_core::{Finding, Plan, Policy, Violations};

use super::Answer;
use super::respond::{Outcome, Reviewed, Subject, doubted};

/// Without their pods there is no cluster. The registration leaves them out; a wrong one must not stop a cluster.
const NEVER_DENIED: [&str; 3] = ["kube-system", "kube-node-lease", "kube-public"];

/// How many findings a refusal names.
const NAMED: usize = 5;

pub(super) fn validate(plan: &Plan, pod: &Value, subject: Subject) -> Reviewed {
    let allowed = Answer {
        audit: plan.audit(),
        ..Answer::allowed(&subject.uid)
    };
    let violations: Vec<_> = plan.violations().collect();
    let (policy, wanted) = match &plan.policy {
        Some(policy) if !violations.is_empty() => (policy, policy.violations),
        _ => return Reviewed::planned(plan, Outcome::Allowed, subject, allowed),
    };
    let warned = || Answer {
        warnings: plan.violation_warnings(),
        ..allowed.clone()
    };
    let (outcome, answer) = match wanted {
        Violations::Allow => (Outcome::Allowed, allowed),
        Violations::Warn => (Outcome::Warned, warned()),
        Violations::Deny if NEVER_DENIED.contains(&subject.namespace.as_str()) => {
            (Outcome::Warned, warned())
        }
        Violations::Deny => {
            if let Err(doubt) = plan.would_patch(pod) {
                // An engine that contradicts itself about this pod refuses nobody.
                (Outcome::Doubted, doubted(&doubt, &subject))
            } else {
                let denied = Some(refusal(policy, &violations));
                (Outcome::Denied, Answer { denied, ..allowed })
            }
        }
    };
    Reviewed::planned(plan, outcome, subject, answer)
}

/// What is lost, what to do about it, and who says so.
fn refusal(policy: &Policy, violations: &[&Finding]) -> String {
    let mut text = format!(
        "the pod would lose work when it is stopped, and policy {} denies that (violations: Deny)",
        policy.name
    );
    for finding in violations.iter().take(NAMED) {
        let container = finding
            .container
            .as_ref()
            .map_or_else(String::new, |name| format!(" container {name}:"));
        let _ = write!(
            text,
            "; {}{container} {}; to do: {}",
            finding.code(),
            finding.message,
            finding.fix
        );
    }
    if violations.len() > NAMED {
        let _ = write!(text, "; and {} more", violations.len() - NAMED);
    }
    let _ = write!(text, ". More: softstop explain {}", violations[0].code());
    one_line(&text)
}

/// A refusal lands in events and logs: on one line, and not without end.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 2_000;
    let clean = text.replace(char::is_control, " ");
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}
