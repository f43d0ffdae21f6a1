//! Workflow commands of GitHub Actions: each finding becomes an annotation at its line of the change.

use std::fmt::Write as _;

use softstop_core::Severity;

use super::Report;
use super::text::one_line;

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    for failure in &report.failures {
        let mut place = format!("file={}", property(&failure.file));
        if let Some(at) = failure.at {
            let _ = write!(place, ",line={},col={}", at.line, at.column);
        }
        let _ = writeln!(
            out,
            "::error {place},title=softstop::{}",
            data(&one_line(&failure.message))
        );
    }
    for (pod, diagnostic) in report.diagnostics() {
        let finding = &diagnostic.finding;
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let title = format!("{} {}", finding.code(), finding.rule.name);
        let text = format!(
            "{}\nFix: {}",
            one_line(&finding.message),
            one_line(&finding.fix)
        );
        // GitHub takes columns only for a place within one line.
        let columns = if diagnostic.start.line == diagnostic.end.line {
            format!(
                ",col={},endColumn={}",
                diagnostic.start.column, diagnostic.end.column
            )
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "::{command} file={},line={},endLine={}{columns},title={}::{}",
            property(&pod.file.name),
            diagnostic.start.line,
            diagnostic.end.line,
            property(&title),
            data(&text)
        );
    }
    out
}

/// Escapes as the runner's `escapeData` expects it.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes as the runner's `escapeProperty` expects it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
