//! Everything beside the pod that a decision depends on.

use std::collections::BTreeMap;

use crate::{ImageFacts, Policies};

/// What [`plan`](crate::plan) is given beside the pod.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The namespace the pod is created in.
    pub namespace: &'a Namespace,
    /// The cluster's policies.
    pub policies: &'a Policies,
    /// What is known of images.
    pub facts: &'a ImageFacts,
    /// What this installation can do.
    pub capabilities: &'a Capabilities,
    /// Judge pods that nothing opted in as if they were (`softstop check` without `--as-deployed`).
    /// A pod, namespace or policy that says a mode still has its way.
    pub assume_opted_in: bool,
}

/// The parts of a namespace that carry settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Its name; empty where nobody knows it.
    pub name: String,
    /// Its labels (`softstop.dev/mode`, and what selectors match).
    pub labels: BTreeMap<String, String>,
    /// Its annotations (every other setting).
    pub annotations: BTreeMap<String, String>,
}

/// What this installation can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// How softstop-init is brought into pods (verdicts `init` and `hook`); `None`: it is not.
    pub injection: Option<Injection>,
}

/// How softstop-init is brought into pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The image that holds it, as `/softstop-init`.
    pub image: String,
    /// The way it takes.
    pub delivery: Delivery,
    /// CPU request and limit of the container that copies it (a Kubernetes quantity).
    pub cpu: String,
    /// Memory request and limit of the container that copies it.
    pub memory: String,
}

/// The way softstop-init takes into a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// An init container copies it into an emptyDir.
    #[default]
    EmptyDir,
    /// An image volume: no container is added. Needs Kubernetes 1.36 (KEP-4639) and containerd 2.1 or CRI-O 1.31 on
    /// every node, which the API server cannot know.
    ImageVolume,
}
