//! The files that stand in for the cluster, for the commands that answer as the webhook does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use softstop_core::{Capabilities, ImageFacts, Namespace, Policies};

use super::injection::InjectionArgs;
use crate::admission::{self, Cluster, KnownNamespaces};
use crate::{inputs, policy};

/// What is known of the cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the cluster says")]
pub(super) struct ClusterFiles {
    #[arg(
        long = "policy-file",
        value_name = "FILE",
        help = "Policies of the cluster: manifests of kind ShutdownPolicy",
        env = "SOFTSTOP_POLICY_FILE"
    )]
    policies: Option<PathBuf>,

    /// Namespaces: their labels and annotations count.
    /// Pods that name no namespace are in the file's only one, or else in default
    #[arg(
        long = "namespace-file",
        value_name = "FILE",
        env = "SOFTSTOP_NAMESPACE_FILE"
    )]
    namespaces: Option<PathBuf>,

    #[arg(
        long = "facts-file",
        value_name = "FILE",
        help = "What images say of themselves: a file of kind ImageFacts",
        env = "SOFTSTOP_FACTS_FILE"
    )]
    facts: Option<PathBuf>,

    #[command(flatten)]
    injection: InjectionArgs,
}

/// What the files say.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) policies: Policies,
    pub(super) namespaces: BTreeMap<String, Namespace>,
    pub(super) facts: ImageFacts,
    pub(super) capabilities: Capabilities,
}

impl ClusterFiles {
    /// Reads the files.
    pub(super) fn read(self) -> anyhow::Result<Known> {
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
        Ok(Known {
            policies: Policies::new(policies.unwrap_or_default()),
            namespaces: namespaces.unwrap_or_default(),
            facts: facts.unwrap_or_default(),
            capabilities: injection.capabilities(),
        })
    }

    /// Reads the files, for the webhook's path.
    pub(super) fn load(self) -> anyhow::Result<Cluster> {
        let Known {
            policies,
            namespaces,
            facts,
            capabilities,
        } = self.read()?;
        Ok(Cluster {
            policies: admission::fixed(policies),
            facts,
            capabilities,
            namespaces: Arc::new(KnownNamespaces::new(namespaces)),
        })
    }
}

impl Known {
    /// The namespace a pod is created in, with what is known of it.
    pub(super) fn namespace(&self, written: Option<&str>) -> Namespace {
        let only = self
            .namespaces
            .values()
            .next()
            .filter(|_| self.namespaces.len() == 1);
        match (written, only) {
            (None, Some(only)) => only.clone(),
            (written, _) => {
                let name = written.unwrap_or("default");
                let known = self.namespaces.get(name).cloned();
                known.unwrap_or_else(|| inputs::bare_namespace(name))
            }
        }
    }
}
