//! What one source says.

use softstop_programs::signal::Signal;

use super::{Issue, IssueKind, split};
use crate::annotations::{self, BadValue};
use crate::{Context, Entrypoint, Mode, PreStop, Runtime, Setting};

/// The values one source gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) mode: Option<Mode>,
    pub(super) entrypoint: Option<Entrypoint>,
    pub(super) drain_delay: Option<u32>,
    pub(super) drain_time: Option<u32>,
    pub(super) grace_period: Option<u32>,
    pub(super) pre_stop: Option<PreStop>,
    pub(super) stop_signal: Option<Signal>,
    pub(super) runtime: Option<Runtime>,
    pub(super) writable: Option<Vec<String>>,
    pub(super) trust_sourced_files: Option<bool>,
}

impl Layer {
    pub(super) fn set(&mut self, setting: Setting, text: &str) -> Result<(), BadValue> {
        let choice = |choices: &str| BadValue(choices.into());
        match setting {
            Setting::Mode => {
                self.mode = Some(Mode::parse(text).ok_or_else(|| choice("enforce, audit or off"))?);
            }
            Setting::Entrypoint => {
                let value = Entrypoint::parse(text)
                    .ok_or_else(|| choice("auto, exec, init, hook or off"))?;
                self.entrypoint = Some(value);
            }
            Setting::DrainDelay => self.drain_delay = Some(annotations::duration(text)?),
            Setting::DrainTime => self.drain_time = Some(annotations::duration(text)?),
            Setting::GracePeriod => self.grace_period = Some(annotations::duration(text)?),
            Setting::PreStop => self.pre_stop = Some(PreStop::parse(text)?),
            Setting::StopSignal => self.stop_signal = Some(annotations::stop_signal(text)?),
            Setting::Runtime => self.runtime = Some(Runtime::parse(text)?),
            Setting::Writable => self.writable = Some(annotations::writable(text)?),
            Setting::TrustSourcedFiles => {
                self.trust_sourced_files =
                    Some(text.parse().map_err(|_| choice("\"true\" or \"false\""))?);
            }
        }
        Ok(())
    }
}

/// The namespace's layer: the mode is a label, so that selectors see it; the rest are annotations.
pub(super) fn read_namespace(context: &Context<'_>, issues: &mut Vec<Issue>) -> Layer {
    let mut layer = Layer::default();
    let namespace = context.namespace;
    let label = namespace
        .labels
        .iter()
        .filter(|(key, _)| split(key) == Some((Setting::Mode.key(), None)));
    let annotations = namespace.annotations.iter();
    for (key, text) in label.chain(annotations) {
        let Some((name, target)) = split(key) else {
            continue;
        };
        let is_label = name == Setting::Mode.key();
        let outcome = match Setting::from_key(name) {
            _ if target.is_some() => Err(IssueKind::UnknownKey),
            None => Err(IssueKind::UnknownKey),
            Some(Setting::Mode) if !namespace.labels.contains_key(key) => Err(IssueKind::BadValue(
                BadValue("a label of the namespace, not an annotation".into()),
            )),
            Some(setting) => layer.set(setting, text).map_err(IssueKind::BadValue),
        };
        if let Err(kind) = outcome {
            let place = if is_label { "label" } else { "annotation" };
            issues.push(Issue {
                pointer: String::new(),
                key: format!("{key} (a {place} of namespace {})", namespace.name),
                kind,
            });
        }
    }
    layer
}
