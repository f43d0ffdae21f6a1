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

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use softstop_core::Policy;
use thiserror::Error;

pub(crate) use selector::is_label;

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

/// Why a policy of the cluster is not in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// The field and what is wrong with it.
    pub why: String,
    /// A policy that leaves the pods alone that this one would speak for, where that much can be read. Otherwise the
    /// next policy would take them, which nobody asked for.
    pub stand_in: Option<Arc<Policy>>,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = if self.stand_in.is_some() {
            "until it is repaired, the pods it selects are left alone"
        } else {
            "until it is repaired, it has no effect"
        };
        write!(f, "{}; {effect}", self.why)
    }
}

/// Reads one policy out of an object of the cluster.
pub fn from_object(object: &Value) -> Result<Policy, Unreadable> {
    let file = File::new("policy", object.to_string());
    let broken = match read::policies(&file) {
        Ok(mut policies) if policies.len() == 1 => return Ok(policies.remove(0)),
        Ok(_) => "one policy is expected".to_owned(),
        Err(broken) => broken.message,
    };
    Err(Unreadable {
        why: broken,
        stand_in: read::stand_in(&file).map(Arc::new),
    })
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
