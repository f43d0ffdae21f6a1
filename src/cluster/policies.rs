//! Policies: read as strictly as from a file, each for itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::ApiResource;
use kube::core::DynamicObject;
use kube::runtime::watcher::Event;
use kube::{Api, Client};
use serde_json::json;
use softstop_core::{Policies, Policy};
use tokio::sync::Notify;
use tokio::sync::watch::{Sender, channel};
use tracing::{debug, warn};

use super::status;
use super::watch::{self, Health};
use crate::admission::PolicyFeed;
use crate::policy::{self, ShutdownPolicy, Unreadable};
use crate::telemetry::Metrics;

/// A policy of the cluster, as it was read, and what its status says.
#[derive(Clone, Debug)]
pub(super) struct Known {
    uid: Option<String>,
    pub(super) generation: Option<i64>,
    pub(super) read: Result<Arc<Policy>, Unreadable>,
    pub(super) conditions: Vec<Condition>,
}

impl Known {
    /// One of which nothing is known but its status.
    #[cfg(test)]
    pub(super) fn of_conditions(conditions: Vec<Condition>) -> Self {
        Self {
            uid: None,
            generation: None,
            read: Err(Unreadable::default()),
            conditions,
        }
    }

    /// What is in force: of a policy that cannot be read, its stand-in.
    fn in_force(&self) -> Option<&Arc<Policy>> {
        match &self.read {
            Ok(policy) => Some(policy),
            Err(unreadable) => unreadable.stand_in.as_ref(),
        }
    }
}

/// By name.
pub(super) type All = BTreeMap<String, Known>;

/// All policies, and who is told when they change.
#[derive(Debug)]
pub(super) struct Store {
    all: Mutex<All>,
    pub(super) changed: Notify,
    feed: Sender<Arc<Policies>>,
    metrics: Arc<Metrics>,
}

/// Follows them, and keeps their status.
pub(super) fn follow(client: &Client, health: Health) -> PolicyFeed {
    let resource = ApiResource::erase::<ShutdownPolicy>(&());
    let api = Api::<DynamicObject>::all_with(client.clone(), &resource);
    let (feed, policies) = channel(Arc::default());
    let store = Arc::new(Store {
        all: Mutex::default(),
        changed: Notify::new(),
        feed,
        metrics: Arc::clone(&health.metrics),
    });
    tokio::spawn(status::keep(
        Api::all(client.clone()),
        Arc::clone(&store),
        Arc::clone(&health.metrics),
    ));
    let mut listed = All::new();
    tokio::spawn(watch::follow(api, health, move |event| {
        store.take(event, &mut listed);
    }));
    policies
}

impl Store {
    pub(super) fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, event: Event<DynamicObject>, listed: &mut All) {
        let mut all = self.all();
        let changed = match event {
            Event::Init => {
                *listed = All::new();
                false
            }
            Event::InitApply(object) => {
                let (name, known) = read(object, &all);
                listed.insert(name, known);
                false
            }
            Event::InitDone => {
                *all = std::mem::take(listed);
                true
            }
            Event::Apply(object) => {
                let (name, known) = read(object, &all);
                let before = all.insert(name, known.clone());
                // A new status is no news, and this process may have written it.
                before.is_none_or(|before| !same(&before, &known))
            }
            Event::Delete(object) => all
                .remove(&object.metadata.name.unwrap_or_default())
                .is_some(),
        };
        if changed {
            let policies = Policies::new(all.values().filter_map(Known::in_force).cloned());
            self.feed.send_replace(Arc::new(policies));
            let unreadable = all.values().filter(|known| known.read.is_err()).count();
            self.metrics.cluster().policies(all.len(), unreadable);
        }
        drop(all);
        self.changed.notify_one();
    }
}

fn same(a: &Known, b: &Known) -> bool {
    a.uid == b.uid && a.generation == b.generation
}

/// Reads an object; not its spec again where that is the same.
fn read(object: DynamicObject, all: &All) -> (String, Known) {
    let name = object.metadata.name.unwrap_or_default();
    let mut conditions = object.data["status"]["conditions"].clone();
    let mut known = Known {
        uid: object.metadata.uid,
        generation: object.metadata.generation,
        read: Err(Unreadable::default()),
        conditions: serde_json::from_value(conditions.take()).unwrap_or_default(),
    };
    known.read = if let Some(before) = all.get(&name).filter(|before| same(before, &known)) {
        before.read.clone()
    } else {
        let manifest = json!({
            "apiVersion": object.types.as_ref().map(|types| &types.api_version),
            "kind": "ShutdownPolicy",
            "metadata": {"name": name},
            "spec": object.data["spec"],
        });
        policy::from_object(&manifest).map(Arc::new)
    };
    match &known.read {
        Ok(_) => debug!(policy = name, generation = known.generation, "policy read"),
        Err(unreadable) => {
            warn!(
                policy = name,
                reason = unreadable.why,
                "policy not accepted"
            );
        }
    }
    (name, known)
}
