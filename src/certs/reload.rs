//! The pair that is served, replaced while the server runs.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::{info, warn};

use super::{CertError, Pair};
use crate::telemetry::{Metrics, Reload};

/// The pair that new connections get; before there is one, their handshakes fail.
#[derive(Debug, Default)]
pub struct Served(RwLock<Option<Arc<CertifiedKey>>>);

impl Served {
    /// Starts with this pair.
    pub fn new(pair: &Pair) -> Arc<Self> {
        let served = Self::default();
        served.replace(pair);
        Arc::new(served)
    }

    /// The pair that a connection gets now.
    pub fn current(&self) -> Option<Arc<CertifiedKey>> {
        let served = self.0.read().unwrap_or_else(PoisonError::into_inner);
        served.clone()
    }

    pub(super) fn replace(&self, pair: &Pair) {
        let mut served = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *served = Some(Arc::clone(&pair.certified));
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current()
    }
}

/// The two files of a certificate.
///
/// They are compared by content: a mounted Secret is swapped by a symbolic link, of which a watch on the files
/// themselves never hears.
#[derive(Debug)]
pub struct Files {
    cert: PathBuf,
    key: PathBuf,
    served: Texts,
    refused: Option<Texts>,
}

/// Certificate and key as they stand in the files.
type Texts = (Vec<u8>, Vec<u8>);

impl Files {
    /// Loads and checks them for the first time.
    pub fn load(cert: PathBuf, key: PathBuf) -> Result<(Self, Pair), CertError> {
        let mut files = Self {
            cert,
            key,
            served: Texts::default(),
            refused: None,
        };
        files.served = files.read()?;
        let pair = files.check(&files.served)?;
        Ok((files, pair))
    }

    fn read(&self) -> Result<Texts, CertError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|source| CertError::Read {
                path: path.clone(),
                source,
            })
        };
        Ok((read(&self.cert)?, read(&self.key)?))
    }

    fn check(&self, (cert, key): &Texts) -> Result<Pair, CertError> {
        Pair::check((&self.cert, cert), (&self.key, key), SystemTime::now())
    }

    /// Looks again: `None` where there is nothing new to say. A refused pair is tried again every time (it may have
    /// been valid only from a later moment) but reported once.
    fn changed(&mut self) -> Option<Result<Pair, CertError>> {
        let texts = match self.read() {
            Ok(texts) if texts == self.served => return None,
            Ok(texts) => texts,
            Err(error) => return Some(Err(error)),
        };
        let checked = self.check(&texts);
        if checked.is_ok() {
            self.served = texts;
            self.refused = None;
        } else if self.refused.as_ref() == Some(&texts) {
            return None;
        } else {
            self.refused = Some(texts);
        }
        Some(checked)
    }

    /// Looks at the files every `period` and serves what is new and good. On any trouble the last good pair stays.
    /// Never returns.
    pub async fn follow(mut self, served: Arc<Served>, metrics: Arc<Metrics>, period: Duration) {
        loop {
            tokio::time::sleep(period).await;
            match self.changed() {
                None => {}
                Some(Ok(pair)) => {
                    served.replace(&pair);
                    metrics.certificate(pair.expires);
                    metrics.reload(Reload::Replaced);
                    info!(expires = pair.expires, "serving a new certificate");
                }
                Some(Err(error)) => {
                    metrics.reload(Reload::Refused);
                    warn!(%error, "the new certificate is unusable; the last good one stays");
                }
            }
        }
    }
}
