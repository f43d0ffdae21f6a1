//! For people: the line of the manifest, underlined, and below it what runs, what happens, what to do.

use std::ops::Range;

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Snippet};
use softstop_core::{Finding, Severity};

use super::{Diagnostic, Failure, Options, PodReport, Report, changes, text};
use crate::manifest::{File, Position};

/// A longer line (JSON without line breaks) is not shown: nobody could read it.
const LINE_MAX: usize = 1000;

pub(super) fn render(report: &Report, options: Options) -> String {
    let renderer = if options.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut out = String::new();
    for failure in &report.failures {
        add(&mut out, &render_failure(failure, &renderer));
    }
    for pod in &report.pods {
        for diagnostic in &pod.diagnostics {
            add(&mut out, &render_finding(pod, diagnostic, &renderer));
        }
        changes::render(pod, options, &mut out);
    }
    out.push_str(&text::summary(report));
    out.push('\n');
    out
}

fn add(out: &mut String, block: &str) {
    // Notes without a value would leave blanks at the ends of lines.
    for line in block.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push('\n');
}

fn render_finding(pod: &PodReport, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let finding = &diagnostic.finding;
    let title = level(finding.severity)
        .primary_title(text::one_line(&finding.message))
        .id(format!("{} {}", finding.code(), finding.rule.name));
    let group = title
        .element(place(&pod.file, diagnostic.start, &diagnostic.range))
        .elements(notes(pod, finding));
    renderer.render(&[group])
}

fn render_failure(failure: &Failure, renderer: &Renderer) -> String {
    let message = text::one_line(&failure.message);
    let group = if let (Some(file), Some(at)) = (&failure.text, failure.at) {
        let line = file.line(at.line);
        let before = file.text[line.clone()]
            .chars()
            .take(at.column - 1)
            .map(char::len_utf8);
        let start = line.start + before.sum::<usize>();
        Level::ERROR
            .primary_title(message)
            .element(place(file, at, &(start..start)))
    } else {
        let place = text::one_line(&failure.place());
        Group::with_title(Level::ERROR.primary_title(format!("{place}: {message}")))
    };
    renderer.render(&[group])
}

const fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    }
}

/// The line a place is on. Of a place that spans lines, the first one is enough to find it.
fn place<'f>(file: &'f File, at: Position, range: &Range<usize>) -> Element<'f> {
    let line = file.line(at.line);
    if line.len() > LINE_MAX {
        return Origin::path(file.name.as_str())
            .line(at.line)
            .char_column(at.column)
            .into();
    }
    let start = range.start.clamp(line.start, line.end);
    let end = range.end.clamp(start, line.end);
    Snippet::source(&file.text[line.clone()])
        .line_start(at.line)
        .path(file.name.as_str())
        .annotation(AnnotationKind::Primary.span(start - line.start..end - line.start))
        .into()
}

fn notes(pod: &PodReport, finding: &Finding) -> Vec<Element<'static>> {
    let mut notes = Vec::new();
    let mut note = |name: &'static str, text: String| {
        notes.push(Element::from(
            Level::NOTE
                .with_name(Some(name))
                .message(text::one_line(&text)),
        ));
    };
    let place = match &finding.container {
        Some(container) => format!("{}, container {container}", pod.title()),
        None => pod.title(),
    };
    note("in", place);
    let container = pod.container(finding);
    if let Some(container) = container {
        note("runs", text::argv(container));
        note("PID 1", container.pid1.clone());
    }
    if let Some(on_stop) = finding
        .on_stop
        .as_ref()
        .or(container.map(|container| &container.on_stop))
    {
        note("on SIGTERM", on_stop.clone());
    }
    note("fix", finding.fix.clone());
    if let Some(change) = text::change(pod, finding) {
        let after = container.map(|container| format!("; then: {}", container.on_stop_after));
        note("softstop", format!("{change}{}", after.unwrap_or_default()));
    }
    note("more", format!("softstop explain {}", finding.code()));
    notes
}
