//! The admission protocol: an `AdmissionReview` in, an answer out.
//!
//! ```text
//! bytes --Review::parse--> Review --Reviewer::review--> Reviewed { answer, outcome, ... } --Answer::to_json--> bytes
//! ```
//!
//! The webhook never denies a pod and never holds it up: whatever goes wrong after the request's `uid` is known is
//! answered with `allowed: true`, no patch, and a warning that says what happened.

mod context;
mod respond;
mod review;

pub use context::{Cluster, KnownNamespaces, NamespaceSource};
pub use respond::{Outcome, Planner, Reviewed, Reviewer, Subject};
pub use review::{Answer, Review, ReviewError};
