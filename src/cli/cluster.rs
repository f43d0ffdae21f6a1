//! The files that stand in for the cluster, for the commands that answer as the webhook does.

use std::path::PathBuf;

use softstop_core::{Capabilities, Policies};

use crate::admission::{Cluster, KnownNamespaces};
use crate::{inputs, policy};

/// What is known of the cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the cluster says")]
pub(super) struct ClusterFiles {
    /// Policies of the cluster: `ShutdownPolicy` manifests
    #[arg(long, value_name = "FILE", env = "SOFTSTOP_POLICY_FILE")]
    policy_file: Option<PathBuf>,

    /// Namespaces: their labels and annotations count
    #[arg(long, value_name = "FILE", env = "SOFTSTOP_NAMESPACE_FILE")]
    namespace_file: Option<PathBuf>,

    /// What images say of themselves (kind `ImageFacts`): ENTRYPOINT, CMD, STOPSIGNAL, USER
    #[arg(long, value_name = "FILE", env = "SOFTSTOP_FACTS_FILE")]
    facts_file: Option<PathBuf>,
}

impl ClusterFiles {
    /// Reads the files.
    pub(super) fn load(self) -> anyhow::Result<Cluster> {
        let Self {
            policy_file,
            namespace_file,
            facts_file,
        } = self;
        let policies = policy_file
            .map(|path| policy::load(&path))
            .transpose()?
            .unwrap_or_default();
        let namespaces = namespace_file
            .map(|path| inputs::namespaces(&path))
            .transpose()?
            .unwrap_or_default();
        Ok(Cluster {
            policies: Policies::new(policies),
            facts: facts_file
                .map(|path| inputs::facts(&path))
                .transpose()?
                .unwrap_or_default(),
            capabilities: Capabilities::default(),
            namespaces: Box::new(KnownNamespaces::new(namespaces)),
        })
    }
}
