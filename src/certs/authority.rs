//! Certificates of softstop's own making: nothing to install, nothing to renew, nothing to restart.
//!
//! ```text
//! Secret: list of CAs  --\                /--> caBundle of the webhook configurations (server-side apply)
//! live caBundles       ---> decide (pure) ---> certificate in memory -> Served
//! wall clock, what is served --/          \--> one CA more in the Secret (compare and swap)
//! ```
//!
//! Every replica does the same, without a leader: each write is refused if somebody else was faster, and then what is there
//! is read again. A key that serves never leaves its process.

mod budget;
mod ca;
mod decide;
mod error;
mod pem;
mod probe;
mod store;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use kube::Client;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, error, info, warn};

pub use ca::Service;
pub use decide::Lives;
pub use error::AuthorityError;

use super::Served;
use crate::telemetry::{Metrics, Rotated, Rotation};
use budget::{Budget, REFILL};
use ca::SigningCa;
use decide::{Decision, Issued, View, decide, kept};
use error::in_time;
use store::{Configuration, Store, StoredList, Written};

/// How often everything is looked at where nothing is heard of it.
const RECHECK: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Whose certificate, and where things are kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Service that the API server calls.
    pub service: Service,
    /// The Secret with the CAs, in the Service's namespace.
    pub secret: String,
    /// The `MutatingWebhookConfiguration`.
    pub configuration: String,
    /// The `ValidatingWebhookConfiguration`.
    pub validating_configuration: Option<String>,
    /// How long certificates live.
    pub lives: Lives,
    /// What is added to the clock, in seconds.
    pub clock_offset: i64,
}

/// The task that keeps it all going.
pub struct Authority {
    settings: Settings,
    store: Store,
    served: Arc<Served>,
    metrics: Arc<Metrics>,
    listening: SocketAddr,
    trusted: Option<oneshot::Sender<()>>,
    issued: Option<Issued>,
    list: Option<Arc<StoredList>>,
    live: Arc<Vec<Configuration>>,
    budget: Budget,
    /// What was complained about last: the same is not said every ten seconds.
    complaint: String,
}

impl Authority {
    /// For the port where `served` is served. The receiver hears when the API server trusts that port, which is when the
    /// replica can be ready.
    pub fn new(
        client: &Client,
        settings: Settings,
        listening: SocketAddr,
        served: Arc<Served>,
        metrics: Arc<Metrics>,
    ) -> (Self, oneshot::Receiver<()>) {
        let (sender, trusted) = oneshot::channel();
        let authority = Self {
            store: Store::new(client, &settings),
            settings,
            served,
            metrics,
            listening,
            trusted: Some(sender),
            issued: None,
            list: None,
            live: Arc::default(),
            budget: Budget::new(Instant::now()),
            complaint: String::new(),
        };
        (authority, trusted)
    }

