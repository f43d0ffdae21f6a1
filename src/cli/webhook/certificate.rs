//! Where the webhook's certificate comes from.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

use crate::certs::authority::{Lives, Service, Settings};
use crate::certs::{Files, Pair, development};

/// The certificate to serve with: from files, of softstop's own making, or for development.
#[derive(Debug, clap::Args)]
pub(super) struct Certificate {
    /// Certificate chain in PEM form, the webhook's own certificate first; looked at every 10 s
    #[arg(long, value_name = "FILE", env = "SOFTSTOP_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key in PEM form
    #[arg(long, value_name = "FILE", env = "SOFTSTOP_TLS_KEY")]
    tls_key: Option<PathBuf>,

    #[command(flatten)]
    own: Own,

    #[command(flatten)]
    dev: Dev,
}

/// A CA of softstop's own, kept in the cluster.
#[derive(Debug, clap::Args)]
#[command(
    next_help_heading = "Certificates of its own making (KUBECONFIG, or the pod's service account)"
)]
struct Own {
    /// Make and renew the certificate, with CAs kept in this Secret, and write the caBundle of the webhook configurations
    #[arg(long, value_name = "NAME", env = "SOFTSTOP_CA_SECRET")]
    ca_secret: Option<String>,

    /// The Service by which the API server calls. Only webhooks that ask this Service get a caBundle
    #[arg(long, value_name = "NAME", env = "SOFTSTOP_SERVICE")]
    service: Option<String>,

    /// The namespace of the Service and of the Secret
    #[arg(long, value_name = "NAME", env = "SOFTSTOP_NAMESPACE")]
    namespace: Option<String>,

    /// The `MutatingWebhookConfiguration`
    #[arg(long, value_name = "NAME", env = "SOFTSTOP_WEBHOOK_CONFIGURATION")]
    webhook_configuration: Option<String>,

    /// The `ValidatingWebhookConfiguration`, if there is one
    #[arg(
        long,
        value_name = "NAME",
        env = "SOFTSTOP_VALIDATING_WEBHOOK_CONFIGURATION"
    )]
    validating_webhook_configuration: Option<String>,

    /// For tests: how long a CA lives, in seconds
    #[arg(long, hide = true, value_parser = clap::value_parser!(i64).range(1..))]
    test_ca_life: Option<i64>,

    /// For tests: how long a certificate lives, in seconds
    #[arg(long, hide = true, value_parser = clap::value_parser!(i64).range(1..))]
    test_certificate_life: Option<i64>,

    /// For tests: seconds by which the clock is ahead
    #[arg(long, hide = true, default_value_t = 0, allow_negative_numbers = true)]
    test_clock_offset: i64,
}

/// A certificate for development.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Development")]
struct Dev {
    /// Serve with a throw-away certificate, made at start and kept only in memory
    #[arg(long = "dev", id = "dev")]
    enabled: bool,

    /// Write what clients must trust to this file, in PEM form (the `caBundle`)
    #[arg(long = "dev-ca-file", value_name = "FILE", requires = "dev")]
    ca_file: Option<PathBuf>,

    /// A name or address that the certificate is for, beside localhost and its addresses (repeatable)
    #[arg(long = "dev-san", value_name = "NAME", requires = "dev")]
    names: Vec<String>,
}

/// What to serve with.
pub(super) enum Source {
    /// A pair that is made once.
    Fixed(Pair),
    /// A pair from files, which are followed.
    Files(Pair, Files),
    /// softstop makes it, as soon as it has heard from the API server.
    Own(Settings),
}

impl Certificate {
    /// Looks at the flags, and loads what they name. Exactly one source is accepted.
    pub(super) fn provide(self) -> anyhow::Result<Source> {
        let Self {
            tls_cert,
            tls_key,
            own,
            dev,
        } = self;
        let sources = [
            tls_cert.is_some() || tls_key.is_some(),
            own.is_given(),
            dev.enabled,
        ];
        match sources.iter().filter(|given| **given).count() {
            0 => bail!(
                "the API server speaks only TLS: give --tls-cert and --tls-key; or --ca-secret, --service, --namespace and \
                 --webhook-configuration, with which softstop makes its own certificate; or --dev to try it out"
            ),
            1 => {}
            _ => bail!(
                "the certificate can come from one place only: --tls-cert and --tls-key, or --ca-secret with \
                 --service, --namespace and --webhook-configuration, or --dev (each may also be set by its variable SOFTSTOP_...)"
            ),
        }
        if own.is_given() {
            return own.settings().map(Source::Own);
        }
        if dev.enabled {
            return dev.make().map(Source::Fixed);
        }
        let cert = tls_cert.context("--tls-key is given without --tls-cert")?;
        let key = tls_key.context("--tls-cert is given without --tls-key")?;
        let (files, pair) = Files::load(cert, key)?;
        Ok(Source::Files(pair, files))
    }
}

impl Own {
    fn is_given(&self) -> bool {
        self.ca_secret.is_some()
            || self.service.is_some()
            || self.namespace.is_some()
            || self.webhook_configuration.is_some()
            || self.validating_webhook_configuration.is_some()
    }

    fn settings(self) -> anyhow::Result<Settings> {
        let Self {
            ca_secret,
            service,
            namespace,
            webhook_configuration,
            validating_webhook_configuration,
            test_ca_life,
            test_certificate_life,
            test_clock_offset,
        } = self;
        let need = |flag: &str| {
            format!(
                "{flag} is missing: a certificate of softstop's own making needs --ca-secret, --service, --namespace and \
                 --webhook-configuration"
            )
        };
        let lives = Lives::default();
        let settings = Settings {
            secret: ca_secret.with_context(|| need("--ca-secret"))?,
            service: Service {
                name: service.with_context(|| need("--service"))?,
                namespace: namespace.with_context(|| need("--namespace"))?,
            },
            configuration: webhook_configuration
                .with_context(|| need("--webhook-configuration"))?,
            validating_configuration: validating_webhook_configuration,
            lives: Lives {
                ca: test_ca_life.unwrap_or(lives.ca),
                leaf: test_certificate_life.unwrap_or(lives.leaf),
            },
            clock_offset: test_clock_offset,
        };
        for (flag, name) in [
            ("--service", &settings.service.name),
            ("--namespace", &settings.service.namespace),
        ] {
            ensure!(
                is_label(name),
                "{flag} is {name:?}, which is no name: it takes 1 to 63 of a-z, 0-9 and -, the first and last not -"
            );
        }
        Ok(settings)
    }
}

/// Whether it can be the name of a Service or a namespace: a DNS label (RFC 1123).
fn is_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

impl Dev {
    fn make(self) -> anyhow::Result<Pair> {
        let Self {
            enabled: _,
            ca_file,
            names,
        } = self;
        let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let made = development(&[&local[..], &names].concat())?;
        if let Some(path) = ca_file {
            std::fs::write(&path, made.ca_bundle)
                .with_context(|| format!("cannot write --dev-ca-file {}", path.display()))?;
        }
        Ok(made.pair)
    }
}
