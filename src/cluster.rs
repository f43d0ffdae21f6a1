//! The cluster as the API server tells of it: policies and namespaces, kept in memory.
//!
//! ```text
//! API server --watch--> Namespaces --> NamespaceSource  \
//!            --watch--> Policies   --> PolicyFeed        > admission
//!            <--apply-- status of each policy
//! ```
//!
//! Reviews are answered from memory. The one exception is a namespace that the watch has not brought yet: it is asked
//! for, once and in bounded time, because a pod must not be judged without the labels of its namespace.
//! While the API server is away, what was known last goes on to count.

mod client;
mod namespaces;
mod policies;
mod status;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch::Receiver;

pub use client::{ClientError, client};
pub use namespaces::Namespaces;

use crate::admission::PolicyFeed;
use crate::telemetry::Metrics;
use watch::Health;

/// What is followed, from [`follow`] on until the process ends.
#[derive(Debug)]
pub struct Live {
    /// The policies as they are now.
    pub policies: PolicyFeed,
    /// The namespaces.
    pub namespaces: Arc<Namespaces>,
    listed: [Receiver<bool>; 2],
}

/// Follows the policies and namespaces of the cluster, and keeps the status of each policy up to date.
pub fn follow(client: &Client, metrics: &Arc<Metrics>) -> Live {
    let (namespaces_health, namespaces_listed) = Health::new("namespaces", metrics);
    let (policies_health, policies_listed) = Health::new("shutdownpolicies", metrics);
    let namespaces = Namespaces::follow(client, namespaces_health);
    let policies = policies::follow(client, policies_health);
    Live {
        policies,
        namespaces,
        listed: [namespaces_listed, policies_listed],
    }
}

impl Live {
    /// Waits until both have been listed once, at most for that long. Says whether they have.
    pub async fn listed(&mut self, patience: Duration) -> bool {
        let listed = async {
            for listed in &mut self.listed {
                // An error means that the watch has ended, which it never does.
                let _ = listed.wait_for(|listed| *listed).await;
            }
        };
        tokio::time::timeout(patience, listed).await.is_ok()
    }
}