    /// Runs for ever. Whatever happens in here, what is served stays.
    pub async fn run(mut self) {
        loop {
            let changed = Arc::new(Notify::new());
            let store = self.store.clone();
            let work = async {
                tokio::select! {
                    () = store.watch(Arc::clone(&changed)) => {}
                    () = self.work(&changed) => {}
                }
            };
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                self.metrics.certificates().panicked();
                error!(
                    "the care for the certificate panicked; what is served stays, and it starts again"
                );
            }
            sleep(RECHECK / 10).await;
        }
    }

    async fn work(&mut self, changed: &Notify) {
        let mut pause = FIRST_PAUSE;
        loop {
            let wait = match self.look().await {
                Ok(wait) => {
                    pause = FIRST_PAUSE;
                    self.complaint.clear();
                    wait
                }
                Err(error) => {
                    self.complain(&error);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
            // A change that is heard of between two looks is kept for the second.
            let _ = timeout(wait, changed.notified()).await;
        }
    }

    /// Looks at everything once, and does what is to be done. Says when to look again at the latest.
    async fn look(&mut self) -> Result<Duration, AuthorityError> {
        let (list, configurations) = tokio::join!(
            in_time(self.store.list()),
            in_time(self.store.configurations())
        );
        // What was read last goes on to count: a certificate can be renewed while the Secret cannot be read.
        let list = list.map(|list| self.list = Some(Arc::new(list)));
        let configurations = configurations.map(|live| self.live = Arc::new(live));
        let Some(stored) = self.list.clone() else {
            return list.map(|()| RECHECK);
        };
        let live = Arc::clone(&self.live);
        let now = self.now();
        let decision = self.decide(&stored, &live, now);
        self.note(&stored, &live);

        // Trust comes first, then what needs it. Each is done although another fails.
        let repaired = self.repair(&live, &decision).await;
        let signed = self.sign(&stored, &decision, now);
        let appended = self.append(&stored, &decision, now).await;
        list?;
        configurations?;
        if repaired? | signed? | appended? {
            return Ok(Duration::ZERO);
        }
        self.become_trusted(&live).await?;
        let soonest = if self.budget.is_spent() {
            REFILL
        } else {
            RECHECK
        };
        Ok(soonest.min(self.pace()))
    }

    fn decide(&self, stored: &StoredList, live: &[Configuration], now: i64) -> Decision {
        let list: Vec<_> = stored.list.iter().map(|ca| ca.ca.clone()).collect();
        let bundles = live
            .iter()
            .flat_map(|configuration| &configuration.webhooks);
        let bundles: Vec<_> = bundles.map(|(_, bundle)| bundle.clone()).collect();
        decide(&View {
            list: &list,
            bundles: &bundles,
            served: self.issued.as_ref(),
            now,
            lives: self.settings.lives,
        })
    }

    /// Writes the bundles that are not as they should be. Says whether everything has to be read again.
    async fn repair(
        &mut self,
        live: &[Configuration],
        decision: &Decision,
    ) -> Result<bool, AuthorityError> {
        let mut again = false;
        for configuration in live {
            let mut webhooks = configuration.webhooks.iter();
            let differs = webhooks.any(|(_, bundle)| !bundle.holds(&decision.bundle));
            if !differs || decision.bundle.is_empty() || !self.budget.take(Instant::now()) {
                continue;
            }
            let write = self.store.write_bundle(configuration, &decision.bundle);
            let written = in_time(write).await;
            self.count(Rotated::Bundle, &written);
            if written? == Written::Done {
                info!(
                    configuration = configuration.name,
                    authorities = decision.bundle.len(),
                    "wrote the caBundle"
                );
            }
            again = true;
        }
        Ok(again)
    }

    /// Serves a new certificate, if it is time.
    fn sign(
        &mut self,
        stored: &StoredList,
        decision: &Decision,
        now: i64,
    ) -> Result<bool, AuthorityError> {
        let signer = stored
            .list
            .iter()
            .find(|ca| decision.sign.as_ref() == Some(&ca.ca));
        let Some(signer) = signer else {
            return Ok(false);
        };
        let Settings { service, lives, .. } = &self.settings;
        let (pair, issued) = signer.issue(service, now, *lives).inspect_err(|_| {
            self.metrics
                .certificates()
                .rotated(Rotated::Certificate, Rotation::Failed);
        })?;
        self.served.replace(&pair);
        self.metrics.certificate(pair.expires);
        self.metrics
            .certificates()
            .rotated(Rotated::Certificate, Rotation::Done);
        info!(expires = pair.expires, "serving a new certificate");
        self.issued = Some(issued);
        Ok(true)
    }

    /// Adds a CA to the Secret, if it is time.
    async fn append(
        &mut self,
        stored: &StoredList,
        decision: &Decision,
        now: i64,
    ) -> Result<bool, AuthorityError> {
        if !decision.append || !self.budget.take(Instant::now()) {
            return Ok(false);
        }
        let Settings { service, lives, .. } = &self.settings;
        let made = SigningCa::create(service, now, *lives)?;
        let kept = stored.list.iter().filter(|ca| kept(&ca.ca, now));
        let written = in_time(self.store.write_list(stored, kept.chain([&made]))).await;
        self.count(Rotated::Ca, &written);
        if written? == Written::Done {
            info!(expires = made.ca.expires, "made a CA");
        }
        Ok(true)
    }

    /// Until the first handshake has succeeded: tries it.
    async fn become_trusted(&mut self, live: &[Configuration]) -> Result<(), AuthorityError> {
        if self.trusted.is_none() || self.issued.is_none() {
            return Ok(());
        }
        let mut bundles = Vec::new();
        for configuration in live {
            bundles.extend(configuration.webhooks.iter().map(|(_, bundle)| bundle));
        }
        if bundles.is_empty() {
            let Service { name, namespace } = self.settings.service.clone();
            let configuration = self.settings.configuration.clone();
            return Err(AuthorityError::Unasked {
                configuration,
                namespace,
                name,
            });
        }
        let name = self.settings.service.server_name();
        for bundle in bundles {
            probe::handshake(self.listening, &name, &bundle.ours).await?;
        }
        if let Some(trusted) = self.trusted.take() {
            info!(name, "the API server trusts the certificate");
            // Nobody listens any more where the server is stopping.
            let _ = trusted.send(());
        }
        Ok(())
    }

    /// For the metrics: how things were found, before they were repaired.
    fn note(&self, stored: &StoredList, live: &[Configuration]) {
        let metrics = self.metrics.certificates();
        if let Some(last) = stored.list.iter().map(|ca| ca.ca.expires).max() {
            metrics.authority(&self.settings.secret, last);
        }
        for configuration in live {
            let trusts = self.issued.as_ref().is_some_and(|issued| {
                let mut webhooks = configuration.webhooks.iter();
                !configuration.webhooks.is_empty()
                    && webhooks.all(|(_, bundle)| bundle.ours.contains(&issued.issuer))
            });
            metrics.bundle(&configuration.name, trusts);
        }
    }

    fn count(&self, what: Rotated, written: &Result<Written, AuthorityError>) {
        let result = match written {
            Ok(Written::Done) => Rotation::Done,
            Ok(Written::Conflict) => Rotation::Conflict,
            Err(_) => Rotation::Failed,
        };
        self.metrics.certificates().rotated(what, result);
    }

    fn complain(&mut self, error: &AuthorityError) {
        let consequence = if self.trusted.is_some() {
            "not ready yet: the API server could not trust this replica"
        } else {
            "cannot care for the certificate; what is served stays"
        };
        let reason = error.to_string();
        if self.complaint == reason {
            debug!(reason, "{consequence}");
        } else {
            warn!(reason, "{consequence}");
            self.complaint = reason;
        }
    }

    /// The wall clock: one that stood still while the machine slept would miss an expiry.
    fn now(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
            + self.settings.clock_offset
    }

    /// Often enough for the life of a certificate.
    fn pace(&self) -> Duration {
        Duration::from_secs(self.settings.lives.leaf.unsigned_abs()) / 20
    }
}
