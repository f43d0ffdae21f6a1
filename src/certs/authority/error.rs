//! What goes wrong, and for how long nothing is known of it.

use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use crate::certs::CertError;

/// For one answer of the API server.
const PATIENCE: Duration = Duration::from_secs(10);

/// What goes wrong with it.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum AuthorityError {
    #[error(
        "cannot {action} {object}: {source}; is the API server there, and may the service account do that?"
    )]
    Api {
        action: &'static str,
        object: String,
        source: Box<kube::Error>,
    },
    #[error("the API server took longer than {} s", PATIENCE.as_secs())]
    Late,
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("cannot serve the certificate that was made")]
    Unusable(#[from] CertError),
    #[error("no random numbers for a certificate")]
    Random,
    #[error(
        "no webhook in {configuration} asks the Service {namespace}/{name}; do --service, --namespace and --webhook-configuration fit?"
    )]
    Unasked {
        configuration: String,
        namespace: String,
        name: String,
    },
    #[error(
        "a handshake with the own port as {name}, trusting the live caBundle, failed: {reason}"
    )]
    Handshake { name: String, reason: String },
}

/// Waits for an answer of the API server, but not for ever.
pub(super) async fn in_time<T>(
    request: impl Future<Output = Result<T, AuthorityError>>,
) -> Result<T, AuthorityError> {
    timeout(PATIENCE, request)
        .await
        .unwrap_or(Err(AuthorityError::Late))
}
