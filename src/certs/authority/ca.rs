//! Certificates made and read: the CA, and what it signs.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

use super::AuthorityError;
use super::decide::{BACKDATED, Ca, Issued, Lives};
use crate::certs::Pair;

const ORGANIZATION: &str = "softstop";

/// The Service whose certificate it is.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// A CA with its key.
#[derive(Debug)]
pub(super) struct SigningCa {
    pub(super) ca: Ca,
    pub(super) key: KeyPair,
}

impl Service {
    /// The name under which the API server calls, and the only one that it accepts in a certificate.
    pub fn server_name(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }

    /// The shorter two are for people who try it from within the cluster; longer ones would depend on the cluster's domain.
    fn names(&self) -> Vec<String> {
        let Self { name, namespace } = self;
        vec![
            self.server_name(),
            format!("{name}.{namespace}"),
            name.clone(),
        ]
    }

    /// The CA's own name tells whose it is, so that a CA of ours is known again where only its certificate is left.
    fn ca_params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        let name = &mut params.distinguished_name;
        *name = rcgen::DistinguishedName::new();
        name.push(DnType::OrganizationName, ORGANIZATION);
        name.push(DnType::OrganizationalUnitName, self.namespace.as_str());
        name.push(DnType::CommonName, self.name.as_str());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    fn is_called(&self, name: &X509Name<'_>) -> bool {
        let organization = name.iter_organization().next();
        let unit = name.iter_organizational_unit().next();
        let common = name.iter_common_name().next();
        [
            (organization, ORGANIZATION),
            (unit, &self.namespace),
            (common, &self.name),
        ]
        .into_iter()
        .all(|(found, wanted)| found.is_some_and(|found| found.as_str() == Ok(wanted)))
    }
}

impl Ca {
    /// Reads the certificate of a CA of that Service; `None`: it is something else.
    pub(super) fn read(der: &[u8], service: &Service) -> Option<Self> {
        let (rest, x509) = X509Certificate::from_der(der).ok()?;
        let ours = rest.is_empty() && x509.is_ca() && service.is_called(x509.subject());
        ours.then(|| Self {
            created: x509.validity().not_before.timestamp() + BACKDATED,
            expires: x509.validity().not_after.timestamp(),
            der: der.to_vec(),
        })
    }
}

impl SigningCa {
    /// Makes one.
    pub(super) fn create(
        service: &Service,
        now: i64,
        lives: Lives,
    ) -> Result<Self, AuthorityError> {
        let expires = now + lives.ca;
        let mut params = service.ca_params();
        valid(&mut params, now, expires)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?;
        let ca = Ca {
            created: now,
            expires,
            der: certificate.der().to_vec(),
        };
        Ok(Self { ca, key })
    }

    /// Signs a certificate for a key of its own, which never leaves this process.
    pub(super) fn issue(
        &self,
        service: &Service,
        now: i64,
        lives: Lives,
    ) -> Result<(Pair, Issued), AuthorityError> {
        // It would end with its CA anyway.
        let expires = (now + lives.leaf).min(self.ca.expires);
        let mut params = CertificateParams::new(service.names())?;
        valid(&mut params, now, expires)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, ORGANIZATION);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let ca_params = service.ca_params();
        let certificate = params.signed_by(&key, &Issuer::from_params(&ca_params, &self.key))?;

        let made = Path::new("the certificate of softstop's own CA");
        let pair = Pair::check(
            (made, certificate.pem().as_bytes()),
            (made, key.serialize_pem().as_bytes()),
            time(now),
        )?;
        // At two thirds of its life, or up to a tenth of it earlier: replicas that started together do not renew together.
        let early = (expires - now) / 10 * i64::from(random::<1>()?[0]) / 256;
        let issued = Issued {
            issuer: self.ca.clone(),
            renew: now + (expires - now) / 3 * 2 - early,
            expires,
        };
        Ok((pair, issued))
    }
}

impl From<&Ca> for CertificateDer<'static> {
    fn from(ca: &Ca) -> Self {
        ca.der.clone().into()
    }
}

