//! Whether softstop-init can be brought to a container, and in which role.

use softstop_programs::profile::Drain;
use softstop_programs::signal::Signal;

use super::drain::{self, Drains};
use super::{Chooser, Decision, HOOK_GRACE, Need};
use crate::observe::pre_stop::Slot;
use crate::{Entrypoint, Verdict, inject};

impl Chooser<'_, '_> {
    /// H: the hook where it is possible, else I.
    pub(super) fn hook(&self, need: &Need<'_>) -> Decision {
        if let Some(obstacle) = self.why_no_injection() {
            return self.not_injected(Verdict::Hook, need, obstacle);
        }
        match self.why_no_hook() {
            None => self.injected(Verdict::Hook, need),
            Some(_) => self.init(need),
        }
    }

    pub(super) fn forced_hook(&self) -> Decision {
        let need = self.need("forced", "the setting entrypoint is hook");
        match self.why_no_hook() {
            None => self.injected(Verdict::Hook, &need),
            Some(obstacle) => self.not_injected(Verdict::Hook, &need, obstacle),
        }
    }

    /// I: softstop-init as PID 1 where it is possible, else leave.
    pub(super) fn init(&self, need: &Need<'_>) -> Decision {
        if let Some(obstacle) = self.why_no_injection() {
            self.not_injected(Verdict::Init, need, obstacle)
        } else if self.container.argv.is_proven() && !self.container.argv.words.is_empty() {
            self.injected(Verdict::Init, need)
        } else {
            self.not_injected(
                Verdict::Init,
                need,
                "the command is not known, so softstop-init cannot run it",
            )
        }
    }

    pub(super) fn injected(&self, verdict: Verdict, need: &Need<'_>) -> Decision {
        let programs: Vec<_> = self.container.main_program().into_iter().collect();
        let (drains, env) = drain::of_all(self.container, &programs);
        Decision {
            signal: need.signal.or_else(|| self.signal(drains)),
            env,
            // What has no drain gets none by softstop-init either.
            drain_in_delay: drains == Drains::Never,
            ..self.verdict(verdict, need.reason, need.why)
        }
    }

    /// The signal that softstop-init is told to send. Untold it sends each program what is known to drain that, leaves
    /// alone what no signal drains, and sends SIGTERM to the rest.
    fn signal(&self, drains: Drains) -> Option<Signal> {
        let profile = self.container.main_program()?.profile;
        match drains {
            // One signal for all would be wrong for some.
            _ if self.is_mixed() => None,
            Drains::On(signal) | Drains::OnStopSignal(signal) => Some(signal),
            // Its requests are done when the longer delay is over, or a variable makes it drain on SIGTERM.
            _ if profile.is_some_and(|profile| profile.drain == Drain::Never) => Some(Signal::TERM),
            _ => None,
        }
    }

    /// The programs of a script differ in what drains them.
    pub(super) fn is_mixed(&self) -> bool {
        let runtime = self.container.settings.runtime.value;
        let script = self.container.runs.script();
        script.is_some_and(|script| script.is_mixed(runtime))
    }

    fn not_injected(&self, wanted: Verdict, need: &Need<'_>, obstacle: &str) -> Decision {
        let why = format!("{}; {obstacle}", need.why);
        Decision {
            wanted: Some(wanted),
            ..self.verdict(Verdict::Leave, need.reason, &why)
        }
    }

    fn why_no_injection(&self) -> Option<&'static str> {
        if self.around.capabilities.injection.is_none() {
            Some("this installation does not bring softstop-init into pods")
        } else if self.container.settings.entrypoint.value == Entrypoint::Exec {
            Some("the setting entrypoint is exec: edits only")
        } else if inject::is_taken(self.around.pod, self.container.view) {
            Some("the pod has something of its own where softstop-init would go")
        } else {
            None
        }
    }

    pub(super) fn why_no_hook(&self) -> Option<&'static str> {
        if let Some(obstacle) = self.why_no_injection() {
            Some(obstacle)
        } else if self.around.pod.shares_pid_namespace() {
            Some("the pod shares a PID namespace, so PID 1 is not the container's")
        } else if !(self.container.slot.is_free() || matches!(self.container.slot, Slot::Own(_))) {
            Some("the container has a preStop hook of its own")
        } else if self.container.settings.pre_stop.is_some() {
            Some("the setting pre-stop takes the preStop slot")
        } else if self.around.grace < HOOK_GRACE {
            Some("a grace of 0 or 1 leaves no time for a hook")
        } else {
            None
        }
    }
}
