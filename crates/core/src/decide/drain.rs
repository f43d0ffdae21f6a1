//! What drains a program in this container, its environment taken into account.

use softstop_programs::launcher::Passing;
use softstop_programs::profile::{Drain, EnvValue, GracefulEnv};
use softstop_programs::signal::Signal;

use crate::observe::runs::Program;
use crate::observe::{Observed, has_flag};

/// What drains the main program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drains {
    /// SIGTERM does.
    OnTerm,
    /// Another signal does, and it is what the image's STOPSIGNAL says.
    OnStopSignal(Signal),
    /// Another signal does.
    On(Signal),
    /// Nothing does: it stops at once.
    Never,
    /// It has no handler.
    NoHandler,
    /// The application's own business.
    Unseen,
    /// The program is not known.
    Unknown,
}

/// A variable to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnvFix {
    pub(crate) name: &'static str,
    pub(crate) value: EnvValue,
}

/// What a group-signalling init in front of the program means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// There is none, or the program bears it.
    Fine,
    /// `DUMB_INIT_SETSID=0` repairs it.
    Repairable,
    /// Its workers are interrupted.
    Harms,
}

/// The variable that makes dumb-init signal its direct child only (measured with dumb-init 1.2.5 and Celery 5.7).
pub(crate) const DUMB_INIT: EnvFix = EnvFix {
    name: "DUMB_INIT_SETSID",
    value: EnvValue::Literal("0"),
};

/// What drains all of these programs (the tails of a script), and the variables that are needed for it.
/// Where they differ, the one that is hardest to drain decides.
pub(crate) fn of_all(container: &Observed<'_>, programs: &[&Program]) -> (Drains, Vec<EnvFix>) {
    let mut env: Vec<EnvFix> = Vec::new();
    let mut worst = None;
    for program in programs {
        let (drains, fixes) = of(container, program);
        for fix in fixes {
            if !env.iter().any(|known| known.name == fix.name) {
                env.push(fix);
            }
        }
        worst = Some(worst.map_or(drains, |worst| harder(worst, drains)));
    }
    if group_signal(container, programs) == Group::Repairable {
        env.push(DUMB_INIT);
    }
    (worst.unwrap_or(Drains::Unknown), env)
}

fn of(container: &Observed<'_>, program: &Program) -> (Drains, Vec<EnvFix>) {
    // What arrives: the image's STOPSIGNAL, SIGTERM where nobody knows, as the launchers in front translate it.
    let sent = container.argv.stop_signal.unwrap_or(Signal::TERM);
    let launchers = container.runs.launchers().iter().chain(&program.launchers);
    let arrives = match launchers.filter_map(|peel| peel.term_becomes).next_back() {
        Some(rewritten) if sent == Signal::TERM => rewritten,
        _ => sent,
    };
    let on = |signal: Signal| match signal {
        Signal::TERM if arrives == signal => Drains::OnTerm,
        _ if arrives == signal => Drains::OnStopSignal(signal),
        _ => Drains::On(signal),
    };
    if let Some(signal) = &container.settings.stop_signal {
        return (on(signal.value), Vec::new());
    }
    let Some(profile) = program.profile else {
        return (Drains::Unknown, Vec::new());
    };
    let plain = match profile.drain {
        Drain::On(signal) => on(signal),
        Drain::Never => Drains::Never,
        Drain::NoHandler => Drains::NoHandler,
        Drain::Application => Drains::Unseen,
    };
    match profile
        .graceful_env
        .map(|graceful| environment(container, program, &graceful))
    {
        None | Some(Environment::Blocked) => (plain, Vec::new()),
        Some(Environment::Configured) => (Drains::Unseen, Vec::new()),
        Some(Environment::Set) => (on(Signal::TERM), Vec::new()),
        Some(Environment::Missing(fixes)) => (on(Signal::TERM), fixes),
    }
}

/// How a profile's graceful environment stands in this container.
enum Environment {
    /// The user configured the same thing otherwise.
    Configured,
    /// It is set.
    Set,
    /// It can be set.
    Missing(Vec<EnvFix>),
    /// Something else is or may be set there.
    Blocked,
}

fn environment(container: &Observed<'_>, program: &Program, graceful: &GracefulEnv) -> Environment {
    if has_flag(&program.words, graceful.unless) {
        return Environment::Configured;
    }
    let mut missing = Vec::new();
    for (name, value) in graceful.vars {
        let set = program.env(name).or_else(|| container.env.value(name));
        match (set, value) {
            (Some(set), EnvValue::Literal(wanted)) if set == *wanted => {}
            (Some(_), EnvValue::DrainMillis) => {}
            _ if program.sets(name) || container.env.may_have(name) => return Environment::Blocked,
            _ => missing.push(EnvFix {
                name,
                value: *value,
            }),
        }
    }
    if missing.is_empty() {
        Environment::Set
    } else {
        Environment::Missing(missing)
    }
}

/// Whether the init in front of these programs signals workers that cannot bear it.
pub(crate) fn group_signal(container: &Observed<'_>, programs: &[&Program]) -> Group {
    let harmed = programs
        .iter()
        .any(|program| program.profile.is_some_and(|p| p.group_signal_harms));
    let inits = container
        .runs
        .launchers()
        .iter()
        .chain(programs.iter().flat_map(|program| &program.launchers));
    let mut worst = Group::Fine;
    for peel in inits.filter(|_| harmed) {
        if peel.passing_in(|name| container.env.value(name)) == Passing::GroupInit {
            if peel.launcher.name != "dumb-init" || container.env.may_have(DUMB_INIT.name) {
                return Group::Harms;
            }
            worst = Group::Repairable;
        }
    }
    worst
}

fn harder(a: Drains, b: Drains) -> Drains {
    let rank = |drains: Drains| match drains {
        Drains::OnTerm => 0,
        Drains::OnStopSignal(_) => 1,
        Drains::NoHandler => 2,
        Drains::Unseen => 3,
        Drains::Unknown => 4,
        Drains::Never => 5,
        Drains::On(_) => 6,
    };
    if rank(b) > rank(a) { b } else { a }
}
