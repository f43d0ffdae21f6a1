//! Accepting connections, over TLS or plain, within the limits.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::connection::{Protocol, serve};
use super::limits::Limits;
use super::shutdown::{Lifecycle, Phase};
use crate::telemetry::Metrics;

const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// A bound port and what it serves.
pub(super) struct Port {
    pub(super) listener: TcpListener,
    pub(super) site: Site,
}

/// What a port serves.
pub(super) struct Site {
    pub(super) tls: Option<Tls>,
    pub(super) router: Router,
    pub(super) lifecycle: Lifecycle,
    pub(super) limits: Limits,
    /// Where open connections are counted.
    pub(super) metrics: Option<Arc<Metrics>>,
}

/// TLS for a port.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    handshakes: Arc<Semaphore>,
}

impl Tls {
    pub(super) fn new(mut config: ServerConfig, limits: &Limits) -> Self {
        config.alpn_protocols = vec![H2.to_vec(), HTTP1.to_vec()];
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            handshakes: Arc::new(Semaphore::new(limits.handshakes)),
        }
    }

    /// The handshake, and the wait for its turn, within the time for it.
    async fn accept(&self, stream: TcpStream, time: Duration) -> Option<TlsStream<TcpStream>> {
        let handshake = async {
            let _turn = self.handshakes.acquire().await;
            self.acceptor.accept(stream).await
        };
        match timeout(time, handshake).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                debug!(%error, "TLS handshake failed");
                None
            }
            Err(_) => {
                debug!("TLS handshake timed out");
                None
            }
        }
    }
}

impl Port {
    /// Accepts until the server is closing, then waits for the open connections to finish.
    pub(super) async fn run(self) {
        let Self { listener, site } = self;
        let site = Arc::new(site);
        let room = Arc::new(Semaphore::new(site.limits.connections));
        let mut connections = JoinSet::new();
        let mut closing = pin!(site.lifecycle.reached(Phase::Closing));
        loop {
            let accept = async {
                let room = Arc::clone(&room).acquire_owned().await;
                (room, listener.accept().await)
            };
            let (room, accepted) = tokio::select! {
                () = &mut closing => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let site = Arc::clone(&site);
                    connections.spawn(async move {
                        let _room = room;
                        site.connection(stream).await;
                    });
                }
                // Out of file descriptors, or a peer that is gone already: no reason to stop, or to spin.
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        // From here on the kernel refuses what still comes.
        drop(listener);
        while connections.join_next().await.is_some() {}
    }
}

impl Site {
    async fn connection(&self, stream: TcpStream) {
        let _open = self.metrics.as_ref().map(|metrics| metrics.connection());
        // Answers are small and written at once: waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "the connection is gone");
            return;
        }
        let (router, lifecycle) = (self.router.clone(), self.lifecycle.clone());
        match &self.tls {
            None => serve(stream, Protocol::Http1, router, lifecycle, &self.limits).await,
            Some(tls) => {
                let Some(stream) = tls.accept(stream, self.limits.handshake).await else {
                    return;
                };
                let protocol = match stream.get_ref().1.alpn_protocol() {
                    Some(H2) => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                serve(stream, protocol, router, lifecycle, &self.limits).await;
            }
        }
    }
}
