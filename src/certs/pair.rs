//! A certificate chain and its key, checked to be of use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::time::ASN1Time;

/// Why a certificate cannot be served.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CertError {
    #[error("cannot read {}; the webhook serves TLS only, so give it both --tls-cert and --tls-key", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} holds no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key in PEM form (PKCS#8, PKCS#1 or SEC1, not encrypted)", path.display())]
    NoKey { path: PathBuf },
    #[error("{} is damaged PEM or no X.509 certificate: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("the key in {} is of a kind that cannot be served (use ECDSA P-256 or P-384, Ed25519, or RSA >= 2048)", path.display())]
    UnusableKey { path: PathBuf },
    #[error("the key in {} does not belong to the first certificate in {}", key.display(), cert.display())]
    Mismatch { cert: PathBuf, key: PathBuf },
    #[error("the certificate in {} expired at {since}; renew it", path.display())]
    Expired { path: PathBuf, since: ASN1Time },
    #[error("the certificate in {} is valid only from {from}; is the clock right?", path.display())]
    NotYetValid { path: PathBuf, from: ASN1Time },
    #[error("cannot make a certificate for development")]
    Make(#[from] rcgen::Error),
}

/// A certificate chain, its key, and until when it is valid.
#[derive(Clone, Debug)]
pub struct Pair {
    /// As rustls takes it.
    pub certified: Arc<CertifiedKey>,
    /// Seconds since the Unix epoch.
    pub expires: i64,
}

impl Pair {
    /// Checks that the PEM texts are a chain and the key of its first certificate, valid at `now`.
    /// The paths are for messages.
    pub fn check(
        (cert_path, cert_pem): (&Path, &[u8]),
        (key_path, key_pem): (&Path, &[u8]),
        now: SystemTime,
    ) -> Result<Self, CertError> {
        let damaged = |reason: String| CertError::Damaged {
            path: cert_path.to_owned(),
            reason,
        };
        let chain = CertificateDer::pem_slice_iter(cert_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| damaged(error.to_string()))?;
        let leaf = chain.first().ok_or_else(|| CertError::NoCertificate {
            path: cert_path.to_owned(),
        })?;
        let (_, x509) =
            X509Certificate::from_der(leaf).map_err(|error| damaged(error.to_string()))?;
        let validity = x509.validity();
        let (from, until) = (validity.not_before, validity.not_after);

        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| CertError::NoKey {
            path: key_path.to_owned(),
        })?;
        let key = any_supported_type(&key).map_err(|_| CertError::UnusableKey {
            path: key_path.to_owned(),
        })?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => CertError::Mismatch {
                cert: cert_path.to_owned(),
                key: key_path.to_owned(),
            },
            other => damaged(other.to_string()),
        })?;

        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        if now > until.timestamp() {
            return Err(CertError::Expired {
                path: cert_path.to_owned(),
                since: until,
            });
        }
        if now < from.timestamp() {
            return Err(CertError::NotYetValid {
                path: cert_path.to_owned(),
                from,
            });
        }
        Ok(Self {
            certified: Arc::new(certified),
            expires: until.timestamp(),
        })
    }
}
