//! Findings for people and machines: one renderer per format.
//!
//! A [`Report`] is what one run of `check` found. It knows nothing of formats; a format is one file below and one
//! line in [`Report::render`].

mod changes;
mod concise;
mod full;
mod github;
mod json;
mod junit;
mod sarif;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;
use std::rc::Rc;

use serde_json::Value;
use softstop_core::{ContainerPlan, Finding, Op, Plan, Severity};

use crate::manifest::{Broken, File, Position};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: the line of the manifest, what happens, what to do.
    Full,
    /// One line per finding: `file:line:column: severity code message`.
    #[value(help = "One line per finding: file:line:column: severity code message")]
    Concise,
    /// One JSON document with everything, for programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations in the log of GitHub Actions.
    Github,
    /// `JUnit` XML, for CI systems that show tests.
    #[value(help = "JUnit XML, for CI systems that show tests")]
    Junit,
}

/// What to write beside the findings.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Options {
    /// With colour.
    pub color: bool,
    /// The JSON Patch of each pod.
    pub patch: bool,
    /// A diff of each pod, before and after the patch.
    pub diff: bool,
    /// Findings from this severity on fail the run; `None`: none does.
    pub fail_level: Option<Severity>,
    /// What the plan repairs does not fail the run.
    pub pass_repaired: bool,
}

impl Options {
    /// Whether a finding fails the run.
    pub fn fails(&self, finding: &Finding) -> bool {
        self.fail_level
            .is_some_and(|level| finding.severity >= level)
            && !(self.pass_repaired && finding.repaired)
    }
}

/// What one run found.
#[derive(Debug, Default)]
pub struct Report {
    /// The pods, in the order of the input.
    pub pods: Vec<PodReport>,
    /// What could not be read or done.
    pub failures: Vec<Failure>,
}

/// What there is to say of one pod.
#[derive(Debug)]
pub struct PodReport {
    /// Where it is written.
    pub file: Rc<File>,
    /// Where its object begins in the file.
    pub at: Position,
    /// The kind of the object it stands in.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The namespace, where it is known.
    pub namespace: Option<String>,
    /// The pod as the webhook would be sent it.
    pub pod: Value,
    /// The plan for it.
    pub plan: Plan,
    /// The JSON Patch the webhook would send.
    pub patch: Vec<Op>,
    /// The findings with their places, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// A finding with its place.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What was found.
    pub finding: Finding,
    /// The bytes of the file it is about.
    pub range: Range<usize>,
    /// Where they begin.
    pub start: Position,
    /// Where they end.
    pub end: Position,
}

/// Something that could not be done: the exit status is 2.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The file's name.
    pub file: String,
    /// Where in it, if it is about a place.
    pub at: Option<Position>,
    /// Its text, where it can be shown.
    pub text: Option<Rc<File>>,
    /// What went wrong, and what to do.
    pub message: String,
}

/// How many findings there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings of severity info.
    pub infos: usize,
    /// How many of them all the plan repairs.
    pub repaired: usize,
}

impl Counts {
    /// All findings.
    pub const fn findings(self) -> usize {
        self.errors + self.warnings + self.infos
    }
}

impl Report {
    /// Every finding with its pod.
    pub fn diagnostics(&self) -> impl Iterator<Item = (&PodReport, &Diagnostic)> {
        self.pods.iter().flat_map(|pod| {
            pod.diagnostics
                .iter()
                .map(move |diagnostic| (pod, diagnostic))
        })
    }

    /// Counts the findings.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (_, Diagnostic { finding, .. }) in self.diagnostics() {
            match finding.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Info => counts.infos += 1,
            }
            counts.repaired += usize::from(finding.repaired);
        }
        counts
    }

    /// The report in that format.
    pub fn render(&self, format: Format, options: Options) -> String {
        match format {
            Format::Full => full::render(self, options),
            Format::Concise => concise::render(self, options),
            Format::Json => json::render(self, options),
            Format::Sarif => sarif::render(self),
            Format::Github => github::render(self),
            Format::Junit => junit::render(self, options),
        }
    }
}

impl Failure {
    /// Something that concerns a file as a whole.
    pub fn of(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            at: None,
            text: None,
            message: message.into(),
        }
    }

    /// What is broken at a place of a file.
    pub fn at(text: Option<&Rc<File>>, broken: Broken) -> Self {
        Self {
            file: broken.file,
            at: Some(broken.at),
            text: text.cloned(),
            message: broken.message,
        }
    }

    /// `file:line:column`, or the file alone.
    fn place(&self) -> String {
        self.at
            .map_or_else(|| self.file.clone(), |at| format!("{}:{at}", self.file))
    }
}

impl PodReport {
    /// `Deployment shop/web`.
    pub fn title(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }

    /// What was decided about the container that a finding is about.
    fn container(&self, finding: &Finding) -> Option<&ContainerPlan> {
        let name = finding.container.as_ref()?;
        self.plan
            .containers
            .iter()
            .find(|container| &container.name == name)
    }
}
