//! What a container runs and how it is set up, as far as the pod and the image facts tell.

pub(crate) mod argv;
pub(crate) mod env;
mod interpreter;
pub(crate) mod pre_stop;
mod profile;
pub(crate) mod runs;

pub(crate) use profile::{FoundTime, drain_time, has_flag};

use std::ops::Range;

use serde_json::Value;
use softstop_programs::base_name;
use softstop_programs::launcher::Passing;
use softstop_programs::profile::Profile;

use crate::annotations::DOMAIN;
use crate::pod::{ContainerView, PodView, token};
use crate::settings::{ContainerSettings, Settings, Source, Sourced};
use crate::shell::{Outcome, SourcedFiles};
use crate::{Context, PreStop, Runtime, Setting};
use argv::Argv;
use env::Env;
use pre_stop::Slot;
use runs::{Program, Runs};

/// The base name of softstop's own init.
pub(crate) const INIT: &str = "softstop-init";

/// Containers that another system brings into pods, by name, and how to tell them.
const FOREIGN: [&str; 9] = [
    "istio-proxy",
    "linkerd-proxy",
    "vault-agent",
    "consul-dataplane",
    "envoy-sidecar",
    "queue-proxy",
    "daprd",
    "cloud-sql-proxy",
    "kuma-sidecar",
];

/// Words in a port's name that say: not for the clients of the service.
const SIDE_PORTS: [&str; 8] = [
    "metrics", "prom", "admin", "health", "probe", "monitor", "debug", "pprof",
];

/// One container, looked at.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) view: ContainerView<'a>,
    pub(crate) name: &'a str,
    pub(crate) pointer: String,
    pub(crate) settings: ContainerSettings,
    /// A hook that is asked for and would fail on every stop: it names a port that the container does not have.
    pub(crate) unusable_hook: Option<Sourced<PreStop>>,
    pub(crate) env: Env<'a>,
    pub(crate) argv: Argv<'a>,
    pub(crate) runs: Runs,
    /// What the setting `runtime` names, where the command shows no program.
    named: Option<Program>,
    pub(crate) slot: Slot,
    /// Clients connect to it: a network readiness probe, or a port that is not for metrics or the like.
    pub(crate) serves: bool,
    /// Another system brought it into the pod.
    pub(crate) foreign: bool,
    /// The smallest `terminationGracePeriodSeconds` of its liveness and startup probes, and its pointer.
    pub(crate) probe_grace: Option<(u64, String)>,
    /// The drain time found in argv or environment.
    pub(crate) found_time: Option<FoundTime>,
}

impl<'a> Observed<'a> {
    pub(crate) fn read(
        pod: PodView<'a>,
        view: ContainerView<'a>,
        settings: &Settings<'_>,
        context: &Context<'a>,
    ) -> Self {
        let name = view.name();
        let mut settings = settings.container(name);
        let unusable_hook = settings
            .pre_stop
            .take_if(|hook| !has_port(view, &hook.value));
        let env = Env::read(pod, view);
        let argv = Argv::read(view, &env, context);
        let sourced = if settings.trust_sourced_files.value {
            SourcedFiles::Harmless
        } else {
            SourcedFiles::Unknown
        };
        let runs = Runs::read(&argv, &env, settings.runtime.value, sourced);
        let named = match settings.runtime.value {
            Runtime::Profile(_) if runs.hides_program() => {
                Some(Program::read(&[], &[], settings.runtime.value))
            }
            _ => None,
        };
        let foreign = !settings.named && (FOREIGN.contains(&name) || is_foreign(&runs));
        let mut observed = Self {
            view,
            name,
            pointer: view.pointer(),
            slot: Slot::read(view),
            serves: serves(view),
            foreign,
            probe_grace: probe_grace(view),
            found_time: None,
            settings,
            unusable_hook,
            env,
            argv,
            runs,
            named,
        };
        observed.found_time = observed.main_program().and_then(|program| {
            let profile = program.profile?;
            drain_time(profile, &program.words, |name| {
                program.env(name).or_else(|| observed.env.value(name))
            })
        });
        observed
    }

    /// The program that does the container's work, as far as it can be told.
    pub(crate) fn main_program(&self) -> Option<&Program> {
        self.runs.main_program().or(self.named.as_ref())
    }

