//! From a file to what there is to say of its pods.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::bail;
use softstop_core::{Capabilities, Context, Finding, ImageFacts, Namespace, Policies, rules};

use super::sources::Scan;
use crate::manifest::{self, Document, File, Pod};
use crate::report::{Diagnostic, Failure, PodReport, Report};
use crate::{inputs, policy};

/// What stands in for the cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the cluster would add")]
pub(super) struct ClusterArgs {
    #[arg(
        long,
        value_name = "FILE",
        help = "Policies of the cluster: manifests of kind ShutdownPolicy"
    )]
    policy_file: Option<PathBuf>,

    /// Namespaces: their labels and annotations count. Pods that name no namespace are in the only one, or in default
    #[arg(long, value_name = "FILE")]
    namespace_file: Option<PathBuf>,

    #[arg(
        long,
        value_name = "FILE",
        help = "What images say of themselves: a file of kind ImageFacts"
    )]
    facts_file: Option<PathBuf>,

    /// Judge only pods that are opted in, and do not fail for what the webhook repairs.
    /// Without it every pod is judged as if it were opted in
    #[arg(long)]
    pub(super) as_deployed: bool,
}

/// The same, read.
pub(super) struct Cluster {
    policies: Policies,
    namespaces: BTreeMap<String, Namespace>,
    facts: ImageFacts,
    capabilities: Capabilities,
    as_deployed: bool,
}

impl ClusterArgs {
    /// Reads the files.
    pub(super) fn load(self) -> anyhow::Result<Cluster> {
        let Self {
            policy_file,
            namespace_file,
            facts_file,
            as_deployed,
        } = self;
        Ok(Cluster {
            policies: Policies::new(
                policy_file
                    .map(|path| policy::load(&path))
                    .transpose()?
                    .unwrap_or_default(),
            ),
            namespaces: namespace_file
                .map(|path| inputs::namespaces(&path))
                .transpose()?
                .unwrap_or_default(),
            facts: facts_file
                .map(|path| inputs::facts(&path))
                .transpose()?
                .unwrap_or_default(),
            capabilities: Capabilities::default(),
            as_deployed,
        })
    }
}

impl Cluster {
    /// The namespace a pod is created in, with what is known of it.
    fn namespace(&self, written: Option<&str>) -> Namespace {
        let known = match written {
            Some(name) => self.namespaces.get(name),
            None if self.namespaces.len() == 1 => self.namespaces.values().next(),
            None => self.namespaces.get("default"),
        };
        let unknown = || Namespace {
            name: written.unwrap_or_default().to_owned(),
            ..Namespace::default()
        };
        known.cloned().unwrap_or_else(unknown)
    }
}

/// Which findings are wanted.
pub(super) struct Filter {
    select: Vec<String>,
    ignore: Vec<String>,
}

impl Filter {
    /// Refuses what is the beginning of no code.
    pub(super) fn new(select: Vec<String>, ignore: Vec<String>) -> anyhow::Result<Self> {
        for wanted in select.iter().chain(&ignore) {
            if !rules::all()
                .iter()
                .any(|rule| rule.code.0.starts_with(wanted.as_str()))
            {
                bail!(
                    "no finding has a code that begins with \"{wanted}\"; softstop explain lists them"
                );
            }
        }
        Ok(Self { select, ignore })
    }

    fn wants(&self, finding: &Finding) -> bool {
        let among = |list: &[String]| {
            list.iter()
                .any(|code| finding.code().0.starts_with(code.as_str()))
        };
        (self.select.is_empty() || among(&self.select)) && !among(&self.ignore)
    }
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
    let namespace = cluster.namespace(pod.namespace.as_deref());
    let plan = softstop_core::plan(
        &pod.value,
        &Context {
            namespace: &namespace,
            policies: &cluster.policies,
            facts: &cluster.facts,
            capabilities: &cluster.capabilities,
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
            Diagnostic {
                finding: finding.clone(),
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
        namespace: Some(namespace.name).filter(|name| !name.is_empty()),
        pod: pod.value,
        plan,
        patch,
        diagnostics,
    })
}
