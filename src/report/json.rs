//! One JSON document, for programs. Its fields are described in `docs/check.md` and only ever added to; a test holds
//! the two together.

use serde_json::{Value, json};
use softstop_core::ContainerPlan;

use super::{Diagnostic, Failure, Options, PodReport, Report, changes};

/// The version of the schema above.
const VERSION: u32 = 1;

pub(super) fn render(report: &Report, options: Options) -> String {
    let counts = report.counts();
    let document = json!({
        "version": VERSION,
        "pods": report.pods.iter().map(|report| pod(report, options)).collect::<Vec<_>>(),
        "failures": report.failures.iter().map(failure).collect::<Vec<_>>(),
        "summary": {
            "pods": report.pods.len(),
            "errors": counts.errors,
            "warnings": counts.warnings,
            "infos": counts.infos,
            "repaired": counts.repaired,
            "failures": report.failures.len(),
        },
    });
    format!("{document:#}\n")
}

fn pod(pod: &PodReport, options: Options) -> Value {
    let mut value = json!({
        "file": pod.file.name,
        "line": pod.at.line,
        "column": pod.at.column,
        "kind": pod.kind,
        "name": pod.name,
        "namespace": pod.namespace,
        "mode": pod.plan.mode.value.as_str(),
        "modeSource": pod.plan.mode.source.to_string(),
        "containers": pod.plan.containers.iter().map(container).collect::<Vec<_>>(),
        "findings": pod.diagnostics.iter().map(finding).collect::<Vec<_>>(),
        "patch": changes::patch(pod),
    });
    if options.diff {
        value["diff"] = json!(changes::diff(pod));
    }
    value
}

fn container(container: &ContainerPlan) -> Value {
    json!({
        "name": container.name,
        "verdict": container.verdict.as_str(),
        "reason": container.reason,
        "why": container.why,
        "argv": container.argv,
        "program": container.program,
        "pid1": container.pid1,
        "pid1After": container.pid1_after,
        "onStop": container.on_stop,
        "onStopAfter": container.on_stop_after,
    })
}

fn finding(
    Diagnostic {
        finding,
        start,
        end,
        ..
    }: &Diagnostic,
) -> Value {
    json!({
        "code": finding.code().0,
        "name": finding.rule.name,
        "severity": finding.severity.as_str(),
        "message": finding.message,
        "container": finding.container,
        "pointer": finding.pointer,
        "line": start.line,
        "column": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "onStop": finding.on_stop,
        "fix": finding.fix,
        "repaired": finding.repaired,
    })
}

fn failure(failure: &Failure) -> Value {
    json!({
        "file": failure.file,
        "line": failure.at.map(|at| at.line),
        "column": failure.at.map(|at| at.column),
        "message": failure.message,
    })
}
