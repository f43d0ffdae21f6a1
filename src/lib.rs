//! softstop: pods that stop gracefully.
//!
//! ```text
//! cli -> { server -> admission | cluster -> admission | report, manifest | policy, certs } -> softstop-core
//! ```
//!
//! Two front ends over one engine ([`softstop_core::plan`]): the admission webhook ([`server`], [`admission`]) and
//! `softstop check` ([`manifest`], [`report`]). They give the same patch for the same pod.

pub mod admission;
pub mod certs;
pub mod cli;
pub mod cluster;
pub mod inputs;
pub mod manifest;
pub mod policy;
pub mod report;
pub mod server;
pub mod telemetry;
