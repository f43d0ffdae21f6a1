//! The memory of the reviews in flight, bounded by bytes: how many there are says little.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::limits::{Limits, halfway};
use super::problem::Problem;

/// A share of it, a permit per byte.
pub(super) type Held = Option<OwnedSemaphorePermit>;

/// Three shares, so that whoever uses one up does not keep the others waiting: small bodies, which is all that there are on an
/// ordinary day, are answered while large ones crowd.
#[derive(Debug)]
pub(super) struct Memory {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    trees: Arc<Semaphore>,
}

impl Memory {
    pub(super) fn new(limits: &Limits) -> Self {
        let bytes = |bytes| Arc::new(Semaphore::new(bytes));
        Self {
            small: bytes(limits.bodies),
            large: bytes(limits.large_bodies),
            trees: bytes(limits.trees),
        }
    }

    /// Collects a body.
    pub(super) async fn read(
        &self,
        body: Body,
        limits: &Limits,
        deadline: Instant,
    ) -> Result<(Vec<u8>, Held), Problem> {
        if body.size_hint().lower() > limits.body as u64 {
            return Err(Problem::TooLarge(limits.body));
        }
        let claimed = body.size_hint().upper().map(usize::try_from);
        let claimed = claimed.and_then(Result::ok).unwrap_or(limits.body);
        if claimed <= limits.on_the_spot {
            return self.read_small(body, claimed).await;
        }
        // There is room for all of it before any of it is read; meanwhile it waits at its sender's. Twice, since the pod is
        // copied out of it.
        let room = reserve(&self.large, 2 * claimed, deadline).await?;
        let mut bytes = Vec::with_capacity(claimed);
        collect(body, claimed, |data| {
            bytes.extend_from_slice(data);
            Ok(())
        })
        .await?;
        Ok((bytes, Some(room)))
    }

    /// Counted while it comes: a sender who only claims to send something takes no room away from others.
    async fn read_small(&self, body: Body, limit: usize) -> Result<(Vec<u8>, Held), Problem> {
        let (mut bytes, mut held) = (Vec::new(), None::<OwnedSemaphorePermit>);
        collect(body, limit, |data| {
            let share = Arc::clone(&self.small).try_acquire_many_owned(permits(data.len()));
            let share = share.map_err(|_| Problem::Busy)?;
            match &mut held {
                Some(held) => held.merge(share),
                None => held = Some(share),
            }
            bytes.extend_from_slice(data);
            Ok(())
        })
        .await?;
        Ok((bytes, held))
    }

    /// Waits for room for a pod as a tree of values.
    pub(super) async fn tree(
        &self,
        bytes: usize,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, Problem> {
        reserve(&self.trees, bytes, deadline).await
    }
}

/// Waits, but only as long as another replica could still be asked.
async fn reserve(
    share: &Arc<Semaphore>,
    bytes: usize,
    deadline: Instant,
) -> Result<OwnedSemaphorePermit, Problem> {
    let room = Arc::clone(share).acquire_many_owned(permits(bytes));
    match timeout_at(halfway(deadline), room).await {
        Ok(Ok(room)) => Ok(room),
        _ => Err(Problem::Busy),
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Counts while it comes: what `Content-Length` says is only a claim.
async fn collect(
    mut body: Body,
    limit: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut left = limit;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::Body("the body ended too early"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        left = left
            .checked_sub(data.len())
            .ok_or(Problem::TooLarge(limit))?;
        take(&data)?;
    }
    Ok(())
}
