//! A plain HTTPS server, to stand where softstop would.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::Authority;

/// Serves on a free loopback port for as long as the runtime lives; HTTP/1.1 and h2. Returns its URL and its CA (PEM).
pub async fn serve(router: Router) -> anyhow::Result<(String, String)> {
    let authority = Authority::new("softstop-rig")?;
    let pair = authority.serving()?;
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der())
        .map_err(|error| anyhow!("bad key: {error}"))?;
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![pair.cert.der().clone()], key)
            .context("the certificate cannot be served")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("cannot bind a port on 127.0.0.1")?;
    let url = format!(
        "https://{}",
        listener
            .local_addr()
            .context("cannot read the bound address")?
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                if let Ok(stream) = acceptor.accept(stream).await {
                    let server = auto::Builder::new(TokioExecutor::new());
                    // A client that goes away is no news.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                }
            });
        }
    });
    Ok((url, authority.pem()))
}
