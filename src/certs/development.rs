//! A throw-away authority and certificate, for development and demonstrations.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use super::{CertError, Pair};

const HOUR: Duration = Duration::from_secs(60 * 60);
const LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What [`development`] makes.
#[derive(Debug)]
pub struct Development {
    /// The pair to serve.
    pub pair: Pair,
    /// What clients trust, in PEM form: the `caBundle`.
    pub ca_bundle: String,
}

/// Makes an authority and a certificate for these names and addresses, both only in memory: the authority's key is
/// gone when this returns. They are valid from an hour ago, because clocks differ.
pub fn development(names: &[String]) -> Result<Development, CertError> {
    let now = SystemTime::now();
    let valid = |params: &mut CertificateParams| {
        params.not_before = (now - HOUR).into();
        params.not_after = (now + LIFE).into();
    };

    let mut authority = CertificateParams::default();
    valid(&mut authority);
    authority
        .distinguished_name
        .push(DnType::CommonName, "softstop development CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut leaf = CertificateParams::new(names)?;
    valid(&mut leaf);
    leaf.distinguished_name.push(DnType::CommonName, "softstop");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let cert = leaf.signed_by(&key, &authority)?;

    let made = Path::new("the development certificate");
    let pair = Pair::check(
        (made, cert.pem().as_bytes()),
        (made, key.serialize_pem().as_bytes()),
        now,
    )?;
    Ok(Development {
        pair,
        ca_bundle: authority.pem(),
    })
}