    /// softstop-init is PID 1 already: it sees to it that the signal arrives.
    pub(crate) fn has_init(&self) -> bool {
        matches!(self.runs, Runs::Init(_))
    }

    pub(crate) fn profile(&self) -> Option<&'static Profile> {
        match self.settings.runtime.value {
            Runtime::Profile(profile) => Some(profile),
            Runtime::None => None,
            Runtime::Auto => self.main_program()?.profile,
        }
    }

    /// What messages call the program.
    pub(crate) fn title(&self) -> String {
        match (self.profile(), self.main_program()) {
            (Some(profile), _) => profile.title.to_owned(),
            (None, Some(program)) if !program.name.is_empty() => program.name.clone(),
            _ => "the program".to_owned(),
        }
    }

    /// JSON pointer to the annotation that gives this container a setting; `None` where no annotation of the pod does.
    pub(crate) fn annotation(&self, source: &Source, setting: Setting) -> Option<String> {
        let key = match source {
            Source::Pod => format!("{DOMAIN}/{}", setting.key()),
            Source::Container => format!("{}.{DOMAIN}/{}", setting.key(), self.name),
            _ => return None,
        };
        Some(format!("/metadata/annotations/{}", token(&key)))
    }

    /// JSON pointer to the place that says what runs: the script, the first word, or the container.
    pub(crate) fn entry_pointer(&self) -> String {
        let index = match &self.runs {
            Runs::Script(script) => script.arg,
            _ => 0,
        };
        let place = self
            .argv
            .args
            .get(index)
            .and_then(|arg| arg.place.pointer());
        format!("{}{}", self.pointer, place.unwrap_or_default())
    }

    /// The bytes of the script that the verdict rests on: what `exec` goes before, to the end of its line, or what
    /// refuses it. `None` where there is no script in the pod.
    pub(crate) fn entry_span(&self) -> Option<Range<usize>> {
        let Runs::Script(script) = &self.runs else {
            return None;
        };
        let arg = self.argv.args.get(script.arg)?;
        arg.place.pointer()?;
        let span = match &script.reading.outcome {
            Outcome::Exec(offsets) => {
                let start = *offsets.first()?;
                let line = arg.text().get(start..)?.lines().next()?;
                start..start + line.trim_end().len()
            }
            Outcome::Refused(refusal) => refusal.at.clone(),
            _ => return None,
        };
        Some(
            arg.expanded
                .as_ref()
                .map_or(span.clone(), |expanded| expanded.raw(span)),
        )
    }
}

fn is_foreign(runs: &Runs) -> bool {
    // A supervisor's command line is never looked through.
    runs.main_program()
        .and_then(|program| program.unread)
        .is_some_and(|launcher| launcher.passing == Passing::Foreign)
}

fn serves(container: ContainerView<'_>) -> bool {
    let network_probe = container.get("readinessProbe").is_some_and(|probe| {
        ["httpGet", "tcpSocket", "grpc"]
            .iter()
            .any(|kind| probe.get(kind).is_some_and(|p| !p.is_null()))
    });
    let client_port = |port: &Value| {
        let name = port.get("name").and_then(Value::as_str).unwrap_or_default();
        !SIDE_PORTS.iter().any(|side| name.contains(side))
    };
    network_probe || container.list("ports").any(client_port)
}

/// The kubelet looks a named port up in the hook's own container.
fn has_port(container: ContainerView<'_>, hook: &PreStop) -> bool {
    match hook {
        PreStop::HttpGet { port, .. } if port.parse::<u16>().is_err() => container
            .list("ports")
            .any(|p| p.get("name").and_then(Value::as_str) == Some(port)),
        PreStop::HttpGet { .. } | PreStop::Exec(_) => true,
    }
}

fn probe_grace(container: ContainerView<'_>) -> Option<(u64, String)> {
    ["livenessProbe", "startupProbe"]
        .into_iter()
        .filter_map(|probe| {
            let seconds = container
                .get(probe)?
                .get("terminationGracePeriodSeconds")?
                .as_u64()?;
            Some((
                seconds,
                format!(
                    "{}/{probe}/terminationGracePeriodSeconds",
                    container.pointer()
                ),
            ))
        })
        .min()
}

/// The name a process shows: the base name of what is executed.
pub(crate) fn process_name(word: Option<&crate::argv::Word>) -> String {
    word.map(|word| base_name(&word.text).to_owned())
        .unwrap_or_default()
}
