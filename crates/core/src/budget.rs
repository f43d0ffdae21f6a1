//! How the grace is spent: delay, drain, margin.
//!
//! | symbol | rule |
//! |---|---|
//! | P | what the preStop already there takes; 0 where nobody can see it |
//! | d | slot taken: P · the setting drain-delay · a container that serves: 5 · else 0; Job pods 0 · where the signal is kept from the program now, and T is a default: at least G - T |
//! | T, m | drain-time · argv · the profile's finite default: m = 5 or 10 · unknown: T = max(0, G - P), m = 0 · no drain: added to d, T = 0, m = 5 |
//!
//! A default may be overruled in a file that nobody sees here (`gunicorn.conf.py`): beside it the program keeps all
//! the time it had, as one whose drain time is unknown does.
//!
//! A shell that keeps the signal lets its program work until both are killed. Once the signal arrives, the program's
//! own limit counts, which may be much shorter (Hypercorn: 3 s of 30): the delay makes up the difference.
//!
//! | symbol | rule |
//! |---|---|
//! | need | max over the containers of d + T + m |
//! | result | max(G, min(max(need, grace-period), the policy's max)) |

use softstop_programs::profile::Role;

use crate::decide::Decision;
use crate::observe::Observed;
use crate::observe::pre_stop::Slot;
use crate::pod::PodView;
use crate::settings::{Settings, Source, Sourced};
use crate::story;

/// The delay of a container that serves, where nobody says otherwise: endpoints are gone from every node by then.
const SERVING_DELAY: u64 = 5;

/// The longest delay that softstop makes up of its own accord (a day): settings and softstop-init know none above it.
const LONGEST_DELAY: u64 = 86_400;

/// The drain time of a program without a drain, where nobody says otherwise.
const NO_DRAIN_TIME: u64 = 10;

/// The margin beside a drain time, for profiles that need no more and where no profile is known.
const MARGIN: u64 = 5;

/// softstop raises no grace above this (30 days). The API server accepts any number, but near 2^63 the deletion
/// time wraps and the pod is killed at once (measured with 1.37).
const HIGHEST: u64 = 30 * 86_400;

/// The grace of a pod and how it came about.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    /// As the pod is written.
    pub(crate) grace: u64,
    /// What is needed, before any bound.
    pub(crate) need: u64,
    /// What it becomes.
    pub(crate) result: u64,
    /// The policy's maximum made it smaller than needed.
    pub(crate) capped: bool,
    /// The grace is 0 or 1, which was written on purpose, and the pod itself asks for nothing.
    pub(crate) hands_off: bool,
    /// One for each container, in order.
    pub(crate) shares: Vec<Share>,
}

/// What one container takes of the grace.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// The delay that is wanted (d), and who says so.
    pub(crate) wanted: Sourced<u64>,
    /// The delay it gets.
    pub(crate) delay: u64,
    /// What of the delay is there because the program ends sooner than it did while a shell kept the signal from it.
    pub(crate) made_up: u64,
    /// Until when its work goes on while nobody tells it to stop: for softstop-init, which sees whether that is so, unless
    /// somebody says how late it is to be told.
    pub(crate) worked_for: Option<u64>,
    /// The delay it would need, whatever stands in the preStop slot.
    pub(crate) required: u64,
    /// Nobody else's hook fixes it.
    cuttable: bool,
    /// Why it gets less than what is wanted.
    pub(crate) cut: Option<Cut>,
    /// The drain time (T); `None`: unknown, the program keeps what it had.
    pub(crate) drain: Option<DrainTime>,
    pub(crate) margin: u64,
    /// d + T + m, in seconds.
    pub(crate) need: u64,
}

/// A known drain time.
#[derive(Clone, Debug)]
pub(crate) struct DrainTime {
    pub(crate) seconds: u64,
    /// Who says so, for messages: `the pod's annotation`, `--graceful-timeout`, `Gunicorn's default`.
    pub(crate) says: String,
    /// It is what the program does where nobody configured it.
    pub(crate) is_default: bool,
}

/// Why a container gets no or less delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The policy's longest delay.
    DelayBound,
    /// It does not fit into the grace's maximum beside the drain time.
    GraceBound,
    /// A probe's own grace would not even cover the delay.
    ProbeGrace,
    /// A grace of 0 or 1.
    HandsOff,
}

