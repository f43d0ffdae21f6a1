//! The life of the server, in phases: not ready before it knows enough, and ending so that no request is lost.

use tokio::sync::watch;

/// Where the server is in its life. It only moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Serving whoever asks, but not ready: the cluster is not known yet.
    Starting,
    /// Serving, and ready.
    Running,
    /// Told to stop: not ready, but everything that still comes is answered, each answer closing its connection,
    /// because endpoints and the API server's connections lag behind.
    Draining,
    /// Nothing new is accepted; what is under way is finished.
    Closing,
}

/// Moves the server through its phases.
#[derive(Clone, Debug)]
pub struct Lifecycle(watch::Sender<Phase>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Running))
    }
}

impl Lifecycle {
    /// Of a server that is not ready at once.
    pub fn starting() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }

    /// Enters a phase; going back is ignored.
    pub fn enter(&self, phase: Phase) {
        self.0.send_if_modified(|current| {
            let moved = phase > *current;
            *current = phase.max(*current);
            moved
        });
    }

    /// The phase it is in.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.0.subscribe()
    }

    /// Waits until that phase has come.
    pub async fn reached(&self, phase: Phase) {
        // The sender is ours: it cannot be gone.
        let _ = self.watch().wait_for(|current| *current >= phase).await;
    }
}
