//! What will happen, told for people: who is PID 1, and what a stop does, before and after.

use softstop_programs::launcher::Passing;
use softstop_programs::profile::Drain;

use crate::budget::{Budget, Share};
use crate::decide::{Decision, Drains};
use crate::observe::Observed;
use crate::observe::argv::Origin;
use crate::observe::runs::{Opaque, Runs};
use crate::plan::{ContainerPlan, Verdict};
use crate::pod::PodView;
use crate::shell::{Dialect, Outcome};

/// Tells one container's story.
pub(crate) fn tell(
    pod: PodView<'_>,
    container: &Observed<'_>,
    decision: &Decision,
    share: &Share,
    budget: &Budget,
) -> ContainerPlan {
    let shared = pod.shares_pid_namespace();
    let pid1 = if shared {
        "not the container's own (the PID namespace is shared)".to_owned()
    } else {
        pid1(container)
    };
    let pid1_after = match decision.verdict {
        _ if shared => pid1.clone(),
        Verdict::Exec => container.title(),
        Verdict::Init => crate::observe::INIT.to_owned(),
        Verdict::Direct | Verdict::Hook | Verdict::Leave => pid1.clone(),
    };
    let argv = (container.argv.origin != Origin::Unknown).then(|| {
        container
            .argv
            .words
            .iter()
            .map(|word| word.text.clone())
            .collect()
    });
    let program = container
        .main_program()
        .map(|program| program.name.clone())
        .filter(|name| !name.is_empty());
    let on_stop = before(container, decision, budget);
    let on_stop_after =
        after(container, decision, share, budget).unwrap_or_else(|| on_stop.clone());
    ContainerPlan {
        name: container.name.to_owned(),
        pointer: container.pointer.clone(),
        verdict: decision.verdict,
        reason: decision.reason,
        why: decision.why.clone(),
        argv,
        program,
        pid1,
        pid1_after,
        on_stop,
        on_stop_after,
    }
}

/// The program that the kubelet starts: the outermost launcher that stays, the shell, or the program itself.
fn pid1(container: &Observed<'_>) -> String {
    if let Some(peel) = container
        .runs
        .launchers()
        .iter()
        .find(|peel| peel.passing != Passing::Replaces)
    {
        return peel.launcher.name.to_owned();
    }
    match &container.runs {
        Runs::Unknown => "what the image's entrypoint says".to_owned(),
        Runs::Nothing => "nothing".to_owned(),
        Runs::Init(_) => crate::observe::INIT.to_owned(),
        Runs::Program(program) => program.name.clone(),
        Runs::Script(script) if script.reading.replaced => container.title(),
        Runs::Script(script) => script.shell.clone(),
        Runs::File { shell, .. } | Runs::Opaque { shell, .. } => shell.clone(),
    }
}

/// No launcher that stays is in front of what the container runs.
pub(crate) fn is_pid1(container: &Observed<'_>) -> bool {
    container
        .runs
        .launchers()
        .iter()
        .all(|peel| peel.passing == Passing::Replaces)
}

/// Whether a shell stands between the kubelet and the program.
pub(crate) fn shell_stays(container: &Observed<'_>) -> bool {
    match &container.runs {
        Runs::Script(script) => {
            !script.reading.replaced
                && !matches!(
                    script.reading.outcome,
                    Outcome::Empty | Outcome::OnlyBuiltins
                )
        }
        Runs::Opaque { why, .. } => *why != Opaque::NoScript,
        // The last command of a file may well be `exec`: nobody can see it.
        Runs::Unknown | Runs::Nothing | Runs::Init(_) | Runs::Program(_) | Runs::File { .. } => {
            false
        }
    }
}

/// An init in front of a shell that stays: the shell dies at once, and the kernel kills the program with the init.
pub(crate) fn init_before_shell(container: &Observed<'_>) -> bool {
    shell_stays(container) && init_in_front(container)
}

fn init_in_front(container: &Observed<'_>) -> bool {
    container
        .runs
        .launchers()
        .iter()
        .any(|peel| matches!(peel.passing, Passing::Init | Passing::GroupInit))
}

/// A launcher in front of the program keeps the stop signal from it.
fn launcher_keeps_signal(container: &Observed<'_>) -> bool {
    let program = container.main_program();
    container.runs.swallower().is_some()
        || program.is_some_and(|program| program.swallower().is_some())
}

/// As the pod is written, nothing tells the program to stop until it is killed at the end of the grace. A bash that may
/// replace itself counts, a trap and an init in front of a shell do not: they end the program before.
pub(crate) fn works_until_killed(container: &Observed<'_>) -> bool {
    (shell_stays(container) || launcher_keeps_signal(container))
        && !init_in_front(container)
        && !traps(container)
}

