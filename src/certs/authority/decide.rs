//! What is to be done about the CAs: a pure function of what the cluster holds, the wall clock, and the certificate
//! that is served.
//!
//! There are no phases and there is no leader. Every replica looks at the same things and comes to the same answer, so it
//! does not matter who acts, or how often, or where one was interrupted.

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

/// What is made is valid from this long before it is made, because clocks differ. In seconds, as all times here.
pub(super) const BACKDATED: i64 = HOUR;

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// How long an expired CA is tolerated. Replicas whose clocks differ by less never undo what the other does.
const LINGERS: i64 = HOUR;

/// How long a CA is known to the API servers before it replaces one that was lost.
const SETTLES: i64 = 10 * 60;

/// How many CAs whose keys are lost stay trusted. Somebody may delete the Secret in a loop.
const LOST: usize = 32;

/// How long certificates live.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    /// A CA.
    pub ca: i64,
    /// A serving certificate.
    pub leaf: i64,
}

impl Default for Lives {
    fn default() -> Self {
        Self {
            ca: 365 * DAY,
            leaf: 7 * DAY,
        }
    }
}

/// The certificate of a CA. Sorted, the oldest comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ca {
    pub(super) created: i64,
    pub(super) expires: i64,
    pub(super) der: Vec<u8>,
}

/// What one webhook's `caBundle` holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bundle {
    /// CAs of this Service.
    pub(super) ours: Vec<Ca>,
    /// Whether it holds anything else.
    pub(super) foreign: bool,
}

/// The certificate that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issued {
    pub(super) issuer: Ca,
    /// When to ask for the next one.
    pub(super) renew: i64,
    pub(super) expires: i64,
}

/// All that counts.
#[derive(Debug)]
pub(super) struct View<'a> {
    /// The CAs in the Secret.
    pub(super) list: &'a [Ca],
    /// The `caBundle` of each webhook that asks this Service.
    pub(super) bundles: &'a [Bundle],
    pub(super) served: Option<&'a Issued>,
    pub(super) now: i64,
    pub(super) lives: Lives,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// What each `caBundle` should hold.
    pub(super) bundle: Vec<Ca>,
    /// Serve a new certificate, signed by this CA.
    pub(super) sign: Option<Ca>,
    /// Add a new CA to the Secret.
    pub(super) append: bool,
}

/// Decides.
pub(super) fn decide(view: &View<'_>) -> Decision {
    Decision {
        bundle: view.bundle(),
        sign: view.sign().cloned(),
        append: view.append(),
    }
}

/// The CAs that are worth keeping when the Secret is written.
pub(super) fn kept(ca: &Ca, now: i64) -> bool {
    now < ca.expires + LINGERS
}

impl View<'_> {
    fn usable(&self) -> impl Iterator<Item = &Ca> {
        let valid = |ca: &&Ca| (ca.created - BACKDATED..ca.expires).contains(&self.now);
        self.list.iter().filter(valid)
    }

    /// Whether every API server that knows the configurations trusts it.
    fn live(&self, ca: &Ca) -> bool {
        !self.bundles.is_empty() && self.bundles.iter().all(|bundle| bundle.ours.contains(ca))
    }

    /// The next CA is made when the newest has lived two thirds of its life, or there is none.
    fn append(&self) -> bool {
        let newest = self.usable().max();
        newest.is_none_or(|ca| self.now >= ca.created + (ca.expires - ca.created) / 3 * 2)
    }

    /// Everything that may be needed is trusted: the CAs of the Secret, what is served here, and what other replicas may
    /// serve still.
    fn bundle(&self) -> Vec<Ca> {
        let served = self.served.map(|served| &served.issuer);
        let mut bundle: Vec<_> = self.list.iter().chain(served).collect();
        bundle.retain(|ca| self.now < ca.expires);
        let live = self.bundles.iter().flat_map(|bundle| &bundle.ours);
        let mut lost: Vec<_> = live
            .filter(|ca| kept(ca, self.now) && !bundle.contains(ca))
            .collect();
        lost.sort_unstable();
        lost.dedup();
        bundle.extend(lost.iter().rev().take(LOST));
        bundle.sort_unstable();
        bundle.dedup();
        bundle.into_iter().cloned().collect()
    }

    /// The oldest CA that outlives a certificate signs, so that a new one has been trusted for months before anything depends
    /// on it, and is part of every backup by then.
    fn signer(&self) -> Option<&Ca> {
        self.usable().max_by_key(|ca| {
            let outlives = ca.expires - self.now >= self.lives.leaf;
            let age = if outlives { -ca.created } else { ca.created };
            (self.live(ca), outlives, age)
        })
    }

    /// A certificate that works is replaced only by one that will.
    fn sign(&self) -> Option<&Ca> {
        let signer = self.signer()?;
        let Some(served) = self.served else {
            return Some(signer);
        };
        let due = self.now >= served.renew;
        // Its key is gone from the Secret. Perhaps it was deleted because somebody stole it.
        let lost = !self.list.contains(&served.issuer)
            && self.now >= signer.created + SETTLES.min(self.lives.ca / 20);
        let expired = self.now >= served.expires;
        (expired || self.live(signer) && (due || lost)).then_some(signer)
    }
}

impl Bundle {
    /// Whether it holds exactly these, in any order.
    pub(super) fn holds(&self, wanted: &[Ca]) -> bool {
        !self.foreign
            && self.ours.len() == wanted.len()
            && wanted.iter().all(|ca| self.ours.contains(ca))
    }
}
