//! How well softstop cares for its own certificates.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ConfigurationLabels {
    configuration: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RotationLabels {
    object: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SecretLabels {
    secret: String,
}

/// What was made or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// A CA, into the Secret.
    Ca,
    /// The certificate that is served.
    Certificate,
    /// The `caBundle` of a configuration.
    Bundle,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It is in force.
    Done,
    /// Another replica was faster, which is no trouble.
    Conflict,
    /// It was refused, or there was no answer.
    Failed,
}

/// Metrics of `softstop webhook --ca-secret`; otherwise they stay empty.
#[derive(Debug, Default)]
pub struct CertificateMetrics {
    ca_expiry: Family<SecretLabels, Gauge<f64, AtomicU64>>,
    matches: Family<ConfigurationLabels, Gauge>,
    rotations: Family<RotationLabels, Counter>,
    panics: Counter,
}

impl CertificateMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "tls_ca_expiry_timestamp",
            "When the newest CA in the Secret expires, since the Unix epoch; another is made after two thirds of its life",
            Unit::Seconds,
            self.ca_expiry.clone(),
        );
        registry.register(
            "tls_ca_bundle_matches",
            "1 if the API server trusts the certificate that is served, by webhook configuration, as found at the last look",
            self.matches.clone(),
        );
        registry.register(
            "tls_rotations",
            "CAs, certificates and caBundles made or written, by result (done; conflict: another replica was faster; failed)",
            self.rotations.clone(),
        );
        registry.register(
            "tls_rotation_panics",
            "Panics in the care for certificates, which goes on after them",
            self.panics.clone(),
        );
    }

    /// Notes until when the newest CA is valid.
    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
    pub fn authority(&self, secret: &str, expires: i64) {
        let secret = secret.to_owned();
        self.ca_expiry
            .get_or_create(&SecretLabels { secret })
            .set(expires as f64);
    }

    /// Notes whether a configuration trusts what is served.
    pub fn bundle(&self, configuration: &str, trusts: bool) {
        let configuration = configuration.to_owned();
        self.matches
            .get_or_create(&ConfigurationLabels { configuration })
            .set(i64::from(trusts));
    }

    /// Counts what was made or written.
    pub fn rotated(&self, what: Rotated, result: Rotation) {
        let object = match what {
            Rotated::Ca => "ca",
            Rotated::Certificate => "certificate",
            Rotated::Bundle => "ca_bundle",
        };
        let result = match result {
            Rotation::Done => "done",
            Rotation::Conflict => "conflict",
            Rotation::Failed => "failed",
        };
        self.rotations
            .get_or_create(&RotationLabels { object, result })
            .inc();
    }

    /// Counts a panic.
    pub fn panicked(&self) {
        self.panics.inc();
    }
}
