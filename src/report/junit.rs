//! `JUnit` XML: a test case for each finding, and one for each pod without any.

use std::fmt::Write as _;

use super::text::one_line;
use super::{Diagnostic, Options, PodReport, Report};

pub(super) fn render(report: &Report, options: Options) -> String {
    let mut cases = String::new();
    let (mut tests, mut failed) = (report.failures.len(), 0);
    for failure in &report.failures {
        let file = escape(&failure.place());
        let message = escape(&failure.message);
        let _ = writeln!(
            cases,
            "    <testcase classname=\"{file}\" name=\"can be read\">"
        );
        let _ = writeln!(
            cases,
            "      <error message=\"{message}\"/>\n    </testcase>"
        );
    }
    for pod in &report.pods {
        tests += pod.diagnostics.len().max(1);
        if pod.diagnostics.is_empty() {
            let (file, name) = (escape(&pod.file.name), escape(&pod.title()));
            let _ = writeln!(
                cases,
                "    <testcase classname=\"{file}\" name=\"{name}\"/>"
            );
        }
        for diagnostic in &pod.diagnostics {
            let fails = options.fails(&diagnostic.finding);
            failed += usize::from(fails);
            case(&mut cases, pod, diagnostic, fails);
        }
    }
    let errors = report.failures.len();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"softstop\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\">\n  \
         <testsuite name=\"softstop check\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\">\n\
         {cases}  </testsuite>\n</testsuites>\n"
    )
}

/// A finding below the level that fails the run is a test that passes and says something.
fn case(out: &mut String, pod: &PodReport, diagnostic: &Diagnostic, fails: bool) {
    let finding = &diagnostic.finding;
    let place = match &finding.container {
        Some(container) => format!("{}, container {container}", pod.title()),
        None => pod.title(),
    };
    let file = escape(&pod.file.name);
    let name = escape(&format!(
        "{} {} ({place})",
        finding.code(),
        finding.rule.name
    ));
    let line = diagnostic.start.line;
    let message = escape(&finding.message);
    let text = escape(&format!(
        "{}:{}: {}. Fix: {}.",
        pod.file.name, diagnostic.start, finding.message, finding.fix
    ));
    let _ = writeln!(
        out,
        "    <testcase classname=\"{file}\" name=\"{name}\" file=\"{file}\" line=\"{line}\">"
    );
    if fails {
        let (code, severity) = (finding.code(), finding.severity.as_str());
        let _ = writeln!(
            out,
            "      <failure type=\"{code} {severity}\" message=\"{message}\">{text}</failure>"
        );
    } else {
        let _ = writeln!(out, "      <system-out>{text}</system-out>");
    }
    out.push_str("    </testcase>\n");
}

/// XML 1.0 has no way to write control characters: they are shown as Rust would write them.
fn escape(text: &str) -> String {
    one_line(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
