//! SARIF 2.1.0, the OASIS format that code scanning reads.

use std::fmt::Write as _;

use serde_json::{Value, json};
use softstop_core::Severity;
use softstop_core::rules::{self, Rule};

use super::{Diagnostic, Failure, PodReport, Report};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn render(report: &Report) -> String {
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "softstop",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules::all().iter().map(|rule| describe(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": report.diagnostics().map(|(pod, diagnostic)| result(pod, diagnostic)).collect::<Vec<_>>(),
            "invocations": [{
                "executionSuccessful": report.failures.is_empty(),
                "toolExecutionNotifications": report.failures.iter().map(notification).collect::<Vec<_>>(),
            }],
        }],
    });
    format!("{document:#}\n")
}

fn describe(rule: &Rule) -> Value {
    json!({
        "id": rule.code.0,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn result(pod: &PodReport, diagnostic: &Diagnostic) -> Value {
    let finding = &diagnostic.finding;
    let object = pod.title();
    let container = finding.container.as_deref().unwrap_or_default();
    json!({
        "ruleId": finding.code().0,
        "level": level(finding.severity),
        "message": {"text": format!("{}. Fix: {}.", finding.message, finding.fix)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&pod.file.name)},
                "region": {
                    "startLine": diagnostic.start.line,
                    "startColumn": diagnostic.start.column,
                    "endLine": diagnostic.end.line,
                    "endColumn": diagnostic.end.column,
                },
            },
            "logicalLocations": [{"name": container, "fullyQualifiedName": format!("{object}{}", finding.pointer), "kind": "object"}],
        }],
        // What stays the same when lines move: the object, the container, the place in the pod.
        "partialFingerprints": {"finding/v1": format!("{} {object} {container} {}", finding.code(), finding.pointer)},
    })
}

fn notification(failure: &Failure) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(&failure.file)}});
    if let Some(at) = failure.at {
        location["region"] = json!({"startLine": at.line, "startColumn": at.column});
    }
    json!({
        "level": "error",
        "message": {"text": failure.message},
        "locations": [{"physicalLocation": location}],
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A path as a URI reference (RFC 3986): relative to the root of the repository, or a `file:` URI.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') {
        "file://".to_owned()
    } else {
        String::new()
    };
    for byte in path.strip_prefix("./").unwrap_or(path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
