//! One line per finding: `file:line:column: severity code message`.

use std::fmt::Write as _;

use super::text::one_line;
use super::{Options, Report, changes};

pub(super) fn render(report: &Report, options: Options) -> String {
    let mut out = String::new();
    for failure in &report.failures {
        let _ = writeln!(
            out,
            "{}: error: {}",
            one_line(&failure.place()),
            one_line(&failure.message)
        );
    }
    for pod in &report.pods {
        for diagnostic in &pod.diagnostics {
            let finding = &diagnostic.finding;
            let _ = writeln!(
                out,
                "{}:{}: {} {} {}",
                one_line(&pod.file.name),
                diagnostic.start,
                finding.severity.as_str(),
                finding.code(),
                one_line(&finding.message)
            );
        }
        changes::render(pod, options, &mut out);
    }
    out
}
