//! What is done about each container's entrypoint: the decision table.
//!
//! First match wins. H is the preStop hook where it is possible, else I; I is softstop-init as PID 1 where that is
//! possible, else `leave`; G is H that sends the drain signal, to PID 1 too.
//!
//! | container | verdict |
//! |---|---|
//! | setting `off`, mirror pod, hostProcess, Windows, injected by others | leave |
//! | softstop-init is there already | direct |
//! | argv not proven | H |
//! | must not be PID 1 (Julia), or a loop restarts the program | I |
//! | a launcher that keeps the signal, a script file, a refused script, a script with a trap | H |
//! | a program that only the setting `runtime` names, no shell | the hook where it is possible, else as the next |
//! | no shell, or every tail is `exec` already | by the program: see [`Chooser::direct`] |
//! | exec is proven | by the program: see [`Chooser::exec`] |

mod drain;
mod hazard;
mod injection;
mod program;
#[cfg(test)]
mod tests;

pub(crate) use drain::{DUMB_INIT, Drains, EnvFix, Group, group_signal};
pub(crate) use hazard::sends_signals;

use softstop_programs::signal::Signal;

use crate::observe::Observed;
use crate::observe::runs::{Opaque, Program, Runs, Script};
use crate::pod::PodView;
use crate::shell::Outcome;
use crate::story;
use crate::{Capabilities, Entrypoint, Verdict};

/// What is decided about one container.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    /// Stable code of the reason, in kebab case.
    pub(crate) reason: &'static str,
    /// One sentence without a full stop.
    pub(crate) why: String,
    /// Nothing at all is done with this container, not even delay and grace.
    pub(crate) untouched: bool,
    /// What drains the main program once the plan is carried out.
    pub(crate) drains: Drains,
    /// Variables to set so that it does.
    pub(crate) env: Vec<EnvFix>,
    /// The signal that softstop-init sends, where it is not the one it receives.
    pub(crate) signal: Option<Signal>,
    /// Where `exec ` goes: byte offsets in the expanded script.
    pub(crate) inserts: Vec<usize>,
    /// The program has no drain: its drain time is added to the delay.
    pub(crate) drain_in_delay: bool,
    /// Only with a drain delay, or not at all: the program now stops at once where it served until the end before.
    pub(crate) needs_delay: bool,
    /// softstop-init would have been the answer, but it may not or cannot be brought in.
    pub(crate) wanted: Option<Verdict>,
}

/// The least grace, in seconds, that leaves time for a hook.
pub(crate) const HOOK_GRACE: u64 = 2;

/// What the decision for a container depends on beside the container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) pod: PodView<'a>,
    pub(crate) capabilities: &'a Capabilities,
    /// The grace that the pod will have.
    pub(crate) grace: u64,
    /// A hook or probe of the pod sends signals from inside a container.
    pub(crate) sends_signals: bool,
}

/// Decides about one container.
pub(crate) fn decide(container: &Observed<'_>, around: Surroundings<'_>) -> Decision {
    let chooser = Chooser { container, around };
    if let Some((reason, why)) = left_alone(container, around.pod) {
        return Decision {
            untouched: true,
            ..chooser.leave(reason, why)
        };
    }
    if around.pod.is_windows() {
        return chooser.leave(
            "windows",
            "Windows containers get no signal that softstop could route",
        );
    }
    chooser.choose()
}

/// Containers that nothing at all is done with.
fn left_alone(container: &Observed<'_>, pod: PodView<'_>) -> Option<(&'static str, &'static str)> {
    let host_process = || {
        pod.security(container.view, "windowsOptions")
            .and_then(|options| options.get("hostProcess"))
            .is_some_and(|value| value == true)
    };
    if container.settings.entrypoint.value == Entrypoint::Off {
        Some(("off", "the setting entrypoint is off"))
    } else if pod.is_mirror() {
        Some((
            "mirror-pod",
            "the kubelet runs a static pod from its file and recreates a copy that differs",
        ))
    } else if host_process() {
        Some((
            "host-process",
            "a hostProcess container runs on the host itself",
        ))
    } else if container.foreign {
        Some((
            "injected-by-others",
            "another system brought this container into the pod and stops it itself",
        ))
    } else {
        None
    }
}

