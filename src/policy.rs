//! `ShutdownPolicy`, the custom resource, and its way into the engine.
//!
//! ```text
//! file --manifest--> Node --read--> softstop_core::Policy
//! ```
//!
//! A policy file is read strictly, and the server does not start with one that it does not understand: a misspelled
//! field would silently change what happens to every pod of a cluster.

mod field;
mod read;
mod schema;
mod selector;
mod types;

use std::path::Path;

use softstop_core::Policy;
use thiserror::Error;

pub use schema::crd;
pub use types::{
    Bounds, DelayBounds, Exec, GraceBounds, HttpGet, LabelSelector, Operator, PreStopHook,
    Requirement, ShutdownPolicy, ShutdownPolicySpec, ShutdownPolicyStatus,
};

use crate::manifest::{Broken, File, ReadError};

/// Why a policy file cannot be used.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// It cannot be had.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It does not say what it should.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Reads the policies of a file.
pub fn load(path: &Path) -> Result<Vec<Policy>, PolicyError> {
    Ok(read::policies(&File::read(path)?)?)
}

/// Reads the policies of a text: YAML documents or JSON, each a `ShutdownPolicy` or a list of them. `name` is the
/// file's name, for messages.
pub fn parse(text: &str, name: &str) -> Result<Vec<Policy>, PolicyError> {
    Ok(read::policies(&File::new(name, text))?)
}

/// The definition of the custom resource, as YAML.
pub fn crd_yaml() -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&crd())
}
