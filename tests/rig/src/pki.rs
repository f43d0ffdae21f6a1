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
use serde_json::json;

/// What the audit log keeps: of pods the metadata, which has the annotations that admission leaves; of the rest nothing.
const AUDIT_POLICY: &str = r#"{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
"rules": [{"level": "Metadata", "resources": [{"resources": ["pods"]}], "verbs": ["create"]}, {"level": "None"}]}"#;

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
        self.serving_also(&[])
    }

    /// A certificate for a server on loopback that has more names or addresses.
    pub fn serving_also(&self, names: &[&str]) -> anyhow::Result<CertifiedKey<KeyPair>> {
        let names = ["localhost", "127.0.0.1"].iter().chain(names);
        let mut params =
            CertificateParams::new(names.map(|&name| name.to_owned()).collect::<Vec<_>>())
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

/// What an API server at `url` needs in `dir`: certificates, keys, the audit policy; and `kubeconfig` for a member of
/// `system:masters`. `names` are what it is called beside localhost.
pub(crate) fn write_server_files(
    dir: &Path,
    url: &str,
    names: &[&str],
) -> anyhow::Result<Authority> {
    let authority = Authority::new("softstop-rig")?;
    write(dir, "apiserver", &authority.serving_also(names)?)?;
    // The API server takes the public half of this key out of the certificate; who signed it does not matter.
    write(
        dir,
        "service-account",
        &authority.client("service-account", "signer")?,
    )?;
    write_text(dir, "client-ca.crt", &authority.pem())?;
    write_text(dir, "audit-policy.json", AUDIT_POLICY)?;
    write_user(&authority, dir, url, "admin", ("admin", "system:masters"))?;
    fs::rename(dir.join("admin.kubeconfig"), dir.join("kubeconfig"))
        .with_context(|| format!("cannot write {}", dir.join("kubeconfig").display()))?;
    Ok(authority)
}

/// `FILE.crt`, `FILE.key` and `FILE.kubeconfig`, by which a client of the API server at `url` is `user`, a member of `group`.
pub(crate) fn write_user(
    authority: &Authority,
    dir: &Path,
    url: &str,
    file: &str,
    (user, group): (&str, &str),
) -> anyhow::Result<()> {
    write(dir, file, &authority.client(user, group)?)?;
    let path = |name: &str| dir.join(name).display().to_string();
    let (certificate, key) = (path(&format!("{file}.crt")), path(&format!("{file}.key")));
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "rig",
        "clusters": [{"name": "rig", "cluster": {"server": url, "certificate-authority": path("client-ca.crt")}}],
        "users": [{"name": file, "user": {"client-certificate": certificate, "client-key": key}}],
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": file, "namespace": "default"}}],
    });
    write_text(dir, &format!("{file}.kubeconfig"), &kubeconfig.to_string())
}

pub(crate) fn write_text(dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = dir.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}