/// Spends the grace.
pub(crate) fn budget(
    pod: PodView<'_>,
    settings: &Settings<'_>,
    containers: &[Observed<'_>],
    decisions: &[Decision],
) -> Budget {
    let grace = pod.grace();
    let asks = settings
        .grace_period
        .as_ref()
        .is_some_and(|g| g.source.is_own())
        || containers.iter().any(|container| {
            let own = |source: Option<&Source>| source.is_some_and(Source::is_own);
            let settings = &container.settings;
            own(settings.drain_delay.as_ref().map(|s| &s.source))
                || own(settings.drain_time.as_ref().map(|s| &s.source))
                || own(settings.pre_stop.as_ref().map(|s| &s.source))
        });
    let hands_off = grace <= 1 && !asks;
    let shares: Vec<_> = containers
        .iter()
        .zip(decisions)
        .map(|(container, decision)| share(pod, settings, container, decision, hands_off))
        .collect();

    let wanted = settings
        .grace_period
        .as_ref()
        .map_or(0, |g| u64::from(g.value));
    let floor = wanted.max(settings.bounds.grace_min.map_or(0, u64::from));
    let need = shares.iter().map(|share| share.need).max().unwrap_or(0);
    let ceiling = settings
        .bounds
        .grace_max
        .map_or(HIGHEST, u64::from)
        .min(HIGHEST);
    let result = if hands_off {
        grace
    } else {
        grace.max(need.max(floor).min(ceiling))
    };
    let capped = !hands_off && need.max(floor) > result;
    let shares = shares.into_iter().map(|share| fit(share, result)).collect();
    Budget {
        grace,
        need,
        result,
        capped,
        hands_off,
        shares,
    }
}

fn share(
    pod: PodView<'_>,
    settings: &Settings<'_>,
    container: &Observed<'_>,
    decision: &Decision,
    hands_off: bool,
) -> Share {
    let grace = pod.grace();
    if decision.untouched {
        let wanted = Sourced {
            value: container.slot.seconds(),
            source: Source::BuiltIn,
        };
        return Share {
            delay: wanted.value,
            made_up: 0,
            worked_for: None,
            required: 0,
            wanted,
            cuttable: false,
            cut: None,
            drain: None,
            margin: 0,
            need: 0,
        };
    }
    let taken = !container.slot.is_free();
    let cuttable = !taken && container.settings.pre_stop.is_none();
    let mut wanted = delay(pod, container);
    let mut required = required(pod, container).value;
    let known = drain_time(container, decision);
    let (drain, margin) = match &known {
        Some(time) if decision.drain_in_delay => {
            required += time.seconds;
            // A hook that is there, or that the user asks for, is as long as it is.
            if cuttable {
                wanted.value += time.seconds;
            }
            (None, MARGIN)
        }
        Some(_) => (
            known.clone(),
            container
                .profile()
                .map_or(MARGIN, |profile| u64::from(profile.margin)),
        ),
        None => (None, 0),
    };
    let before = grace.saturating_sub(container.slot.seconds()).min(HIGHEST);
    let usual = wanted.value;
    let longest = longest_delay(settings, container);
    let nobody_says = cuttable
        && wanted.source == Source::BuiltIn
        && known.as_ref().is_none_or(|time| time.is_default);
    if nobody_says && known.is_some() && will_be_told(container, decision) {
        let gives = drain.as_ref().map_or(0, |time| time.seconds);
        wanted.value = usual.max(before.saturating_sub(gives).min(longest));
    }
    let (delay, cut) = if taken {
        (wanted.value, None)
    } else {
        first_cut(settings, container, wanted.value, hands_off)
    };
    let made_up = delay.saturating_sub(usual);
    let worked_for = (nobody_says && made_up == 0 && before <= longest).then_some(before);
    let after_delay = match &drain {
        Some(time) if time.is_default => {
            (time.seconds + margin).max(before.saturating_sub(made_up))
        }
        Some(time) => time.seconds + margin,
        None if decision.drain_in_delay => margin,
        None => before,
    };
    Share {
        wanted,
        delay,
        made_up,
        worked_for,
        required,
        cuttable,
        cut,
        drain,
        margin,
        need: delay + after_delay,
    }
}

/// d, before any cut: as the slot has it, else as it should be.
fn delay(pod: PodView<'_>, container: &Observed<'_>) -> Sourced<u64> {
    let built_in = |value| Sourced {
        value,
        source: Source::BuiltIn,
    };
    match &container.settings.pre_stop {
        _ if !container.slot.is_free() => built_in(container.slot.seconds()),
        Some(hook) => Sourced {
            value: Slot::wanted(&hook.value).seconds(),
            source: hook.source.clone(),
        },
        None => required(pod, container),
    }
}

/// The delay that a container should have.
fn required(pod: PodView<'_>, container: &Observed<'_>) -> Sourced<u64> {
    let built_in = |value| Sourced {
        value,
        source: Source::BuiltIn,
    };
    match &container.settings.drain_delay {
        Some(delay) => Sourced {
            value: u64::from(delay.value),
            source: delay.source.clone(),
        },
        None if container.serves && !pod.is_job() => built_in(SERVING_DELAY),
        None => built_in(0),
    }
}

/// The program worked until it was killed, and now it will be told to stop. (A queue worker gives back what it cannot
/// end; a delay would only let it take on more.)
fn will_be_told(container: &Observed<'_>, decision: &Decision) -> bool {
    story::works_until_killed(container)
        && decision.reroutes()
        && container
            .profile()
            .is_some_and(|profile| profile.role != Role::Worker)
}

/// The longest delay that no bound and no probe cuts.
fn longest_delay(settings: &Settings<'_>, container: &Observed<'_>) -> u64 {
    let bound = settings.bounds.drain_delay_max.map(u64::from);
    let probe = container
        .probe_grace
        .as_ref()
        .map(|(seconds, _)| seconds.saturating_sub(1));
    [bound, probe]
        .into_iter()
        .flatten()
        .fold(LONGEST_DELAY, u64::min)
}

/// T, where it is known.
fn drain_time(container: &Observed<'_>, decision: &Decision) -> Option<DrainTime> {
    if let Some(time) = &container.settings.drain_time {
        return Some(DrainTime {
            seconds: u64::from(time.value),
            says: time.source.to_string(),
            is_default: false,
        });
    }
    if let Some(found) = &container.found_time {
        return Some(DrainTime {
            seconds: u64::from(found.seconds),
            says: found.place.clone(),
            is_default: false,
        });
    }
    if decision.drain_in_delay {
        return Some(DrainTime {
            seconds: NO_DRAIN_TIME,
            says: "softstop's default".into(),
            is_default: true,
        });
    }
    let profile = container.profile()?;
    let seconds = u64::from(profile.time.default?);
    Some(DrainTime {
        seconds,
        says: format!("{}'s default", profile.title),
        is_default: true,
    })
}

/// The cuts that do not depend on the resulting grace.
fn first_cut(
    settings: &Settings<'_>,
    container: &Observed<'_>,
    wanted: u64,
    hands_off: bool,
) -> (u64, Option<Cut>) {
    // A hook that is asked for is kept out, even if nobody can see that it takes time.
    if hands_off && (wanted > 0 || container.settings.pre_stop.is_some()) {
        return (0, Some(Cut::HandsOff));
    }
    if wanted == 0 {
        return (0, None);
    }
    let longest = settings.bounds.drain_delay_max.map_or(HIGHEST, u64::from);
    let (delay, cut) = if wanted > longest {
        (longest, Some(Cut::DelayBound))
    } else {
        (wanted, None)
    };
    match &container.probe_grace {
        // The hook of an annotation is what the user wants, whatever a probe says.
        Some((seconds, _)) if *seconds <= delay && container.settings.pre_stop.is_none() => {
            (0, Some(Cut::ProbeGrace))
        }
        _ => (delay, cut),
    }
}

/// Cuts the delay so that the drain time still fits into the resulting grace.
fn fit(mut share: Share, result: u64) -> Share {
    if share.cuttable && share.need > result {
        let rest = share.need - share.delay;
        let delay = result.saturating_sub(rest).min(share.delay);
        if delay < share.delay {
            share.made_up = share.made_up.saturating_sub(share.delay - delay);
            share.delay = delay;
            share.cut = Some(Cut::GraceBound);
        }
    }
    share
}

impl Budget {
    /// Seconds that are left for the drain of a container of this share.
    pub(crate) fn left(&self, share: &Share) -> u64 {
        self.result.saturating_sub(share.delay)
    }
}
