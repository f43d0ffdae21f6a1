//! From a file to what there is to say of its pods.

use std::rc::Rc;

use anyhow::bail;
use softstop_core::rules::{self, Rule};
use softstop_core::{Context, Finding, Mode};

use super::sources::Scan;
use crate::cli::cluster::Known;
use crate::manifest::{self, Document, File, Pod};
use crate::report::{Diagnostic, Failure, PodReport, Report};

/// What a pod is judged against.
pub(super) struct Cluster {
    pub(super) known: Known,
    /// Judge only pods that are opted in.
    pub(super) as_deployed: bool,
}

/// Which findings are wanted.
pub(super) struct Filter {
    select: Vec<String>,
    ignore: Vec<String>,
}

impl Filter {
    /// Refuses what names no finding.
    pub(super) fn new(select: Vec<String>, ignore: Vec<String>) -> anyhow::Result<Self> {
        for wanted in select.iter().chain(&ignore) {
            if !rules::all().iter().any(|rule| names(wanted, rule)) {
                bail!(
                    "\"{wanted}\" is the code or the name of no finding; softstop explain lists them"
                );
            }
        }
        Ok(Self { select, ignore })
    }

    fn wants(&self, finding: &Finding) -> bool {
        let among = |list: &[String]| list.iter().any(|wanted| names(wanted, finding.rule));
        (self.select.is_empty() || among(&self.select)) && !among(&self.ignore)
    }
}

/// `SS101`, the beginning of it (`SS1`), or the name.
fn names(wanted: &str, rule: &Rule) -> bool {
    let begins = rule
        .code
        .0
        .get(..wanted.len())
        .is_some_and(|code| code.eq_ignore_ascii_case(wanted));
    (begins && !wanted.is_empty()) || wanted == rule.name
}

/// Judges every pod of a file.
pub(super) fn file(
    file: File,
    scan: Scan,
    cluster: &Cluster,
    filter: &Filter,
    report: &mut Report,
) {
    // In a directory of manifests there are other files too: values of charts, configurations of tools.
    if scan == Scan::Found && !file.text.contains("apiVersion") {
        return;
    }
    let file = Rc::new(file);
    for document in file.documents() {
        let document = match document {
            Ok(document) => document,
            Err(broken) => {
                report.failures.push(Failure::at(Some(&file), broken));
                continue;
            }
        };
        for pod in manifest::pods(&document.root.to_value()) {
            match judge(&file, &document, pod, cluster, filter) {
                Ok(pod) => report.pods.push(pod),
                Err(failure) => report.failures.push(failure),
            }
        }
    }
}

fn judge(
    file: &Rc<File>,
    document: &Document,
    pod: Pod,
    cluster: &Cluster,
    filter: &Filter,
) -> Result<PodReport, Failure> {
    document
        .check_words(file, &pod.base)
        .map_err(|broken| Failure::at(Some(file), broken))?;
    let namespace = cluster.known.namespace(pod.namespace.as_deref());
    let plan = softstop_core::plan(
        &pod.value,
        &Context {
            namespace: &namespace,
            policies: &cluster.known.policies,
            facts: &cluster.known.facts,
            capabilities: &cluster.known.capabilities,
            assume_opted_in: !cluster.as_deployed,
        },
    );
    let start = document.start(&pod.object);
    let patch = plan.patch(&pod.value).map_err(|doubt| {
        Failure::at(
            Some(file),
            file.broken(
                start,
                format!("softstop would leave this pod as it is: {doubt}"),
            ),
        )
    })?;
    let mut diagnostics: Vec<_> = plan
        .findings
        .iter()
        .filter(|finding| filter.wants(finding))
        .map(|finding| {
            let pointer = format!("{}{}", pod.base, finding.pointer);
            let range = document.locate(file, &pointer, finding.span.as_ref());
            let (start, end) = (file.position(range.start), file.position(range.end));
            let mut finding = finding.clone();
            finding.repaired &= plan.mode.value == Mode::Enforce;
            Diagnostic {
                finding,
                range,
                start,
                end,
            }
        })
        .collect();
    diagnostics.sort_by_key(|diagnostic| (diagnostic.range.start, diagnostic.finding.code()));
    Ok(PodReport {
        at: file.position(start),
        file: Rc::clone(file),
        kind: pod.kind,
        name: pod.name,
        namespace: pod.namespace,
        pod: pod.value,
        plan,
        patch,
        diagnostics,
    })
}
