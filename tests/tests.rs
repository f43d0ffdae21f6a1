//! Tests that need nothing but cargo. One binary; each module says what belongs into it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod admission;
mod harness;
mod policy;
mod server;
mod check; // softstop check and explain, as a user runs them
