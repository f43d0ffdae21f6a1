//! How often the cluster may be written to.

use std::time::Duration;

use tokio::time::Instant;

/// Writes that may follow each other, and how long it takes until there is room for one more: against somebody who undoes
/// each of ours, nobody wins.
const BURST: u32 = 20;
pub(super) const REFILL: Duration = Duration::from_secs(2);

/// How many writes are allowed now.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    refilled: Instant,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            left: BURST,
            refilled: now,
        }
    }

    pub(super) fn take(&mut self, now: Instant) -> bool {
        while self.left < BURST && now >= self.refilled + REFILL {
            self.left += 1;
            self.refilled += REFILL;
        }
        if self.left == BURST {
            self.refilled = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }

    /// Whether something may have been left undone.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_limited_and_come_back() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        let mut allowed = |later| (0..100).filter(|_| budget.take(start + later)).count();
        assert_eq!(allowed(Duration::ZERO), 20);
        assert_eq!(allowed(REFILL * 2), 2);
        assert_eq!(allowed(REFILL * 100), 20);
    }
}
