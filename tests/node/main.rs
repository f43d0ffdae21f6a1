//! softstop on a real node: pods that a kubelet runs and ends.
//!
//! Run by `cargo xtask test`, as root, or by `cargo test --test node`, which builds the programs of the node first where they are
//! missing. Tests that only run pods share one node, in namespaces of their own; those that install softstop or end a node start theirs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends"
)]

mod effect;
mod fixture;
mod install;
mod pods;
mod teardown;