/// bash replaces itself by the last command of `-c`, depending on its version and on the script (measured: 5.1 and 5.2
/// for most scripts, 4.2 and 5.0 for fewer). Debian's `sh` never does.
pub(crate) fn may_replace_itself(container: &Observed<'_>) -> bool {
    container.runs.script().is_some_and(|script| {
        script.dialect == Dialect::Bash && matches!(script.reading.outcome, Outcome::Exec(_))
    })
}

/// The stop signal gets to the program, now or once softstop's `exec` is there.
pub(crate) fn gets_signal(container: &Observed<'_>, decision: &Decision) -> bool {
    !launcher_keeps_signal(container)
        && (decision.verdict == Verdict::Exec || !shell_stays(container))
}

/// A trap of the script is set when SIGTERM comes. `exec` drops traps, except that an ignored signal stays ignored.
pub(crate) fn traps(container: &Observed<'_>) -> bool {
    container.runs.script().is_some_and(|script| {
        let trap = script.reading.trap.as_ref();
        trap.is_some_and(|trap| {
            !script.reading.replaced || trap.action.as_deref().is_none_or(str::is_empty)
        })
    })
}

pub(crate) fn before(container: &Observed<'_>, decision: &Decision, budget: &Budget) -> String {
    let title = container.title();
    let grace = budget.grace;
    if init_before_shell(container) {
        return format!(
            "the init ends the shell at once, and {title} is killed with it within 0.1 s"
        );
    }
    if traps(container) {
        return format!("the script's own trap decides what {title} gets");
    }
    if let Runs::File { file, .. } = &container.runs {
        return format!(
            "unless {file} ends in exec, the shell ignores SIGTERM, and the program is killed after {grace} s"
        );
    }
    if may_replace_itself(container) {
        return format!(
            "unless this bash replaces itself by {title}, it ignores SIGTERM, and {title} is killed after {grace} s"
        );
    }
    if shell_stays(container) {
        return format!(
            "the shell is PID 1 and ignores SIGTERM; {title} goes on until it is killed after {grace} s"
        );
    }
    if container
        .runs
        .main_program()
        .is_some_and(|program| program.swallower().is_some())
    {
        return format!("the launcher keeps SIGTERM from {title}, which is killed with it");
    }
    drains(container, decision, grace)
}

fn after(
    container: &Observed<'_>,
    decision: &Decision,
    share: &Share,
    budget: &Budget,
) -> Option<String> {
    if decision.untouched {
        return None;
    }
    let title = container.title();
    let delay = if share.delay > 0 {
        format!("{} s later ", share.delay)
    } else {
        String::new()
    };
    let left = budget.left(share);
    let no_drain = decision.drain_in_delay
        || container
            .profile()
            .is_some_and(|profile| profile.drain == Drain::Never);
    match decision.verdict {
        Verdict::Init | Verdict::Hook if no_drain && decision.signal.is_none() => Some(format!(
            "no signal is known to drain {title}, so softstop-init leaves it the time it has"
        )),
        verdict if decision.drain_in_delay && verdict != Verdict::Leave => Some(format!(
            "{title} has {} s to finish its requests, then stops at once",
            share.delay
        )),
        Verdict::Exec => Some(format!(
            "{title} gets the stop signal {delay}and has {left} s to finish"
        )),
        Verdict::Init | Verdict::Hook => Some(format!(
            "softstop-init sends {title} its drain signal {delay}and waits for it up to {left} s"
        )),
        Verdict::Direct | Verdict::Leave
            if budget.result > budget.grace || share.delay > container.slot.seconds() =>
        {
            let then = if shell_stays(container) && !traps(container) {
                before(
                    container,
                    decision,
                    &Budget {
                        grace: budget.result,
                        ..budget.clone()
                    },
                )
            } else {
                drains(container, decision, left)
            };
            Some(if share.delay > 0 {
                format!("{} s pass without SIGTERM, then {then}", share.delay)
            } else {
                then
            })
        }
        Verdict::Direct | Verdict::Leave => None,
    }
}

fn drains(container: &Observed<'_>, decision: &Decision, grace: u64) -> String {
    let title = container.title();
    match decision.drains {
        Drains::OnTerm => format!("{title} gets SIGTERM, drains, and has {grace} s for it"),
        Drains::OnStopSignal(signal) => format!(
            "{title} gets {signal} from the image's STOPSIGNAL, drains, and has {grace} s for it"
        ),
        Drains::On(signal) => {
            format!("{title} gets SIGTERM, which does not drain it: {signal} would")
        }
        Drains::Never => format!("{title} stops at once and drops what it was doing"),
        Drains::NoHandler => {
            format!("{title} has no handler for SIGTERM and is killed after {grace} s")
        }
        Drains::Unseen => format!(
            "{title} gets SIGTERM; if the application handles it, it has {grace} s to finish"
        ),
        Drains::Unknown => format!("whether {title} gets and handles SIGTERM cannot be seen"),
    }
}
