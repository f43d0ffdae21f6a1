//! What the webhook knows of its cluster, as the engine wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use softstop_core::{Capabilities, Context, ImageFacts, Namespace, Policies};

use crate::inputs;

/// Where the labels and annotations of a namespace come from.
pub trait NamespaceSource: Send + Sync {
    /// The namespace of that name; without labels and annotations where they are not known.
    /// It is asked for every review, so it answers from memory.
    fn get(&self, name: &str) -> Arc<Namespace>;
}

/// Namespaces that were given in advance, in a file.
#[derive(Debug, Default)]
pub struct KnownNamespaces(BTreeMap<String, Arc<Namespace>>);

impl KnownNamespaces {
    /// Takes the namespaces by name.
    pub fn new(namespaces: BTreeMap<String, Namespace>) -> Self {
        Self(
            namespaces
                .into_iter()
                .map(|(name, namespace)| (name, Arc::new(namespace)))
                .collect(),
        )
    }
}

impl NamespaceSource for KnownNamespaces {
    fn get(&self, name: &str) -> Arc<Namespace> {
        let unknown = || Arc::new(inputs::bare_namespace(name));
        self.0.get(name).cloned().unwrap_or_else(unknown)
    }
}

/// Everything beside the pod that an answer depends on.
pub struct Cluster {
    /// The cluster's policies.
    pub policies: Policies,
    /// What is known of images.
    pub facts: ImageFacts,
    /// What this installation can do.
    pub capabilities: Capabilities,
    /// The cluster's namespaces.
    pub namespaces: Box<dyn NamespaceSource>,
}

impl Cluster {
    /// The context of a pod in that namespace.
    pub(super) fn context<'a>(&'a self, namespace: &'a Namespace) -> Context<'a> {
        Context {
            namespace,
            policies: &self.policies,
            facts: &self.facts,
            capabilities: &self.capabilities,
            assume_opted_in: false,
        }
    }
}

impl Default for Cluster {
    /// A cluster of which nothing is known.
    fn default() -> Self {
        Self {
            policies: Policies::default(),
            facts: ImageFacts::default(),
            capabilities: Capabilities::default(),
            namespaces: Box::new(KnownNamespaces::default()),
        }
    }
}