struct Chooser<'a, 'b> {
    container: &'a Observed<'b>,
    around: Surroundings<'a>,
}

/// What softstop-init is needed for.
struct Need<'a> {
    reason: &'static str,
    why: &'a str,
    signal: Option<Signal>,
}

impl Chooser<'_, '_> {
    fn choose(&self) -> Decision {
        let forced = self.container.settings.entrypoint.value;
        match (&self.container.runs, forced) {
            (Runs::Init(_), _) => self.injected(
                Verdict::Direct,
                &self.need("init-present", "softstop-init is PID 1 already"),
            ),
            (Runs::Nothing, _) => self.leave("no-command", "the container has no command to run"),
            (_, Entrypoint::Init) => self.init(&self.need("forced", "the setting entrypoint is init")),
            (_, Entrypoint::Hook) => self.forced_hook(),
            (Runs::Unknown, _) => self.hook(&self.need("argv-unknown", "the entrypoint stands in the image, and no image facts are given")),
            (runs, _) if runs.swallower().is_some() => self.hook(&self.need(LAUNCHER_SWALLOWS.0, LAUNCHER_SWALLOWS.1)),
            _ if !self.container.argv.is_proven() => self.hook(&self.need(
                "argv-unproven",
                "the entrypoint stands in the image, and the facts are keyed by a tag, which may have moved",
            )),
            (Runs::Program(program), _) => self.program(program),
            (Runs::Script(script), _) => self.script(script),
            (Runs::File { .. }, _) => self.hook(&self.need("script-file", "the start script is a file that softstop cannot see")),
            (Runs::Opaque { why: Opaque::NoScript, .. }, _) => self.leave(Opaque::NoScript.code(), Opaque::NoScript.explain()),
            (Runs::Opaque { why, .. }, _) => self.hook(&self.need(why.code(), why.explain())),
        }
    }

    fn program(&self, program: &Program) -> Decision {
        if let Some(decision) = self.before_drain(&[program]) {
            return decision;
        }
        // Named by the setting `runtime` alone, it may be a script as one that is not known may be.
        if program.profile.is_some() && !program.names_itself() && self.why_no_hook().is_none() {
            return self.injected(
                Verdict::Hook,
                &self.need(
                    "named-program",
                    "the setting runtime names the program, which may have a script in front of it",
                ),
            );
        }
        self.direct(&[program], None)
    }

    fn script(&self, script: &Script) -> Decision {
        let tails: Vec<_> = script.tails.iter().collect();
        match &script.reading.outcome {
            Outcome::Empty => self.leave("empty-script", "the script is empty"),
            Outcome::OnlyBuiltins => self.leave(
                "only-builtins",
                "the script runs nothing but the shell's own commands",
            ),
            Outcome::HandlesTerm => {
                self.hook(&self.need("trap", "the script traps SIGTERM itself"))
            }
            Outcome::Refused(_) if script.reading.restarts.is_some() => {
                self.init(&self.need("loop", "a loop in the script restarts the program"))
            }
            Outcome::Refused(refusal) => {
                if let Some(decision) = self.not_pid1(&tails) {
                    return decision;
                }
                self.hook(&self.need(refusal.reason.code(), refusal.reason.explain()))
            }
            Outcome::AlreadyExec => match self.before_drain(&tails) {
                Some(decision) => decision,
                None => self.direct(&tails, Some(script)),
            },
            Outcome::Exec(offsets) => match self.before_drain(&tails) {
                Some(decision) => decision,
                None => Decision {
                    inserts: offsets.clone(),
                    ..self.exec(&tails, script)
                }
                .settled(),
            },
        }
    }

