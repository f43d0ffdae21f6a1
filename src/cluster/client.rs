//! The client of the API server.

use std::time::Duration;

use kube::{Client, Config};
use thiserror::Error;

/// Longer than the quiet of a watch: the API server ends one after [`WATCH`](super::watch::WATCH) at the latest.
const READ: Duration = Duration::from_secs(90);

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Neither a kubeconfig nor a pod's service account.
    #[error(
        "cannot tell which API server to ask: give KUBECONFIG, or run in a pod with its service account's token mounted"
    )]
    Config(#[from] kube::config::InferConfigError),
    /// The configuration names certificates, tokens or programs that do not work.
    #[error("cannot make a client out of the kubeconfig or the service account")]
    Client(#[from] kube::Error),
}

/// A client from `KUBECONFIG` (or `~/.kube/config`), else from the pod's service account. It does not connect yet.
pub async fn client() -> Result<Client, ClientError> {
    let mut config = Config::infer().await?;
    config.connect_timeout = Some(Duration::from_secs(5));
    config.write_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(READ);
    // Else the time that a pooled connection was idle would count.
    config.reset_reader_on_write = true;
    Ok(Client::try_from(config)?)
}
