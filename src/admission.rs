//! The admission protocol: an `AdmissionReview` in, an answer out.
//!
//! ```text
//! bytes --Review::parse--> Review --Reviewer::review--> Reviewed { answer, outcome, ... } --Answer::to_json--> bytes
//! ```
//!
//! The mutating hook never denies a pod and never holds it up: whatever goes wrong after the request's `uid` is known is
//! answered with `allowed: true`, no patch, and a warning that says what happened. The validating hook denies only what
//! a policy wants denied, and is as careful otherwise.

mod context;
mod respond;
mod review;
mod validate;

pub use context::{Cluster, KnownNamespaces, NamespaceSource, PolicyFeed, fixed};
pub use respond::{Hook, Outcome, Planner, Reviewed, Reviewer, Subject};
pub use review::{Answer, Review, ReviewError};
