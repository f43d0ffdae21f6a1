//! The certificate the webhook serves with: loaded, checked, reloaded; or made in memory for development.

mod development;
mod pair;
mod reload;

pub use development::{Development, development};
pub use pair::{CertError, Pair};
pub use reload::{Files, Served};
