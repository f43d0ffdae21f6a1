//! The HTTPS server: routes, limits, shutdown; and the plain-HTTP admin port.
//!
//! ```text
//! accept (<= 1,024) -> TLS handshake (5 s, <= 64 at once) -> headers (5 s) -> memory -> body (<= 8 MiB) -> gate -> plan -> answer
//! ```
//!
//! The accept loop is its own because no server crate bounds the handshake in time and in number, and because hyper's
//! header timeout would close idle connections that the API server is about to use.

mod activity;
mod admin;
mod connection;
mod limits;
mod listen;
mod memory;
mod problem;
mod reviews;
mod shutdown;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use rustls::ServerConfig;
use rustls::version::TLS13;
use thiserror::Error;
use tokio::net::TcpListener;

pub use admin::admin_router;
pub use limits::Limits;
pub use reviews::App;
pub use shutdown::{Lifecycle, Phase};

use crate::certs::Served;
use listen::{Port, Site, Tls};
use problem::Problem;

/// Why the server cannot start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The port is taken, or may not be opened.
    #[error("cannot listen on {addr} ({flag}); is something else listening there?")]
    Bind {
        /// The flag that says the address.
        flag: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// rustls refuses its own settings.
    #[error("cannot set TLS up")]
    Tls(#[from] rustls::Error),
}

/// The routes of the webhook's port.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/mutate", post(reviews::mutate))
        .route("/validate", post(reviews::validate))
        .fallback(async |State(app): State<Arc<App>>| app.refuse(Problem::NotFound))
        .method_not_allowed_fallback(async |State(app): State<Arc<App>>| {
            app.refuse(Problem::Method)
        })
        .with_state(app)
}

/// Both ports, bound but not yet served.
pub struct Bound {
    webhook: Port,
    admin: Port,
    /// Where the webhook listens.
    pub addr: SocketAddr,
    /// Where the admin port listens.
    pub admin_addr: SocketAddr,
    lifecycle: Lifecycle,
}

impl Bound {
    /// Binds both ports. The certificate was checked before.
    pub async fn new(
        app: Arc<App>,
        served: Arc<Served>,
        lifecycle: Lifecycle,
        addr: SocketAddr,
        admin_addr: SocketAddr,
    ) -> Result<Self, ServerError> {
        let limits = app.limits().clone();
        let metrics = Arc::clone(app.metrics());
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                // Every API server that softstop can meet speaks it.
                .with_protocol_versions(&[&TLS13])?
                .with_no_client_auth()
                .with_cert_resolver(served);
        let (listener, addr) = bind("--listen", addr).await?;
        let site = Site {
            tls: Some(Tls::new(config, &limits)),
            router: router(app),
            lifecycle: lifecycle.clone(),
            limits: limits.clone(),
            metrics: Some(Arc::clone(&metrics)),
        };
        let webhook = Port { listener, site };
        let (listener, admin_addr) = bind("--admin-addr", admin_addr).await?;
        let site = Site {
            tls: None,
            router: admin_router(lifecycle.clone(), metrics),
            // It is the last to go: its own life ends with the process.
            lifecycle: Lifecycle::default(),
            limits,
            metrics: None,
        };
        let admin = Port { listener, site };
        Ok(Self {
            webhook,
            admin,
            addr,
            admin_addr,
            lifecycle,
        })
    }

    /// Serves until the lifecycle is closing and the webhook's connections have finished, but for that not longer
    /// than `patience`. Says whether all of them finished.
    pub async fn serve(self, patience: Duration) -> bool {
        let Self {
            webhook,
            admin,
            lifecycle,
            ..
        } = self;
        let finish = async {
            lifecycle.reached(Phase::Closing).await;
            tokio::time::sleep(patience).await;
        };
        tokio::select! {
            () = webhook.run() => true,
            () = finish => false,
            () = admin.run() => false,
        }
    }
}

async fn bind(
    flag: &'static str,
    addr: SocketAddr,
) -> Result<(TcpListener, SocketAddr), ServerError> {
    let refused = |source| ServerError::Bind { flag, addr, source };
    let listener = TcpListener::bind(addr).await.map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    Ok((listener, addr))
}