    /// What comes before the question how the program drains.
    fn before_drain(&self, programs: &[&Program]) -> Option<Decision> {
        if let Some(decision) = self.not_pid1(programs) {
            return Some(decision);
        }
        for program in programs {
            if program.swallower().is_some() {
                return Some(self.hook(&self.need(LAUNCHER_SWALLOWS.0, LAUNCHER_SWALLOWS.1)));
            }
            if program.is_shell() {
                return Some(
                    self.hook(&self.need("inner-shell", "the last command is a shell of its own")),
                );
            }
        }
        if drain::group_signal(self.container, programs) == drain::Group::Harms {
            return Some(self.hook(&self.need(
                "group-signal",
                "the init in front of the program signals the whole process group, and so its workers",
            )));
        }
        None
    }

    fn not_pid1(&self, programs: &[&Program]) -> Option<Decision> {
        let main = self.container.profile();
        let mut profiles = programs
            .iter()
            .filter_map(|program| program.profile)
            .chain(main);
        let profile = profiles.find(|profile| profile.not_pid1)?;
        let has_hook = !self.container.slot.is_free() || self.container.settings.pre_stop.is_some();
        if has_hook && story::shell_stays(self.container) {
            return Some(self.leave("hook-drains", "the preStop hook stops the program, and the shell in front of it is PID 1 in its place"));
        }
        let why = format!(
            "{} must not be PID 1: its preStop hook would end with it",
            profile.title
        );
        Some(self.init(&Need {
            reason: "not-pid1",
            why: &why,
            signal: None,
        }))
    }

    fn need<'a>(&self, reason: &'static str, why: &'a str) -> Need<'a> {
        Need {
            reason,
            why,
            signal: self
                .container
                .settings
                .stop_signal
                .as_ref()
                .map(|s| s.value),
        }
    }

    fn leave(&self, reason: &'static str, why: &str) -> Decision {
        self.verdict(Verdict::Leave, reason, why)
    }

    fn verdict(&self, verdict: Verdict, reason: &'static str, why: &str) -> Decision {
        let programs: Vec<_> = self.container.main_program().into_iter().collect();
        let (drains, _) = drain::of_all(self.container, &programs);
        Decision {
            verdict,
            reason,
            why: why.to_owned(),
            untouched: false,
            drains,
            env: Vec::new(),
            signal: None,
            inserts: Vec::new(),
            drain_in_delay: false,
            needs_delay: false,
            wanted: None,
        }
    }
}

impl Decision {
    /// What kept the signal from the program does so no longer, once the plan is carried out.
    pub(crate) fn reroutes(&self) -> bool {
        matches!(self.verdict, Verdict::Exec | Verdict::Init | Verdict::Hook)
    }

    /// Edits belong to the verdict `exec` alone.
    fn settled(mut self) -> Self {
        if self.verdict != Verdict::Exec {
            self.inserts.clear();
        }
        self
    }

    /// What drains the programs in tail position, and their variables beside those that the decision has already.
    fn with(self, drains: Drains, mut env: Vec<EnvFix>) -> Self {
        for fix in &self.env {
            if !env.contains(fix) {
                env.push(*fix);
            }
        }
        Self {
            drains,
            env,
            ..self
        }
    }

    /// Takes back an `exec` that would be worse than none.
    pub(crate) fn withdraw(&mut self, reason: &'static str, why: &str) {
        self.verdict = Verdict::Leave;
        self.reason = reason;
        why.clone_into(&mut self.why);
        self.inserts.clear();
        self.drain_in_delay = false;
        self.needs_delay = false;
        self.env.clear();
    }
}

/// Reason and explanation, wherever the launcher stands.
const LAUNCHER_SWALLOWS: (&str, &str) = (
    "launcher-swallows",
    "the launcher in front of the program does not pass SIGTERM on",
);
