//! Settings with their sources: container annotation > pod > namespace > policy > built-in.
//!
//! A locked setting is the policy's alone. What cannot be used (a bad value, an unknown key, a locked setting) is
//! an [`Issue`], and the next source has its say.

mod layer;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use softstop_programs::signal::Signal;

use crate::annotations::{BadValue, DOMAIN, STATUS};
use crate::pod::{PodView, token};
use crate::{Bounds, Context, Entrypoint, Mode, Policy, PreStop, Runtime, Setting};
use layer::{Layer, read_namespace};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// softstop's own default.
    BuiltIn,
    /// The `ShutdownPolicy` of that name.
    Policy(String),
    /// The namespace's label or annotation.
    Namespace,
    /// An annotation of the pod.
    Pod,
    /// An annotation of the pod for one container.
    Container,
    /// `softstop check` assumes that the pod is opted in.
    Assumed,
}

impl Source {
    /// The pod itself says so.
    pub(crate) const fn is_own(&self) -> bool {
        matches!(self, Self::Pod | Self::Container)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("softstop's default"),
            Self::Policy(name) => write!(f, "policy {name}"),
            Self::Namespace => f.write_str("the namespace"),
            Self::Pod => f.write_str("the pod's annotation"),
            Self::Container => f.write_str("the container's annotation"),
            Self::Assumed => f.write_str("assumed, as if the pod were opted in"),
        }
    }
}

/// A value that remembers where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Its source.
    pub source: Source,
}

/// The settings of one pod.
#[derive(Clone, Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) mode: Sourced<Mode>,
    pub(crate) grace_period: Option<Sourced<u32>>,
    pub(crate) bounds: Bounds,
    pub(crate) policy: Option<&'a Arc<Policy>>,
    pub(crate) issues: Vec<Issue>,
    pod: Layer,
    containers: BTreeMap<String, Layer>,
    namespace: Layer,
}

/// The settings of one container.
#[derive(Clone, Debug)]
pub(crate) struct ContainerSettings {
    pub(crate) entrypoint: Sourced<Entrypoint>,
    pub(crate) drain_delay: Option<Sourced<u32>>,
    pub(crate) drain_time: Option<Sourced<u32>>,
    pub(crate) pre_stop: Option<Sourced<PreStop>>,
    pub(crate) stop_signal: Option<Sourced<Signal>>,
    pub(crate) runtime: Sourced<Runtime>,
    pub(crate) writable: Option<Sourced<Vec<String>>>,
    pub(crate) trust_sourced_files: Sourced<bool>,
    /// An annotation of the pod names this container.
    pub(crate) named: bool,
}

/// Something the user wrote that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    /// JSON pointer to the annotation; empty where it stands on the namespace.
    pub(crate) pointer: String,
    /// The key as written.
    pub(crate) key: String,
    pub(crate) kind: IssueKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IssueKind {
    /// What it should have been.
    BadValue(BadValue),
    UnknownKey,
    UnknownContainer,
    /// The setting is the pod's, not a container's.
    NotPerContainer,
    /// Locked by this policy.
    Locked(String),
}

impl<'a> Settings<'a> {
    pub(crate) fn resolve(pod: PodView<'_>, context: &Context<'a>) -> Self {
        let policy = context
            .policies
            .select(context.namespace, |key| pod.label(key));
        let mut issues = Vec::new();
        let namespace = read_namespace(context, &mut issues);
        let mut own = Layer::default();
        let mut containers: BTreeMap<String, Layer> = BTreeMap::new();
        let mut opted_in = false;

        for (key, text) in pod.annotations() {
            let Some((setting, target)) = split(key) else {
                continue;
            };
            let mut issue = |kind| {
                issues.push(Issue {
                    pointer: format!("/metadata/annotations/{}", token(key)),
                    key: key.to_owned(),
                    kind,
                });
            };
            let Some(setting) = Setting::from_key(setting) else {
                issue(IssueKind::UnknownKey);
                continue;
            };
            let locked = policy.filter(|policy| policy.locked.contains(&setting));
            if let Some(container) = target
                && !has_container(pod, container)
            {
                issue(IssueKind::UnknownContainer);
            } else if target.is_some() && matches!(setting, Setting::Mode | Setting::GracePeriod) {
                issue(IssueKind::NotPerContainer);
            } else if let Some(policy) = locked {
                issue(IssueKind::Locked(policy.name.clone()));
            } else {
                let layer = match target {
                    Some(container) => containers.entry(container.to_owned()).or_default(),
                    None => &mut own,
                };
                match layer.set(setting, text) {
                    Ok(()) => opted_in = true,
                    Err(bad) => issue(IssueKind::BadValue(bad)),
                }
            }
        }

        let locks = |setting| policy.is_some_and(|policy| policy.locked.contains(&setting));
        let opted_in = opted_in.then_some(Mode::Enforce);
        let mode = pick(
            [
                (own.mode.or(opted_in), Source::Pod),
                (namespace.mode, Source::Namespace),
            ],
            policy.map(|policy| (policy.mode, &policy.name)),
            locks(Setting::Mode),
        );
        let fallback = if context.assume_opted_in {
            Sourced {
                value: Mode::Enforce,
                source: Source::Assumed,
            }
        } else {
            Sourced {
                value: Mode::Off,
                source: Source::BuiltIn,
            }
        };
        let grace_period = pick(
            [
                (own.grace_period, Source::Pod),
                (namespace.grace_period, Source::Namespace),
            ],
            policy.and_then(|policy| Some((policy.grace_period?, &policy.name))),
            locks(Setting::GracePeriod),
        );
        Self {
            mode: mode.unwrap_or(fallback),
            grace_period,
            bounds: policy.map(|policy| policy.bounds).unwrap_or_default(),
            policy,
            issues,
            pod: own,
            containers,
            namespace,
        }
    }

