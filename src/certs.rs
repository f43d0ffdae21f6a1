//! The certificate the webhook serves with: loaded, checked, reloaded; or made in memory for development.
