//! An HTTPS client as small as the API server's: it posts JSON, trusts one CA, keeps its connection.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// One connection (HTTP/1.1, as the API server speaks to webhooks behind a Service).
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects to `https://HOST:PORT`, trusting the CA in `ca` (PEM).
    pub async fn open(url: &str, ca: &str) -> anyhow::Result<Self> {
        let host = url
            .strip_prefix("https://")
            .with_context(|| format!("not an https URL: {url}"))?;
        let (name, _port) = host
            .rsplit_once(':')
            .with_context(|| format!("no port in {url}"))?;
        let mut roots = RootCertStore::empty();
        roots.add(
            CertificateDer::from_pem_slice(ca.as_bytes())
                .context("the CA is not a PEM certificate")?,
        )?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(host)
            .await
            .with_context(|| format!("cannot connect to {url}"))?;
        stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        let server = ServerName::try_from(name.to_owned())
            .with_context(|| format!("not a host name: {name}"))?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(server, stream)
            .await
            .with_context(|| format!("TLS with {url} failed"))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .context("HTTP handshake failed")?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host: host.to_owned(),
        })
    }

    /// Whether the server has not closed it; waits until the answer before this is dealt with.
    pub async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Posts JSON; returns the status and the body.
    pub async fn post(
        &mut self,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::post(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))
            .context("cannot build a request")?;
        self.sender
            .ready()
            .await
            .context("the connection was closed")?;
        let response = self
            .sender
            .send_request(request)
            .await
            .context("the request failed")?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .context("the answer broke off")?
            .to_bytes();
        Ok((status, body))
    }

    /// Posts an `AdmissionReview`; returns the answer's `response`.
    pub async fn review(
        &mut self,
        review: &serde_json::Value,
    ) -> anyhow::Result<serde_json::Value> {
        let (status, body) = self.post("/mutate?timeout=2s", review.to_string()).await?;
        ensure!(
            status.is_success(),
            "the webhook answered {status}: {}",
            String::from_utf8_lossy(&body)
        );
        let mut answer: serde_json::Value =
            serde_json::from_slice(&body).context("the answer is not JSON")?;
        Ok(answer["response"].take())
    }
}
