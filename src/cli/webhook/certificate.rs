//! Where the webhook's certificate comes from.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::certs::{Files, Pair, development};

/// The certificate to serve with.
#[derive(Debug, clap::Args)]
pub(super) struct Certificate {
    /// Certificate chain in PEM form, the webhook's own certificate first; looked at every 10 s
    #[arg(
        long,
        value_name = "FILE",
        env = "SOFTSTOP_TLS_CERT",
        requires = "tls_key",
        conflicts_with = "dev"
    )]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key in PEM form
    #[arg(
        long,
        value_name = "FILE",
        env = "SOFTSTOP_TLS_KEY",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,

    #[command(flatten)]
    dev: Dev,
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

impl Certificate {
    /// The first pair to serve, and the files to follow where it came from files.
    pub(super) fn provide(self) -> anyhow::Result<(Pair, Option<Files>)> {
        let Self {
            tls_cert,
            tls_key,
            dev,
        } = self;
        let Dev {
            enabled,
            ca_file,
            names,
        } = dev;
        if let (Some(cert), Some(key)) = (tls_cert, tls_key) {
            let (files, pair) = Files::load(cert, key)?;
            return Ok((pair, Some(files)));
        }
        if !enabled {
            bail!(
                "the API server speaks only TLS: give --tls-cert and --tls-key, or --dev to try it out"
            );
        }
        let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let made = development(&[&local[..], &names].concat())?;
        if let Some(path) = ca_file {
            std::fs::write(&path, made.ca_bundle)
                .with_context(|| format!("cannot write --dev-ca-file {}", path.display()))?;
        }
        Ok((made.pair, None))
    }
}
