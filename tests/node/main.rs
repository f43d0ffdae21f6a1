//! softstop on a real node: pods that a kubelet runs and ends.
//!
//! Run by `cargo xtask test`, as root, or by `cargo test --test node`, which builds the programs of the node first where they are
//! missing. All tests share one node; each has a namespace of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends"
)]

mod fixture;
mod pods;
mod teardown;
