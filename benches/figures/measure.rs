//! Repeated measurements and their spread.

use std::time::{Duration, Instant};

/// The median of some measurements, and their extremes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            median: values[values.len() / 2],
            least: values[0],
            most: values[values.len() - 1],
        }
    }
}

/// How many measurements a figure rests on.
pub(crate) const ROUNDS: usize = 15;

/// A measurement shorter than this would measure the clock.
const SHORTEST: Duration = Duration::from_millis(20);

/// Seconds that one call of `work` takes.
pub(crate) fn time(mut work: impl FnMut()) -> Spread {
    let calls = calibrate(&mut work);
    Spread::of((0..ROUNDS).map(|_| round(calls, &mut work)).collect())
}

/// How often longer `a` takes than `b`, measured in turns, so that both meet the same noise.
pub(crate) fn ratio(mut a: impl FnMut(), mut b: impl FnMut()) -> Spread {
    let (calls_a, calls_b) = (calibrate(&mut a), calibrate(&mut b));
    Spread::of(
        (0..ROUNDS)
            .map(|_| round(calls_a, &mut a) / round(calls_b, &mut b))
            .collect(),
    )
}

fn calibrate(work: &mut impl FnMut()) -> u32 {
    let mut calls = 1;
    loop {
        let start = Instant::now();
        (0..calls).for_each(|_| work());
        if start.elapsed() >= SHORTEST {
            return calls;
        }
        calls *= 2;
    }
}

fn round(calls: u32, work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| work());
    start.elapsed().as_secs_f64() / f64::from(calls)
}

/// One line of the report.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) spread: String,
    pub(crate) bound: &'static str,
    pub(crate) holds: bool,
}

/// A figure in this unit: values are seconds, factors or counts, and `scale` turns them into it.
pub(crate) fn figure(
    what: impl Into<String>,
    spread: Spread,
    (scale, unit): (f64, &str),
    bound: &'static str,
    holds: impl Fn(f64) -> bool,
) -> Figure {
    let show = |value: f64| {
        let value = value * scale;
        if value >= 100.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.2}")
        }
    };
    Figure {
        what: what.into(),
        measured: format!("{} {unit}", show(spread.median))
            .trim_end()
            .to_owned(),
        spread: format!("{} to {}", show(spread.least), show(spread.most)),
        bound,
        holds: holds(spread.median),
    }
}
