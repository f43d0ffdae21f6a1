//! The certificate the webhook serves with: loaded, checked, reloaded; made and renewed by softstop's own
//! CA; or made in memory for development.

pub mod authority;
mod development;
mod pair;
mod reload;

pub use development::{Development, development};
pub use pair::{CertError, Pair};
pub use reload::{Files, Served};
