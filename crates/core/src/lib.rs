//! The decisions of softstop: from a pod to the changes that make it stop gracefully.
//!
//! ```text
//! pod &Value ---------------+
//! namespace, policies ------+--> settings --+--> observe -> decide -> budget -> render = Plan
//! image facts --------------+               |    (Facts)   (Decision  (Grace)   (edits, findings)
//! capabilities -------------+---------------+               per container)
//! ```
//!
//! [`plan`] is pure and total: same input, same output, no input makes it fail or panic. It works on
//! [`serde_json::Value`], because a typed pod drops every field that is newer than the type.
//! This crate knows no Kubernetes client, no clock, no file and no network.

mod annotations;
mod argv;
mod budget;
mod context;
mod decide;
mod expand;
mod facts;
mod finding;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod inject;
mod observe;
mod patch;
mod plan;
mod pod;
mod policy;
#[cfg(test)]
mod properties;
mod render;
pub mod rules;
mod settings;
pub mod shell;
mod story;
#[cfg(test)]
mod testing;

pub use annotations::{
    BadValue, Entrypoint, Mode, PreStop, Runtime, Setting, duration, stop_signal, writable_path,
};
pub use context::{Capabilities, Context, Delivery, Injection, Namespace};
pub use facts::{Image, ImageFacts};
pub use finding::{Code, Finding, Severity};
pub use patch::{Doubt, Op, OpKind};
pub use plan::{Change, ContainerPlan, Plan, Verdict, plan};
pub use policy::{Bounds, Policies, Policy, Requirement, Selector, Violations};
pub use settings::{Source, Sourced, is_own_key};
