//! Following one kind of object for ever.

use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use crate::telemetry::Metrics;

/// Seconds after which a watch is renewed, and so the longest time that a connection which died silently goes unnoticed.
pub(super) const WATCH: u32 = 60;

/// Objects per page of a list: while a page is read, it is held as text and as objects.
const PAGE: u32 = 250;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long a request must stand without an error to count as one that works: longer than it takes to find out that
/// nobody is there.
const STANDS: Duration = Duration::from_secs(6);

/// How the watch of a resource fares, for metrics, for logs, and for whoever waits for the first list.
#[derive(Debug)]
pub(super) struct Health {
    resource: &'static str,
    pub(super) metrics: Arc<Metrics>,
    listed: Sender<bool>,
    failing: bool,
}

impl Health {
    /// For that resource; the receiver hears of the first list.
    pub(super) fn new(resource: &'static str, metrics: &Arc<Metrics>) -> (Self, Receiver<bool>) {
        let (listed, receiver) = channel(false);
        let metrics = Arc::clone(metrics);
        metrics.cluster().watch(resource, false);
        let health = Self {
            resource,
            metrics,
            listed,
            failing: false,
        };
        (health, receiver)
    }

    fn works(&mut self) {
        self.metrics.cluster().watch(self.resource, true);
        if std::mem::take(&mut self.failing) {
            info!(resource = self.resource, "the API server answers again");
        }
    }

    fn fails(&mut self, reason: &watcher::Error) {
        self.metrics.cluster().watch_failed(self.resource);
        if std::mem::replace(&mut self.failing, true) {
            return;
        }
        if is_unknown(reason) {
            // Nobody has policies of a kind that is not defined: there is nothing to wait for.
            self.listed.send_replace(true);
            warn!(
                resource = self.resource,
                "the API server does not know this resource; until it does there are none (softstop crd | kubectl apply -f -)"
            );
        } else {
            error!(
                resource = self.resource,
                %reason,
                "cannot follow the cluster; what was known last goes on to count"
            );
        }
    }
}

/// The resource is not defined.
fn is_unknown(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404)
}

/// Hands every event to `take`, for ever; after an error it tries again, with growing pauses.
pub(super) async fn follow<K>(api: Api<K>, mut health: Health, mut take: impl FnMut(Event<K>))
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let config = watcher::Config::default().timeout(WATCH).page_size(PAGE);
    let mut events = pin!(watcher(api, config));
    let mut pause = FIRST_PAUSE;
    loop {
        let next = if health.failing {
            // A watch that was taken up again says nothing until something happens.
            let Ok(next) = timeout(STANDS, events.next()).await else {
                health.works();
                continue;
            };
            next
        } else {
            events.next().await
        };
        match next {
            Some(Ok(event)) => {
                pause = FIRST_PAUSE;
                // The beginning of a list, and its pages, are no success yet.
                let whole = matches!(event, Event::InitDone);
                let news = matches!(event, Event::Apply(_) | Event::Delete(_));
                take(event);
                if whole || news {
                    health.works();
                }
                if whole {
                    health.listed.send_replace(true);
                }
            }
            Some(Err(reason)) => {
                health.fails(&reason);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            // It has no end.
            None => return,
        }
    }
}
