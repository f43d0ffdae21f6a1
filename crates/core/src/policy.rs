//! Policies as the engine sees them: selectors compiled, values parsed. Their YAML is read elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{Entrypoint, Mode, Namespace, PreStop, Runtime, Setting};
use softstop_programs::signal::Signal;

/// What the validating registration answers for a pod that violates a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Violations {
    /// Nothing.
    #[default]
    Allow,
    /// A warning.
    Warn,
    /// A refusal.
    Deny,
}

/// Limits that no annotation can pass, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Grace is raised to at least this.
    pub grace_min: Option<u32>,
    /// Grace is never raised above this.
    pub grace_max: Option<u32>,
    /// A drain delay is never longer.
    pub drain_delay_max: Option<u32>,
}

/// A label selector (`metav1.LabelSelector`): every part must match; an empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    /// `matchLabels`.
    pub labels: BTreeMap<String, String>,
    /// `matchExpressions`.
    pub requirements: Vec<Requirement>,
}

/// One of a selector's `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the Kubernetes operators, by name")]
pub enum Requirement {
    In(String, BTreeSet<String>),
    NotIn(String, BTreeSet<String>),
    Exists(String),
    DoesNotExist(String),
}

impl Selector {
    /// Whether these labels match.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.labels
            .iter()
            .all(|(key, value)| label(key) == Some(value))
            && self
                .requirements
                .iter()
                .all(|requirement| match requirement {
                    Requirement::In(key, values) => label(key).is_some_and(|v| values.contains(v)),
                    Requirement::NotIn(key, values) => {
                        !label(key).is_some_and(|v| values.contains(v))
                    }
                    Requirement::Exists(key) => label(key).is_some(),
                    Requirement::DoesNotExist(key) => label(key).is_none(),
                })
    }
}

/// One `ShutdownPolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `metadata.name`.
    pub name: String,
    /// Higher wins; ties go to the name that sorts first.
    pub priority: i32,
    /// Namespaces it speaks for; by labels.
    pub namespaces: Selector,
    /// Pods it speaks for; by labels.
    pub pods: Selector,
    /// What is done with them.
    pub mode: Mode,
    /// What annotations may not override.
    pub locked: BTreeSet<Setting>,
    /// Limits.
    pub bounds: Bounds,
    /// What the validating registration answers.
    pub violations: Violations,
    /// Default; `exec` where the policy does not say (nothing is injected into a cluster that did not ask).
    pub entrypoint: Entrypoint,
    /// Default, seconds.
    pub drain_delay: Option<u32>,
    /// Default, seconds.
    pub drain_time: Option<u32>,
    /// Default, seconds.
    pub grace_period: Option<u32>,
    /// Default.
    pub pre_stop: Option<PreStop>,
    /// Default.
    pub stop_signal: Option<Signal>,
    /// Default.
    pub runtime: Option<Runtime>,
    /// Default: absolute paths.
    pub writable: Vec<String>,
    /// Default: whether files that scripts source are taken for harmless.
    pub trust_sourced_files: Option<bool>,
}

impl Policy {
    /// A policy for every pod that says nothing but its mode and what may be done about the start command.
    pub fn new(name: impl Into<String>, mode: Mode, entrypoint: Entrypoint) -> Self {
        Self {
            name: name.into(),
            priority: 0,
            namespaces: Selector::default(),
            pods: Selector::default(),
            mode,
            locked: BTreeSet::new(),
            bounds: Bounds::default(),
            violations: Violations::Allow,
            entrypoint,
            drain_delay: None,
            drain_time: None,
            grace_period: None,
            pre_stop: None,
            stop_signal: None,
            runtime: None,
            writable: Vec::new(),
            trust_sourced_files: None,
        }
    }

    /// What it asks for beyond its own bounds, in words: the bounds win.
    pub fn contradiction(&self) -> Option<String> {
        let bounds = self.bounds;
        let above = |value: Option<u32>, bound: Option<u32>| {
            Some((value?, bound?)).filter(|(value, bound)| value > bound)
        };
        if let Some((delay, bound)) = above(self.drain_delay, bounds.drain_delay_max) {
            return Some(format!(
                "its drainDelay of {delay} s is above its bound of {bound} s"
            ));
        }
        if let Some((grace, bound)) = above(self.grace_period, bounds.grace_max) {
            return Some(format!(
                "its gracePeriod of {grace} s is above its bound of {bound} s"
            ));
        }
        let needed = u64::from(self.drain_delay.unwrap_or(0)) + u64::from(self.drain_time?);
        let bound = u64::from(bounds.grace_max?);
        (needed > bound).then(|| {
            format!("delay and drain time need {needed} s, its longest grace is {bound} s")
        })
    }
}

/// All policies of a cluster, ordered so that the first match wins.
#[derive(Clone, Debug, Default)]
pub struct Policies(Vec<Arc<Policy>>);

impl Policies {
    /// Orders them: highest priority first, then by name.
    pub fn new<P: Into<Arc<Policy>>>(policies: impl IntoIterator<Item = P>) -> Self {
        let mut policies: Vec<Arc<Policy>> = policies.into_iter().map(Into::into).collect();
        policies.sort_by(|a, b| {
            b.priority
                .cmp(&a.priority)
                .then_with(|| a.name.cmp(&b.name))
        });
        Self(policies)
    }

    /// The one policy that speaks for a pod with these labels in this namespace. It wins whole.
    pub fn select<'a>(
        &self,
        namespace: &Namespace,
        pod_label: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<&Arc<Policy>> {
        let namespace_label = |key: &str| namespace.labels.get(key).map(String::as_str);
        self.0.iter().find(|policy| {
            policy.pods.matches(&pod_label) && policy.namespaces.matches(namespace_label)
        })
    }

    /// In the order in which they are asked.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.0.iter()
    }
}
