//! Code of this process in the node's network.

use std::fs::File;
use std::os::fd::AsFd as _;

use anyhow::{Context as _, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::Runtime;

/// Moves this thread into a network namespace, for good: its sockets, and those of threads that it starts, are made in there.
fn join(network: &File) -> anyhow::Result<()> {
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
        .context("cannot enter the node's network")
}

/// Runs `job` on a thread of its own in the network.
pub(super) fn inside<T: Send>(network: &File, job: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        scope
            .spawn(|| join(network).map(|()| job()))
            .join()
            // The job's own panic goes on.
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A runtime all of whose threads are in the network.
pub(super) fn runtime(network: &File, threads: usize) -> anyhow::Result<Runtime> {
    // Threads that it makes later are started by those that it has, and inherit the network.
    inside(network, || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
    })?
    .map_err(|error| anyhow!("cannot start a runtime: {error}"))
}
