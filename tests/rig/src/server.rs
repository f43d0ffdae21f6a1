//! A plain HTTPS server, to stand where softstop would.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::Authority;

/// Serves on a free loopback port for as long as the runtime lives; HTTP/1.1 and h2. Returns its URL and its CA (PEM).
pub async fn serve(router: Router) -> anyhow::Result<(String, String)> {
    let authority = Authority::new("softstop-rig")?;
    let pair = authority.serving()?;
    let (certificate, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("cannot bind a port on 127.0.0.1")?;
    let url = format!(
        "https://{}",
        listener
            .local_addr()
            .context("cannot read the bound address")?
    );
    tokio::spawn(async move { serve_pair(listener, &certificate, &key, router).await });
    Ok((url, authority.pem()))
}

/// Serves for ever, with a certificate and its key (PEM).
pub async fn serve_pair(
    listener: TcpListener,
    certificate: &str,
    key: &str,
    router: Router,
) -> anyhow::Result<()> {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes())
        .context("the certificate is not PEM")?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).context("the key is not PEM")?;
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .context("the certificate cannot be served")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = listener.accept().await.context("cannot accept")?;
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
}
