//! The command line: one file per subcommand, each with its arguments and its `run`.

mod check;
mod cluster;
mod crd;
mod explain;
mod injection;
mod review;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Makes Kubernetes pods stop gracefully.
#[derive(Debug, Parser)]
#[command(
    name = "softstop",
    version,
    propagate_version = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge manifests: how will these pods stop?
    Check(check::Args),
    /// Print the definition of the custom resource `ShutdownPolicy`.
    Crd(crd::Args),
    /// Print a finding's page, or list them all.
    Explain(explain::Args),
    /// Answer one `AdmissionReview` (or pod) as the webhook would.
    Review(review::Args),
    /// Serve the admission webhook.
    Webhook(Box<webhook::Args>),
}

/// Parses the command line, runs the subcommand, and says how it went: 0 clean, 1 findings, 2 could not do it.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Check(args) => check::run(args),
        Command::Crd(args) => crd::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Review(args) => review::run(args),
        Command::Webhook(args) => webhook::run(*args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("softstop: {error:#}");
        ExitCode::from(2)
    })
}
