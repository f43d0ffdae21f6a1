//! What the webhook knows of its cluster, as the engine wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use softstop_core::{Capabilities, Context, ImageFacts, Namespace, Policies};
use tokio::sync::watch;

use crate::inputs;

/// The policies as they are now. Its value is read without waiting, also when nobody sends new ones any more.
pub type PolicyFeed = watch::Receiver<Arc<Policies>>;

/// Policies that never change.
pub fn fixed(policies: Policies) -> PolicyFeed {
    watch::channel(Arc::new(policies)).1
}

/// Where the labels and annotations of a namespace come from.
pub trait NamespaceSource: Send + Sync {
    /// The namespace of that name, from memory; `None`: it is not known, and a pod in it is left alone.
    fn get(&self, name: &str) -> Option<Arc<Namespace>>;

    /// Looks elsewhere for a namespace that is not known, in bounded time, so that [`get`](Self::get) knows it then.
    fn look_up<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }
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
    /// What the file does not name has no labels and annotations.
    fn get(&self, name: &str) -> Option<Arc<Namespace>> {
        let unknown = || Arc::new(inputs::bare_namespace(name));
        Some(self.0.get(name).cloned().unwrap_or_else(unknown))
    }
}

/// Everything beside the pod that an answer depends on.
pub struct Cluster {
    /// The cluster's policies.
    pub policies: PolicyFeed,
    /// What is known of images.
    pub facts: ImageFacts,
    /// What this installation can do.
    pub capabilities: Capabilities,
    /// The cluster's namespaces.
    pub namespaces: Arc<dyn NamespaceSource>,
}

impl Cluster {
    /// The context of a pod in that namespace.
    pub(super) fn context<'a>(
        &'a self,
        namespace: &'a Namespace,
        policies: &'a Policies,
    ) -> Context<'a> {
        Context {
            namespace,
            policies,
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
            policies: fixed(Policies::default()),
            facts: ImageFacts::default(),
            capabilities: Capabilities::default(),
            namespaces: Arc::new(KnownNamespaces::default()),
        }
    }
}
