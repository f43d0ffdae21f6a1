//! The two texts that the cluster keeps: the list of CAs with their keys, and a `caBundle`.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::ca::{Service, SigningCa};
use super::decide::{Bundle, Ca};

/// Reads a list of CAs: certificate, key, certificate, key, ... What cannot be read is left out, as if it were not there.
pub(super) fn read_list(pem: &[u8], service: &Service) -> Vec<SigningCa> {
    let mut list = Vec::new();
    let mut certificate = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem).map_while(Result::ok) {
        match section {
            (SectionKind::Certificate, der) => certificate = Ca::read(&der, service),
            (SectionKind::PrivateKey, der) => {
                list.extend(certificate.take().and_then(|ca| signing(ca, der)));
            }
            _ => {}
        }
    }
    list
}

fn signing(ca: Ca, key: Vec<u8>) -> Option<SigningCa> {
    let key = PrivatePkcs8KeyDer::from(key);
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256).ok()?;
    let (_, x509) = x509_parser::parse_x509_certificate(&ca.der).ok()?;
    let theirs = x509.public_key().subject_public_key.as_ref() == key.public_key_raw();
    theirs.then_some(SigningCa { ca, key })
}

/// Writes a list of CAs.
pub(super) fn write_list<'a>(list: impl IntoIterator<Item = &'a SigningCa>) -> String {
    let mut text = String::new();
    for SigningCa { ca, key } in list {
        armour(&mut text, "CERTIFICATE", &ca.der);
        armour(&mut text, "PRIVATE KEY", &key.serialize_der());
    }
    text
}

/// Reads a `caBundle`.
pub(super) fn read_bundle(pem: &[u8], service: &Service) -> Bundle {
    let mut bundle = Bundle::default();
    for section in CertificateDer::pem_slice_iter(pem) {
        match section.ok().and_then(|der| Ca::read(&der, service)) {
            Some(ca) => bundle.ours.push(ca),
            None => bundle.foreign = true,
        }
    }
    // Garbage without a certificate in it.
    bundle.foreign |= bundle.ours.is_empty() && !pem.is_empty();
    bundle
}

/// Writes a `caBundle`.
pub(super) fn write_bundle(bundle: &[Ca]) -> String {
    let mut text = String::new();
    for ca in bundle {
        armour(&mut text, "CERTIFICATE", &ca.der);
    }
    text
}

fn armour(text: &mut String, label: &str, der: &[u8]) {
    let body = STANDARD.encode(der);
    let (mut rest, mut lines) = (body.as_str(), String::new());
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "-----BEGIN {label}-----\n{lines}-----END {label}-----\n"
    );
}

#[cfg(test)]
mod tests {
    use super::super::decide::Lives;
    use super::*;

    fn service() -> Service {
        Service {
            name: "softstop".to_owned(),
            namespace: "softstop-system".to_owned(),
        }
    }

    fn made() -> SigningCa {
        SigningCa::create(&service(), 1_800_000_000, Lives::default()).unwrap()
    }

    #[test]
    fn a_list_comes_back_as_it_was() {
        let list = [made(), made()];
        let text = write_list(&list);
        let read = read_list(text.as_bytes(), &service());
        let cas = |list: &[SigningCa]| list.iter().map(|ca| ca.ca.clone()).collect::<Vec<_>>();
        assert_eq!(cas(&read), cas(&list));
        assert_eq!(write_list(&read), text);
    }

    #[test]
    fn what_is_damaged_counts_as_missing() {
        let (first, second) = (made(), made());
        let good = write_list([&first]);
        let swapped = SigningCa {
            ca: first.ca.clone(),
            key: second.key,
        };
        for (text, count) in [
            (String::new(), 0),
            ("nonsense".to_owned(), 0),
            (write_list([&swapped]), 0),
            (write_bundle(std::slice::from_ref(&first.ca)), 0),
            (
                format!("{}{good}", write_bundle(std::slice::from_ref(&second.ca))),
                1,
            ),
            (format!("{good}{}", &good[..good.len() / 2]), 1),
            (format!("comment\n{good}{}", write_list([&swapped])), 1),
        ] {
            assert_eq!(
                read_list(text.as_bytes(), &service()).len(),
                count,
                "{text}"
            );
        }
    }

    #[test]
    fn a_bundle_comes_back_and_strangers_show() {
        let cas = [made().ca, made().ca];
        let text = write_bundle(&cas);
        assert!(read_bundle(text.as_bytes(), &service()).holds(&cas));
        assert_eq!(read_bundle(b"", &service()), Bundle::default());
        assert!(read_bundle(b"xx", &service()).foreign);
        let stranger = Service {
            name: "other".to_owned(),
            ..service()
        };
        let stranger = SigningCa::create(&stranger, 1_800_000_000, Lives::default()).unwrap();
        let mixed = format!("{text}{}", write_bundle(&[stranger.ca]));
        let read = read_bundle(mixed.as_bytes(), &service());
        assert!(read.foreign && read.ours.len() == 2);
    }
}
