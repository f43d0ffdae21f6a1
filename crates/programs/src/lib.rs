//! What softstop knows about programs: flat tables, shared by the engine and by softstop-init.
//!
//! | module | table |
//! |---|---|
//! | [`signal`] | signal names and numbers |
//! | [`shell`] | which program names are shells, in which dialect |
//! | [`launcher`] | programs that only start another one, and whether they hand a signal on |
//! | [`profile`] | server programs: how they are recognised, what drains them, how long it takes |
//!
//! Nothing here allocates or touches the operating system.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod launcher;
pub mod profile;
pub mod shell;
pub mod signal;

/// The name a program is known by: what follows the last `/`.
///
/// ```
/// assert_eq!(softstop_programs::base_name("/usr/bin/nginx"), "nginx");
/// ```
pub fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
