//! softstop-init with real shells and programs, as PID 1 of real PID namespaces. Needs root, util-linux, dash, bash and
//! busybox; says loudly what it skips.
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

mod aarch64;
mod celery;
mod cli;
mod container;
mod hook;
mod known;
mod load;
mod restricted;
mod shapes;
mod signals;
mod trees;
