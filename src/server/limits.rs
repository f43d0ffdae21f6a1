//! The bounds of the server. Every peer is a stranger: the API server does not authenticate itself.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

const MIB: usize = 1024 * 1024;

/// How much, how many, how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body. An object and its old self are up to 3 MB each; softstop is sent only the former.
    pub body: usize,
    /// All bodies of up to [`on_the_spot`](Self::on_the_spot) that are held at one time, together.
    pub bodies: usize,
    /// All larger ones, together and each counted twice: while the pod is copied out of its body, there are two of it.
    pub large_bodies: usize,
    /// All pods of large reviews as trees of values, together; one that would take more by itself is left alone.
    pub trees: usize,
    /// Open connections; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// TLS handshakes under way; further ones wait, within their own time.
    pub handshakes: usize,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for the first request of a connection to come, and for the headers of each.
    pub headers: Duration,
    /// Time that a connection may stay unused: longer than the API server's 90 s, because a server that closes first
    /// loses the request that is already on its way (measured: 10 of 400).
    pub idle: Duration,
    /// A connection is closed with the first answer after a random age in this range. The API server holds on to its
    /// connections for hours: without this, a replica that was started last would get nothing to do.
    pub age: RangeInclusive<Duration>,
    /// Reviews that are planned at one time.
    pub planning: usize,
    /// Reviews up to this size are planned on the spot, which takes less than handing them over. Planning is linear,
    /// so their deadline is safe; larger ones are planned in a thread of their own, watched by theirs.
    pub on_the_spot: usize,
    /// The time for a review where the caller does not say `?timeout=`: the API server's default.
    pub timeout: Duration,
    /// The longest `?timeout=` that is believed: the API server's maximum.
    pub timeout_max: Duration,
    /// What is left of the timeout for the answer to travel.
    pub margin: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 8 * MIB,
            // With what softstop takes anyway, and knows of a large cluster, these stay below the 64 MiB of the chart.
            bodies: 4 * MIB,
            large_bodies: 16 * MIB,
            trees: 12 * MIB,
            connections: 1024,
            handshakes: 64,
            handshake: Duration::from_secs(5),
            headers: Duration::from_secs(5),
            idle: Duration::from_secs(120),
            age: Duration::from_secs(60)..=Duration::from_secs(300),
            planning: 4 * available_parallelism().map_or(1, NonZero::get),
            on_the_spot: 64 * 1024,
            timeout: Duration::from_secs(10),
            timeout_max: Duration::from_secs(30),
            margin: Duration::from_millis(200),
        }
    }
}

impl Limits {
    /// A random age within the range for it.
    pub(super) fn random_age(&self) -> Duration {
        // What a new hasher hashes nothing to is random: no crate is needed for a jitter.
        let random = RandomState::new().build_hasher().finish();
        let share = f64::from((random >> 32) as u32) / f64::from(u32::MAX);
        let (from, to) = (*self.age.start(), *self.age.end());
        from + to.saturating_sub(from).mul_f64(share)
    }

    /// How long a review may take whose URL has this query. The API server says `timeout=10s`.
    pub(super) fn time(&self, query: Option<&str>) -> Duration {
        let asked = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .find_map(|pair| {
                let value = pair.strip_prefix("timeout=")?;
                match value.strip_suffix("ms") {
                    Some(millis) => millis.parse().ok().map(Duration::from_millis),
                    None => value
                        .strip_suffix('s')?
                        .parse()
                        .ok()
                        .map(Duration::from_secs),
                }
            });
        asked
            .unwrap_or(self.timeout)
            .min(self.timeout_max)
            .saturating_sub(self.margin)
    }
}

/// When to stop waiting for one's turn: half of the time that there is belongs to the replica that the API server asks when this
/// one sheds.
pub(super) fn halfway(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / 2
}

/// Bounded planning: a slot per review, and a queue before it that knows when waiting is of no use.
#[derive(Debug)]
pub(super) struct Gate {
    slots: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(slots)),
        }
    }

    /// Waits for a slot, or sheds: `None`.
    pub(super) async fn enter(&self, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        timeout_at(halfway(deadline), Arc::clone(&self.slots).acquire_owned())
            .await
            .ok()?
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_within_their_range() {
        let limits = Limits::default();
        let ages: Vec<_> = (0..20).map(|_| limits.random_age()).collect();
        assert!(ages.iter().all(|age| limits.age.contains(age)), "{ages:?}");
        assert!(ages.iter().any(|age| *age != ages[0]), "{ages:?}");
    }

    #[test]
    fn the_callers_timeout_is_believed_within_reason() {
        let limits = Limits::default();
        for (query, millis) in [
            (None, 9_800),
            (Some("timeout=5s"), 4_800),
            (Some("a=b&timeout=1500ms"), 1_300),
            (Some("timeout=30s"), 29_800),
            (Some("timeout=9999999s"), 29_800),
            (Some("timeout=0s"), 0),
            (Some("timeout="), 9_800),
            (Some("timeout=-1s"), 9_800),
            (Some("timeout=99999999999999999999s"), 9_800),
            (Some("timeout=5"), 9_800),
        ] {
            assert_eq!(
                limits.time(query),
                Duration::from_millis(millis),
                "{query:?}"
            );
        }
    }
}
