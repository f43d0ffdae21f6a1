//! Namespaces: their labels, and the annotations that are ours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use k8s_openapi::api::core::v1;
use kube::core::PartialObjectMeta;
use kube::core::metadata::ObjectMeta;
use kube::runtime::watcher::Event;
use kube::{Api, Client};
use softstop_core::Namespace;
use tokio::sync::Semaphore;
use tracing::warn;

use super::watch::{self, Health};
use crate::admission::NamespaceSource;
use crate::policy::is_label;
use crate::telemetry::{LookUp, Metrics};

type Metadata = PartialObjectMeta<v1::Namespace>;

/// The longest time that a review waits for a namespace.
const LOOK_UP: Duration = Duration::from_millis(500);

/// Requests for namespaces at one time. Whoever reaches the webhook can name namespaces.
const LOOK_UPS: usize = 16;

/// How long what was looked up counts, if the watch does not bring it. It may have been deleted meanwhile.
const FOUND_FOR: Duration = Duration::from_secs(10);

/// How long a namespace that was not found is not looked up again.
const MISSING_FOR: Duration = Duration::from_secs(1);

/// What was looked up, found or not, is forgotten beyond so many.
const REMEMBERED: usize = 1_024;

/// The namespaces of the cluster.
#[derive(Debug)]
pub struct Namespaces {
    api: Api<Metadata>,
    metrics: Arc<Metrics>,
    /// What the watch has brought.
    known: RwLock<HashMap<Box<str>, Packed>>,
    found: Mutex<HashMap<String, (Instant, Arc<Namespace>)>>,
    missing: Mutex<HashMap<String, Instant>>,
    look_ups: Semaphore,
}

impl Namespaces {
    /// Follows them, metadata only.
    pub(super) fn follow(client: &Client, health: Health) -> Arc<Self> {
        let api = Api::<Metadata>::all(client.clone());
        let namespaces = Arc::new(Self {
            api: api.clone(),
            metrics: Arc::clone(&health.metrics),
            known: RwLock::default(),
            found: Mutex::default(),
            missing: Mutex::default(),
            look_ups: Semaphore::new(LOOK_UPS),
        });
        let this = Arc::clone(&namespaces);
        let mut listed = HashMap::new();
        tokio::spawn(watch::follow(api, health, move |event| {
            this.take(event, &mut listed);
        }));
        namespaces
    }

    fn take(&self, event: Event<Metadata>, listed: &mut HashMap<Box<str>, Packed>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => *listed = HashMap::with_capacity(known.len()),
            Event::InitApply(object) => {
                let namespace = read(object.metadata);
                listed.insert(namespace.name.as_str().into(), Packed::new(&namespace));
            }
            Event::InitDone => *known = std::mem::take(listed),
            Event::Apply(object) => {
                let namespace = read(object.metadata);
                lock(&self.found).remove(&namespace.name);
                known.insert(namespace.name.as_str().into(), Packed::new(&namespace));
            }
            Event::Delete(object) => {
                let name = object.metadata.name.unwrap_or_default();
                lock(&self.found).remove(&name);
                known.remove(name.as_str());
            }
        }
        self.metrics.cluster().objects("namespaces", known.len());
    }

    fn is_known(&self, name: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.contains_key(name) || self.found(name).is_some()
    }

    fn found(&self, name: &str) -> Option<Arc<Namespace>> {
        let found = lock(&self.found);
        let (at, namespace) = found.get(name)?;
        (at.elapsed() < FOUND_FOR).then(|| Arc::clone(namespace))
    }

    async fn ask(&self, name: &str) -> LookUp {
        let ask = async {
            let _turn = self.look_ups.acquire().await;
            // Somebody else may have asked while this one waited.
            if self.is_known(name) {
                return Ok(None);
            }
            self.api.get_opt(name).await.map(Some)
        };
        match tokio::time::timeout(LOOK_UP, ask).await {
            Ok(Ok(None)) => LookUp::Found,
            Ok(Ok(Some(Some(object)))) => {
                let namespace = Arc::new(read(object.metadata));
                remember(
                    lock(&self.found),
                    name,
                    (Instant::now(), namespace),
                    |(at, _)| at.elapsed() < FOUND_FOR,
                );
                LookUp::Found
            }
            Ok(Ok(Some(None))) => LookUp::Missing,
            Ok(Err(reason)) => {
                warn!(namespace = name, %reason, "cannot look up a namespace");
                LookUp::Failed
            }
            Err(_) => LookUp::Failed,
        }
    }
}

impl NamespaceSource for Namespaces {
    fn get(&self, name: &str) -> Option<Arc<Namespace>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match known.get(name) {
            Some(packed) => Some(Arc::new(packed.unpack(name))),
            None => self.found(name),
        }
    }

    fn look_up<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        if self.is_known(name) {
            return ready(()).boxed();
        }
        async move {
            let in_vain = |at: &Instant| at.elapsed() < MISSING_FOR;
            if !is_label(name) || lock(&self.missing).get(name).is_some_and(in_vain) {
                return;
            }
            let result = self.ask(name).await;
            self.metrics.cluster().look_up(result);
            if result != LookUp::Found {
                remember(lock(&self.missing), name, Instant::now(), in_vain);
            }
        }
        .boxed()
    }
}

/// Labels and annotations as JSON: a tenth of what they take as maps, and unpacked in a few microseconds.
#[derive(Debug)]
struct Packed(Box<str>);

impl Packed {
    fn new(namespace: &Namespace) -> Self {
        let packed = serde_json::to_string(&(&namespace.labels, &namespace.annotations));
        // Maps of strings: there is nothing in them that could fail.
        Self(packed.unwrap_or_default().into())
    }

    fn unpack(&self, name: &str) -> Namespace {
        let (labels, annotations) = serde_json::from_str(&self.0).unwrap_or_default();
        Namespace {
            name: name.to_owned(),
            labels,
            annotations,
        }
    }
}

/// Keeps it, unless too much is remembered that still counts.
fn remember<T>(
    mut map: MutexGuard<'_, HashMap<String, T>>,
    name: &str,
    value: T,
    counts: impl Fn(&T) -> bool,
) {
    if map.len() >= REMEMBERED {
        map.retain(|_, value| counts(value));
    }
    if map.len() < REMEMBERED {
        map.insert(name.to_owned(), value);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Selectors may name any label; of the annotations only ours are kept.
fn read(metadata: ObjectMeta) -> Namespace {
    let mut annotations = metadata.annotations.unwrap_or_default();
    annotations.retain(|key, _| softstop_core::is_own_key(key));
    Namespace {
        name: metadata.name.unwrap_or_default(),
        labels: metadata.labels.unwrap_or_default(),
        annotations,
    }
}
