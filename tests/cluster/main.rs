//! softstop on a real kube-apiserver: what it and the API server make of each other.
//!
//! Run by `cargo xtask test`, or by `cargo test --test cluster`, which builds the servers first where they are missing. All tests
//! share one API server and one `softstop webhook`; each has namespaces of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends"
)]

mod away;
mod certificates;
mod chart;
mod client;
mod crd;
mod examples;
mod failure;
mod fixture;
mod generated;
mod image;
mod injection;
mod live;
mod matching;
mod normal;
mod policy;
mod reinvocation;
mod release;
mod rights;
mod spy;
mod surroundings;
mod warnings;
