//! Would the API server trust what is served here? Asked by a real handshake.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::AuthorityError;
use super::decide::Ca;

const PATIENCE: Duration = Duration::from_secs(5);

/// Connects to our own port as the API server does: by the Service's name, trusting only the `caBundle`.
pub(super) async fn handshake(
    listening: SocketAddr,
    server_name: &str,
    bundle: &[Ca],
) -> Result<(), AuthorityError> {
    let refused = |reason: String| AuthorityError::Handshake {
        name: server_name.to_owned(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(bundle.iter().map(Into::into));
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    let name =
        ServerName::try_from(server_name.to_owned()).map_err(|error| refused(error.to_string()))?;
    let handshake = async {
        let stream = TcpStream::connect(reachable(listening)).await?;
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    };
    match timeout(PATIENCE, handshake).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused("it took too long".to_owned())),
    }
}

/// Where to connect to what listens on every address.
fn reachable(mut listening: SocketAddr) -> SocketAddr {
    if listening.ip().is_unspecified() {
        listening.set_ip(match listening.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listening
}
