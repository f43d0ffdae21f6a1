//! Tests that need nothing but cargo. One binary; each module says what belongs into it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod admission; // the protocol: answers, fixtures, softstop review
mod check; // softstop check and explain, as a user runs them
mod following; // a cluster whose API server misbehaves
mod harness; // a server on loopback, and clients for it
mod metrics; // alerts and dashboard name the metrics that there are
mod policy; // ShutdownPolicy files and their schema
mod readme; // what the README shows is what softstop says
mod rules; // the pages of the findings: complete, examples run, docs up to date
mod server; // routes, limits, certificates, shutdown, logs, metrics
mod threats; // the table of threats names tests and values that exist