    pub(crate) fn container(&self, name: &str) -> ContainerSettings {
        let none = Layer::default();
        let named = self.containers.get(name);
        let layers = [
            (named.unwrap_or(&none), Source::Container),
            (&self.pod, Source::Pod),
            (&self.namespace, Source::Namespace),
        ];
        ContainerSettings {
            entrypoint: self
                .setting(
                    &layers,
                    Setting::Entrypoint,
                    |l| l.entrypoint,
                    |p| Some(p.entrypoint),
                )
                .unwrap_or(Sourced {
                    value: Entrypoint::Auto,
                    source: Source::BuiltIn,
                }),
            drain_delay: self.setting(
                &layers,
                Setting::DrainDelay,
                |l| l.drain_delay,
                |p| p.drain_delay,
            ),
            drain_time: self.setting(
                &layers,
                Setting::DrainTime,
                |l| l.drain_time,
                |p| p.drain_time,
            ),
            pre_stop: self.setting(
                &layers,
                Setting::PreStop,
                |l| l.pre_stop.clone(),
                |p| p.pre_stop.clone(),
            ),
            stop_signal: self.setting(
                &layers,
                Setting::StopSignal,
                |l| l.stop_signal,
                |p| p.stop_signal,
            ),
            runtime: self
                .setting(&layers, Setting::Runtime, |l| l.runtime, |p| p.runtime)
                .unwrap_or(Sourced {
                    value: Runtime::Auto,
                    source: Source::BuiltIn,
                }),
            writable: self.setting(
                &layers,
                Setting::Writable,
                |l| l.writable.clone(),
                |p| (!p.writable.is_empty()).then(|| p.writable.clone()),
            ),
            trust_sourced_files: self
                .setting(
                    &layers,
                    Setting::TrustSourcedFiles,
                    |l| l.trust_sourced_files,
                    |p| p.trust_sourced_files,
                )
                .unwrap_or(Sourced {
                    value: false,
                    source: Source::BuiltIn,
                }),
            named: named.is_some(),
        }
    }

    fn setting<T>(
        &self,
        layers: &[(&Layer, Source); 3],
        setting: Setting,
        own: impl Fn(&Layer) -> Option<T>,
        policy: impl Fn(&Policy) -> Option<T>,
    ) -> Option<Sourced<T>> {
        pick(
            layers.clone().map(|(layer, source)| (own(layer), source)),
            self.policy.and_then(|p| Some((policy(p)?, &p.name))),
            self.policy.is_some_and(|p| p.locked.contains(&setting)),
        )
    }
}

/// The first source that has a value; a locked setting is the policy's alone.
fn pick<T, const N: usize>(
    sources: [(Option<T>, Source); N],
    policy: Option<(T, &String)>,
    locked: bool,
) -> Option<Sourced<T>> {
    let policy = policy.map(|(value, name)| Sourced {
        value,
        source: Source::Policy(name.clone()),
    });
    let mut own = sources
        .into_iter()
        .filter(|_| !locked)
        .filter_map(|(value, source)| {
            Some(Sourced {
                value: value?,
                source,
            })
        });
    own.next().or(policy)
}

/// Takes a key apart: the setting's key, and the container it is for. `None`: not ours, or our own status.
fn split(key: &str) -> Option<(&str, Option<&str>)> {
    let (prefix, name) = key.split_once('/')?;
    if prefix == DOMAIN {
        return (key != STATUS).then_some((name, None));
    }
    let setting = prefix.strip_suffix(DOMAIN)?.strip_suffix('.')?;
    Some((setting, Some(name)))
}

/// Whether a key of an annotation or a label is one of softstop's, known or not, or its status.
pub fn is_own_key(key: &str) -> bool {
    key == STATUS || split(key).is_some()
}

fn has_container(pod: PodView<'_>, name: &str) -> bool {
    pod.containers()
        .chain(pod.init_containers())
        .any(|container| container.name() == name)
}
