//! How well the cluster is known.

use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResourceLabels {
    resource: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// What came of looking a namespace up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookUp {
    /// It is known now.
    Found,
    /// There is none of that name.
    Missing,
    /// The API server did not answer in time, or refused.
    Failed,
}

/// Metrics of `softstop webhook --cluster`; without it they have no series.
#[derive(Debug, Default)]
pub struct ClusterMetrics {
    up: Family<ResourceLabels, Gauge>,
    last_event: Family<ResourceLabels, Gauge<f64, AtomicU64>>,
    errors: Family<ResourceLabels, Counter>,
    objects: Family<ResourceLabels, Gauge>,
    unreadable: Gauge,
    look_ups: Family<ResultLabels, Counter>,
    status_writes: Family<ResultLabels, Counter>,
}

impl ClusterMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "watch_up",
            "1 while the API server is followed, 0 after an error until it is again; what was known last goes on to count",
            self.up.clone(),
        );
        registry.register_with_unit(
            "watch_last_event_timestamp",
            "When the API server last brought news of the resource, since the Unix epoch; quiet is no error",
            Unit::Seconds,
            self.last_event.clone(),
        );
        registry.register(
            "watch_errors",
            "Lists and watches that failed",
            self.errors.clone(),
        );
        registry.register("watched_objects", "Objects known", self.objects.clone());
        registry.register(
            "policies_unreadable",
            "Policies that are not in force because they cannot be read; their status says why",
            self.unreadable.clone(),
        );
        registry.register(
            "namespace_lookups",
            "Namespaces asked for because the watch had not brought them yet, by result (found, missing, failed)",
            self.look_ups.clone(),
        );
        registry.register(
            "policy_status_writes",
            "Status of policies written, by result (written, failed)",
            self.status_writes.clone(),
        );
    }

    /// Notes that the resource is followed and has just been heard of, or is not followed yet.
    pub fn watch(&self, resource: &'static str, works: bool) {
        let labels = ResourceLabels { resource };
        self.up.get_or_create(&labels).set(i64::from(works));
        if works {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.unwrap_or_default().as_secs_f64();
            self.last_event.get_or_create(&labels).set(now);
        }
    }

    /// Counts a list or watch that failed.
    pub fn watch_failed(&self, resource: &'static str) {
        let labels = ResourceLabels { resource };
        self.up.get_or_create(&labels).set(0);
        self.errors.get_or_create(&labels).inc();
    }

    /// Notes how many objects are known.
    pub fn objects(&self, resource: &'static str, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.objects
            .get_or_create(&ResourceLabels { resource })
            .set(count);
    }

    /// Notes how many policies there are, and how many of them cannot be read.
    pub fn policies(&self, count: usize, unreadable: usize) {
        self.objects("shutdownpolicies", count);
        self.unreadable
            .set(i64::try_from(unreadable).unwrap_or(i64::MAX));
    }

    /// Counts a namespace that was looked up.
    pub fn look_up(&self, result: LookUp) {
        let result = match result {
            LookUp::Found => "found",
            LookUp::Missing => "missing",
            LookUp::Failed => "failed",
        };
        self.look_ups.get_or_create(&ResultLabels { result }).inc();
    }

    /// Counts a status that was written, or could not be.
    pub fn status_written(&self, written: bool) {
        let result = if written { "written" } else { "failed" };
        self.status_writes
            .get_or_create(&ResultLabels { result })
            .inc();
    }
}
