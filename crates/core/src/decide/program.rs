//! What is decided by the program itself: whether and on which signal it drains.

use softstop_programs::signal::Signal;

use super::drain::{self, Drains};
use super::{Chooser, Decision, Need, hazard};
use crate::observe::runs::{Program, Script};
use crate::{Verdict, story};

const OTHER_SIGNAL: &str = "the program drains on another signal than the one it will get";

impl Chooser<'_, '_> {
    /// The main program is PID 1 already, or becomes so without an edit.
    ///
    /// | it | verdict |
    /// |---|---|
    /// | drains on TERM, or nobody can see its handler | direct |
    /// | drains on another signal | direct if the image's STOPSIGNAL is that; else G |
    /// | has no drain | direct, the drain delay grows by the drain time |
    /// | has no handler | leave; H if something was started before it |
    /// | is unknown | H: it may be a script; behind `exec` in a script: direct, as after softstop's own edit |
    pub(super) fn direct(&self, programs: &[&Program], script: Option<&Script>) -> Decision {
        let (drains, env) = drain::of_all(self.container, programs);
        let decision = match drains {
            Drains::OnTerm => self.verdict(
                Verdict::Direct,
                "drains-on-term",
                "the program is PID 1 and drains on SIGTERM",
            ),
            Drains::OnStopSignal(_) => self.verdict(
                Verdict::Direct,
                "drains-on-stopsignal",
                "the program is PID 1, and the image's STOPSIGNAL is the one that drains it",
            ),
            Drains::Unseen => self.verdict(
                Verdict::Direct,
                "application",
                "the program is PID 1; whether it handles SIGTERM is up to the application",
            ),
            Drains::Never => Decision {
                drain_in_delay: true,
                ..self.verdict(
                    Verdict::Direct,
                    "no-drain",
                    "the program is PID 1 and stops at once: only a delay protects its requests",
                )
            },
            Drains::On(signal) => self.hook(&Self::other_signal(signal)),
            Drains::NoHandler => self.no_handler(script.is_some_and(Script::runs_before_tail)),
            // As softstop leaves it behind: what it has exec'd, it does not plan anew.
            Drains::Unknown if script.is_some() => self.verdict(
                Verdict::Direct,
                "exec-present",
                "the script replaces itself by the program, whose handler nobody can see",
            ),
            Drains::Unknown => self.hook(&self.need(
                "unknown-program",
                "the program is not known and may be a script",
            )),
        };
        decision.with(drains, env)
    }

    /// `exec` is proven to change nothing but the process tree.
    ///
    /// | it | verdict |
    /// |---|---|
    /// | drains on TERM | exec |
    /// | drains on another signal | exec if the image's STOPSIGNAL is that; else G |
    /// | has no drain | exec, the drain delay grows by the drain time, if that fits; else leave |
    /// | has no handler | leave; H if something was started before it |
    /// | meets a hazard of being PID 1 | I |
    /// | nobody can see its handler, or it is unknown | exec, never without the drain delay where it serves |
    pub(super) fn exec(&self, programs: &[&Program], script: &Script) -> Decision {
        let (drains, env) = drain::of_all(self.container, programs);
        let proven = || {
            self.verdict(
                Verdict::Exec,
                "exec-proven",
                "exec changes nothing here but the process tree",
            )
        };
        let decision = match drains {
            // The shell stays: softstop-init sees each program, and none needs to be told of PID 1.
            Drains::On(_) if self.is_mixed() && !story::may_replace_itself(self.container) => {
                self.hook(&self.need("other-signal", OTHER_SIGNAL))
            }
            Drains::On(signal) => self.hook(&Self::other_signal(signal)),
            Drains::NoHandler => self.no_handler(script.runs_before_tail()),
            _ => match hazard::find(self.container, self.around.sends_signals, script) {
                Some(hazard) => self.init(&self.need("pid1-hazard", hazard)),
                None => match drains {
                    Drains::Never => Decision {
                        drain_in_delay: true,
                        needs_delay: true,
                        ..proven()
                    },
                    Drains::Unseen | Drains::Unknown => Decision {
                        needs_delay: self.container.serves,
                        ..proven()
                    },
                    _ => proven(),
                },
            },
        };
        decision.with(drains, env)
    }

    fn no_handler(&self, after_others: bool) -> Decision {
        if after_others {
            self.hook(&self.need(
                "idle-after-daemons",
                "the last command only idles; what the script started before may do the work",
            ))
        } else {
            self.leave(
                "no-handler",
                "the program has no handler for SIGTERM: there is nothing to drain",
            )
        }
    }

    fn other_signal(signal: Signal) -> Need<'static> {
        Need {
            reason: "other-signal",
            why: OTHER_SIGNAL,
            signal: Some(signal),
        }
    }
}
