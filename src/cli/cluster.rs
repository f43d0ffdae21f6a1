//! The files that stand in for the cluster, for the commands that answer as the webhook does.

use std::path::PathBuf;

use softstop_core::Policies;

use super::injection::InjectionArgs;
use crate::admission::{Cluster, KnownNamespaces};
use crate::{inputs, policy};

/// What is known of the cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the cluster says")]
pub(super) struct ClusterFiles {
    /// Policies of the cluster: `ShutdownPolicy` manifests
    #[arg(
        long = "policy-file",
        value_name = "FILE",
        env = "SOFTSTOP_POLICY_FILE"
    )]
    policies: Option<PathBuf>,

    /// Namespaces: their labels and annotations count
    #[arg(
        long = "namespace-file",
        value_name = "FILE",
        env = "SOFTSTOP_NAMESPACE_FILE"
    )]
    namespaces: Option<PathBuf>,

    /// What images say of themselves (kind `ImageFacts`): ENTRYPOINT, CMD, STOPSIGNAL, USER
    #[arg(long = "facts-file", value_name = "FILE", env = "SOFTSTOP_FACTS_FILE")]
    facts: Option<PathBuf>,

    #[command(flatten)]
    injection: InjectionArgs,
}

impl ClusterFiles {
    /// Reads the files.
    pub(super) fn load(self) -> anyhow::Result<Cluster> {
        let Self {
            policies,
            namespaces,
            facts,
            injection,
        } = self;
        let policies = policies.map(|path| policy::load(&path)).transpose()?;
        let namespaces = namespaces
            .map(|path| inputs::namespaces(&path))
            .transpose()?;
        let facts = facts.map(|path| inputs::facts(&path)).transpose()?;
        Ok(Cluster {
            policies: Policies::new(policies.unwrap_or_default()),
            facts: facts.unwrap_or_default(),
            capabilities: injection.capabilities(),
            namespaces: Box::new(KnownNamespaces::new(namespaces.unwrap_or_default())),
        })
    }
}
