//! `softstop crd`: print the definition of the custom resource.

use std::process::ExitCode;

use crate::policy;

/// Print the `CustomResourceDefinition` of `ShutdownPolicy`, as `kubectl apply` takes it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs it.
#[allow(clippy::print_stdout, reason = "the definition is the output")]
pub(super) fn run(Args {}: Args) -> anyhow::Result<ExitCode> {
    print!("{}", policy::crd_yaml()?);
    Ok(ExitCode::SUCCESS)
}