fn valid(params: &mut CertificateParams, now: i64, until: i64) -> Result<(), AuthorityError> {
    params.not_before = time(now - BACKDATED).into();
    params.not_after = time(until).into();
    params.serial_number = Some(SerialNumber::from_slice(&random::<16>()?));
    Ok(())
}

fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or_default())
}

fn random<const N: usize>() -> Result<[u8; N], AuthorityError> {
    let mut bytes = [0; N];
    ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| AuthorityError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{GeneralName, ParsedExtension};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn service() -> Service {
        Service {
            name: "softstop".to_owned(),
            namespace: "softstop-system".to_owned(),
        }
    }

    #[test]
    fn a_ca_is_what_it_should_be() {
        let made = SigningCa::create(&service(), NOW, Lives::default()).unwrap();
        let (_, x509) = X509Certificate::from_der(&made.ca.der).unwrap();
        let constraints = x509.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && constraints.value.ca);
        assert_eq!(constraints.value.path_len_constraint, Some(0));
        assert!(x509.key_usage().unwrap().unwrap().value.key_cert_sign());
        assert_eq!(x509.validity().not_before.timestamp(), NOW - 3600);
        assert_eq!(x509.validity().not_after.timestamp(), NOW + 365 * 24 * 3600);
        assert!(x509.raw_serial().len() >= 14, "{:?}", x509.raw_serial());
        assert_eq!(Ca::read(&made.ca.der, &service()), Some(made.ca));
    }

    #[test]
    fn a_certificate_is_what_it_should_be() {
        let ca = SigningCa::create(&service(), NOW, Lives::default()).unwrap();
        let (pair, issued) = ca.issue(&service(), NOW, Lives::default()).unwrap();
        let der = pair.certified.end_entity_cert().unwrap();
        let (_, x509) = X509Certificate::from_der(der).unwrap();
        assert!(!x509.is_ca());
        let names = x509.subject_alternative_name().unwrap().unwrap().value;
        let names: Vec<_> = names
            .general_names
            .iter()
            .map(|name| match name {
                GeneralName::DNSName(name) => *name,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(
            names,
            [
                "softstop.softstop-system.svc",
                "softstop.softstop-system",
                "softstop",
            ]
        );
        let usage = x509.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.server_auth && !usage.client_auth && !usage.any);
        assert_eq!(x509.validity().not_before.timestamp(), NOW - 3600);
        assert_eq!(issued.expires, NOW + 7 * 24 * 3600);
        assert_eq!(pair.expires, issued.expires);
        let share = (issued.renew - NOW) * 100 / (issued.expires - NOW);
        assert!((56..=66).contains(&share), "renewed at {share} %");
        let key_of_ca = x509.extensions().iter().any(|extension| {
            matches!(
                extension.parsed_extension(),
                ParsedExtension::AuthorityKeyIdentifier(_)
            )
        });
        assert!(key_of_ca);
    }

    #[test]
    fn a_certificate_ends_with_its_ca() {
        let ca = SigningCa::create(&service(), NOW, Lives::default()).unwrap();
        let late = ca.ca.expires - 1000;
        let (_, issued) = ca.issue(&service(), late, Lives::default()).unwrap();
        assert_eq!(issued.expires, ca.ca.expires);
        assert!(issued.renew < issued.expires);
    }

    #[test]
    fn only_the_cas_of_this_service_are_ours() {
        let made = SigningCa::create(&service(), NOW, Lives::default()).unwrap();
        let other = |name: &str, namespace: &str| Service {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        };
        assert_eq!(Ca::read(&made.ca.der, &other("softstop", "other")), None);
        assert_eq!(
            Ca::read(&made.ca.der, &other("other", "softstop-system")),
            None
        );
        assert_eq!(Ca::read(b"damaged", &service()), None);
        let (leaf, _) = made.issue(&service(), NOW, Lives::default()).unwrap();
        let leaf = leaf.certified.end_entity_cert().unwrap();
        assert_eq!(Ca::read(leaf, &service()), None);
    }
}
