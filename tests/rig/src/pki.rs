//! Throw-away certificates.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedKey, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// A certificate authority that lives as long as this value.
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes one.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().context("cannot make a key")?;
        let certificate = params
            .self_signed(&key)
            .context("cannot sign a CA certificate")?;
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key),
        })
    }

    /// Its certificate.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for a server on loopback.
    pub fn serving(&self) -> anyhow::Result<CertifiedKey<KeyPair>> {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])
            .context("cannot describe a serving certificate")?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A certificate by which the API server knows `user` as a member of `group`.
    pub fn client(&self, user: &str, group: &str) -> anyhow::Result<CertifiedKey<KeyPair>> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        params
            .distinguished_name
            .push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> anyhow::Result<CertifiedKey<KeyPair>> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let signing_key = KeyPair::generate().context("cannot make a key")?;
        let cert = params
            .signed_by(&signing_key, &self.issuer)
            .context("cannot sign a certificate")?;
        Ok(CertifiedKey { cert, signing_key })
    }
}

/// Writes `NAME.crt` and `NAME.key` into `dir`, the key readable by its owner only.
pub(crate) fn write(dir: &Path, name: &str, pair: &CertifiedKey<KeyPair>) -> anyhow::Result<()> {
    let certificate = dir.join(format!("{name}.crt"));
    fs::write(&certificate, pair.cert.pem())
        .with_context(|| format!("cannot write {}", certificate.display()))?;
    let key = dir.join(format!("{name}.key"));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&key)
        .and_then(|mut file| file.write_all(pair.signing_key.serialize_pem().as_bytes()))
        .with_context(|| format!("cannot write {}", key.display()))
}
