//! The metrics, in the text format that Prometheus reads.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::audit::AuditMetrics;
use super::certificates::CertificateMetrics;
use super::cluster::ClusterMetrics;
use crate::admission::{Hook, Reviewed};

/// Bounds of the latency buckets: the API server allows 10 s by default, a usual plan takes well under 1 ms.
const SECONDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0,
];
const BYTES: [f64; 8] = [
    128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 16_384.0, 65_536.0,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReviewLabels {
    outcome: &'static str,
    mode: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct VerdictLabels {
    verdict: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatusLabels {
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// What became of an attempt to reload the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The new pair is served.
    Replaced,
    /// The files are unusable; the old pair stays.
    Refused,
}

/// Everything `/metrics` shows.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reviews: Family<ReviewLabels, Counter>,
    validations: Family<ReviewLabels, Counter>,
    audit: AuditMetrics,
    cluster: ClusterMetrics,
    certificates: CertificateMetrics,
    verdicts: Family<VerdictLabels, Counter>,
    findings: Family<CodeLabels, Counter>,
    patch_bytes: Histogram,
    duration: Histogram,
    rejected: Family<StatusLabels, Counter>,
    expiry: Gauge<f64, AtomicU64>,
    reloads: Family<ResultLabels, Counter>,
    connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("softstop"),
            reviews: Family::default(),
            validations: Family::default(),
            audit: AuditMetrics::default(),
            cluster: ClusterMetrics::default(),
            certificates: CertificateMetrics::default(),
            verdicts: Family::default(),
            findings: Family::default(),
            patch_bytes: Histogram::new(BYTES),
            duration: Histogram::new(SECONDS),
            rejected: Family::default(),
            expiry: Gauge::default(),
            reloads: Family::default(),
            connections: Gauge::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register(
            "reviews",
            "Reviews answered, by outcome (patched, unchanged, skipped: not the creation of a pod; the pod was left \
             alone because of trouble: unreadable, namespace-unknown, doubted, panicked, timed-out) and by the mode that applied",
            self.reviews.clone(),
        );
        registry.register(
            "validations",
            "Validations answered, by outcome (allowed, warned, denied, skipped; allowed because of trouble: as for reviews) \
             and by the mode that applied",
            self.validations.clone(),
        );
        registry.register(
            "verdicts",
            "Containers judged, by verdict about their entrypoint and by its reason",
            self.verdicts.clone(),
        );
        registry.register("findings", "Findings, by code", self.findings.clone());
        registry.register_with_unit(
            "patch_size",
            "Size of the patches sent",
            Unit::Bytes,
            self.patch_bytes.clone(),
        );
        registry.register_with_unit(
            "review_duration",
            "Time from the end of a request's headers to its answer",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register(
            "rejected_requests",
            "Requests answered with an HTTP error, by status (503: shed because too many were waiting)",
            self.rejected.clone(),
        );
        registry.register_with_unit(
            "tls_certificate_expiry_timestamp",
            "When the certificate that is served expires, since the Unix epoch",
            Unit::Seconds,
            self.expiry.clone(),
        );
        registry.register(
            "tls_certificate_reloads",
            "Changed certificate files, by result (replaced; refused: the last good pair stays)",
            self.reloads.clone(),
        );
        registry.register(
            "connections",
            "Open connections to the webhook",
            self.connections.clone(),
        );
        self.audit.register(registry);
        self.cluster.register(registry);
        self.certificates.register(registry);
        self
    }

    /// The care for softstop's own certificates.
    pub fn certificates(&self) -> &CertificateMetrics {
        &self.certificates
    }

    /// What is known of the cluster.
    pub fn cluster(&self) -> &ClusterMetrics {
        &self.cluster
    }

    /// Counts an answered review. What a validation finds was counted when the pod was mutated.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a patch is smaller than 2^52 bytes"
    )]
    pub fn review(&self, hook: Hook, reviewed: &Reviewed, took: Duration) {
        let labels = ReviewLabels {
            outcome: reviewed.outcome.as_str(),
            mode: reviewed.mode.map_or("none", softstop_core::Mode::as_str),
        };
        self.duration.observe(took.as_secs_f64());
        if hook == Hook::Validate {
            self.validations.get_or_create(&labels).inc();
            return;
        }
        self.reviews.get_or_create(&labels).inc();
        self.audit.review(reviewed);
        for (verdict, reason) in &reviewed.verdicts {
            self.verdicts
                .get_or_create(&VerdictLabels {
                    verdict: verdict.as_str(),
                    reason,
                })
                .inc();
        }
        for (code, _) in &reviewed.findings {
            self.findings
                .get_or_create(&CodeLabels { code: code.0 })
                .inc();
        }
        if let Some(patch) = &reviewed.answer.patch {
            self.patch_bytes.observe(patch.len() as f64);
        }
    }

    /// Counts a request that was answered with an HTTP error.
    pub fn rejected(&self, status: u16) {
        self.rejected.get_or_create(&StatusLabels { status }).inc();
    }

    /// Notes until when the certificate is valid.
    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
    pub fn certificate(&self, expires: i64) {
        self.expiry.set(expires as f64);
    }

    /// Counts a changed certificate.
    pub fn reload(&self, result: Reload) {
        let result = match result {
            Reload::Replaced => "replaced",
            Reload::Refused => "refused",
        };
        self.reloads.get_or_create(&ResultLabels { result }).inc();
    }

    /// Counts an open connection until the guard is dropped.
    #[must_use]
    pub fn connection(&self) -> impl Drop + use<> {
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// As a scraper reads them.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
