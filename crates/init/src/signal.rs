//! Sends a signal to the process that was meant, or to nobody.

use crate::process::Process;
use crate::scan;
use crate::sys::{self, Errno, Pidfd};

/// Sends `signal` to `process`; false if that is gone or may not be signalled.
pub fn send(process: &Process, signal: u8) -> bool {
    match Pidfd::open(process.pid) {
        // The handle now holds whoever has the id; only then is it worth asking who that is.
        Ok(handle) => scan::is_still(process) && handle.send(signal).is_ok(),
        // Before Linux 5.3, or in a sandbox without: the gap between question and signal remains.
        Err(Errno::NOSYS | Errno::PERM) => {
            scan::is_still(process) && sys::kill(process.pid, signal).is_ok()
        }
        Err(_) => false,
    }
}
