//! `softstop check`: judge manifests without a cluster.

mod judge;
mod output;
mod sources;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ColorChoice, ValueEnum};
use softstop_core::Severity;

use super::cluster::ClusterFiles;
use crate::report::{Format, Options, Report};

/// Judge manifests: how will these pods stop?
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Args {
    /// Files, directories (all their *.yaml, *.yml and *.json), or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// How to write the report; with --output, several times
    #[arg(long, value_enum, default_value = "full")]
    format: Vec<Format>,

    /// Where to write it, one for each --format (- is standard output)
    #[arg(long, short, value_name = "FILE")]
    output: Vec<PathBuf>,

    /// The least severity that makes the exit status 1
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "warning")]
    fail_level: FailLevel,

    /// Exit with 0 although there are findings
    #[arg(long)]
    exit_zero: bool,

    /// Only these findings: codes, how they begin (SS1), or names
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    select: Vec<String>,

    /// None of these findings: codes, how they begin (SS1), or names
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    ignore: Vec<String>,

    /// Print the JSON Patch of each pod, as the webhook would send it
    #[arg(long)]
    show_patch: bool,

    /// Print a diff of each pod, before and after the patch
    #[arg(long)]
    diff: bool,

    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    #[arg(help = "Colour: auto is on a terminal, unless NO_COLOR is set")]
    color: ColorChoice,

    /// Judge only pods that are opted in, and do not fail for what the webhook repairs.
    /// Without it every pod is judged as if it were opted in
    #[arg(long)]
    as_deployed: bool,

    #[command(flatten)]
    cluster: ClusterFiles,
}

const AFTER_HELP: &str = "\
Examples:
  softstop check deploy/
  helm template my-chart | softstop check -
  softstop check --format concise --fail-level error app.yaml
  softstop check --policy-file policy.yaml --namespace-file ns.yaml --as-deployed --diff app.yaml
  softstop check --format full --output - --format sarif --output softstop.sarif deploy/

Exit status: 0 clean, 1 findings at or above --fail-level, 2 something could not be read or done.
It does not depend on the format.";

/// `--fail-level`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailLevel {
    /// Work is lost on every stop.
    Error,
    /// Work can be lost, or what is written has no effect.
    Warning,
    /// Worth knowing.
    Info,
    /// Findings never fail the run.
    Never,
}

impl FailLevel {
    const fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }
}

/// Runs it.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args {
        paths,
        format,
        output,
        fail_level,
        exit_zero,
        select,
        ignore,
        show_patch,
        diff,
        cluster,
        as_deployed,
        color,
    } = args;
    let destinations = output::destinations(&format, &output)?;
    let options = Options {
        color: false,
        patch: show_patch,
        diff,
        fail_level: fail_level.severity(),
        // What the webhook repairs never reaches the cluster.
        pass_repaired: as_deployed,
    };
    output::accept(&format, options)?;
    let filter = judge::Filter::new(select, ignore)?;
    let cluster = judge::Cluster {
        known: cluster.read()?,
        as_deployed,
    };

    let mut report = Report::default();
    for source in sources::collect(&paths) {
        match source.and_then(sources::Source::read) {
            Ok((file, scan)) => judge::file(file, scan, &cluster, &filter, &mut report),
            Err(failure) => report.failures.push(failure),
        }
    }
    for destination in &destinations {
        destination.write(&report, options, color)?;
    }
    Ok(status(&report, options, exit_zero))
}

fn status(report: &Report, options: Options, exit_zero: bool) -> ExitCode {
    let fails = report
        .diagnostics()
        .any(|(_, diagnostic)| options.fails(&diagnostic.finding));
    match (report.failures.is_empty(), fails && !exit_zero) {
        (false, _) => ExitCode::from(2),
        (true, true) => ExitCode::from(1),
        (true, false) => ExitCode::SUCCESS,
    }
}
