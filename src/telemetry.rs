//! Logs and metrics. Of a pod they say its namespace, its name, the request's uid and codes; never anything else.

mod audit;
mod certificates;
mod cluster;
mod logs;
mod metrics;

pub use certificates::{CertificateMetrics, Rotated, Rotation};
pub use cluster::{ClusterMetrics, LookUp};
pub use logs::{LogFormat, LogLevel, guard_panics, init, subscriber, without_panic_message};
pub use metrics::{Metrics, Reload};
