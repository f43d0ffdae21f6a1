//! A real Kubernetes API server on loopback, without a cluster, a container or root; and, as root, a whole node that runs pods.
//!
//! etcd, kube-apiserver and kubectl come from [`Assets`]: built once from their Go modules into a cache, or taken from
//! `KUBEBUILDER_ASSETS`. A [`Rig`] is the two servers, running; a [`Webhook`] is the `softstop webhook` process, which can
//! be registered with it. A [`Node`] has the same API server, and all that it takes to run pods of an [`Image`]. Whatever is started here ends with the value that stands for it, and also when this process
//! is killed ([`Process`]).

mod assets;
mod cache;
mod chart;
mod client;
mod image;
mod node;
mod pki;
mod process;
mod rig;
mod server;
mod static_program;
mod webhook;
mod workload;

pub use assets::{Assets, NodeAssets, helm};
pub use cache::{cache_dir, once};
pub use chart::Chart;
pub use client::Connection;
pub use image::Image;
pub use node::{DetachedNode, Node, is_ready, processes};
pub use pki::Authority;
pub use process::Process;
pub use rig::{DEADLINE, Detached, Rig};
pub use server::{serve, serve_pair};
pub use static_program::static_program;
pub use webhook::{Webhook, configuration, validating_configuration};
pub use workload::{Sample, documents, pod, review, samples};

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;

/// A TCP port on loopback that was free a moment ago.
///
/// Another process may take it before its user binds it. That shows at once, as a server that does not start.
pub fn free_port() -> anyhow::Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot bind a port on 127.0.0.1")?;
    Ok(listener
        .local_addr()
        .context("cannot read the bound address")?
        .port())
}
