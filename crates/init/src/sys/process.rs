//! This process, its children, its terminal, its command line.

use core::ffi::{CStr, c_char};

use super::arch::nr;
use super::{Errno, File, Open, Result, call};

/// Leaves the working directory, so that its mount can be unmounted.
pub fn change_to_root() {
    let _ = call!(nr::CHDIR, c"/".as_ptr().expose_provenance());
}

/// The id of this process, as its own PID namespace has it.
pub fn pid() -> u32 {
    call!(nr::GETPID)
        .ok()
        .and_then(|pid| u32::try_from(pid).ok())
        .unwrap_or(0)
}

/// Whether this process leads its session.
pub fn leads_session() -> bool {
    call!(nr::GETSID, 0)
        .ok()
        .and_then(|sid| u32::try_from(sid).ok())
        == Some(pid())
}

/// Starts a session of its own.
pub fn new_session() {
    let _ = call!(nr::SETSID);
}

const TIOCSCTTY: usize = 0x540E;
const TIOCNOTTY: usize = 0x5422;

/// Gives up the controlling terminal; whether there was one.
pub fn release_terminal() -> bool {
    call!(nr::IOCTL, 0, TIOCNOTTY, 0).is_ok()
}

/// Whether there is a controlling terminal.
pub fn has_terminal() -> bool {
    File::open(c"/dev/tty", Open::Read).is_ok()
}

/// Makes standard input the controlling terminal of this session.
pub fn take_terminal() {
    let _ = call!(nr::IOCTL, 0, TIOCSCTTY, 0);
}

const PR_SET_NAME: usize = 15;
const PR_SET_CHILD_SUBREAPER: usize = 36;

/// Names this process in `/proc/PID/comm`.
pub fn set_name(name: &CStr) {
    let _ = call!(nr::PRCTL, PR_SET_NAME, name.as_ptr().expose_provenance());
}

/// Orphans below this process become its children, as they do for PID 1.
pub fn become_subreaper() -> Result<()> {
    call!(nr::PRCTL, PR_SET_CHILD_SUBREAPER, 1).map(drop)
}

/// Which side of [`fork`] this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The new process.
    Child,
    /// The old one, and the child's id.
    Parent(u32),
}

/// Copies this (single-threaded) process.
pub fn fork() -> Result<Fork> {
    const SIGCHLD: usize = 17;
    Ok(match call!(nr::CLONE, SIGCHLD)? {
        0 => Fork::Child,
        pid => Fork::Parent(u32::try_from(pid).unwrap_or(0)),
    })
}

/// A program's argument or environment vector as the kernel wants it: pointers, the last one null.
#[derive(Clone, Copy, Debug)]
pub struct Vector(*const *const c_char);

impl Vector {
    /// Takes the vector that starts at `first`.
    ///
    /// # Safety
    /// `first` points to pointers to NUL-terminated strings, ended by a null pointer, all valid for the rest of the
    /// program's life, as on the initial stack.
    pub unsafe fn new(first: *const *const c_char) -> Self {
        Self(first)
    }

    /// The strings.
    pub fn strings(self) -> Strings {
        Strings(self.0)
    }

    /// The vector without its first `count` strings (at most all of them).
    #[must_use]
    pub fn skip(self, count: usize) -> Self {
        let mut strings = self.strings();
        for _ in 0..count {
            if strings.next().is_none() {
                break;
            }
        }
        Self(strings.0)
    }
}

/// The strings of a [`Vector`].
#[derive(Debug)]
pub struct Strings(*const *const c_char);

impl Iterator for Strings {
    type Item = &'static CStr;

    fn next(&mut self) -> Option<&'static CStr> {
        // SAFETY: `Vector::new` was promised a null-terminated vector, and we never step past the null.
        unsafe {
            let string = *self.0;
            if string.is_null() {
                return None;
            }
            self.0 = self.0.add(1);
            Some(CStr::from_ptr(string))
        }
    }
}

/// Replaces this process by the program at `path`; returns only if that fails.
pub fn execute(path: &CStr, arguments: Vector, environment: Vector) -> Errno {
    match call!(
        nr::EXECVE,
        path.as_ptr().expose_provenance(),
        arguments.0.expose_provenance(),
        environment.0.expose_provenance()
    ) {
        Err(errno) => errno,
        Ok(_) => Errno::NOSYS,
    }
}

/// Ends this process.
pub fn exit(code: u8) -> ! {
    loop {
        let _ = call!(nr::EXIT_GROUP, usize::from(code));
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(i32);

impl Status {
    /// The status word as `wait4` gives it.
    pub const fn from_raw(raw: i32) -> Self {
        Self(raw)
    }

    /// As a shell reports it: the exit code, or 128 plus the signal.
    pub fn code(self) -> u8 {
        let signal = self.0 & 0x7f;
        let code = if signal == 0 {
            self.0 >> 8
        } else {
            128 + signal
        };
        u8::try_from(code & 0xff).unwrap_or(u8::MAX)
    }
}

/// What [`reap`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaped {
    /// This child has ended.
    Ended(u32, Status),
    /// All children are still running.
    NoneEnded,
    /// There are no children.
    NoChildren,
}

/// Takes the status of one child that has ended, without waiting for one.
pub fn reap() -> Reaped {
    const WNOHANG: usize = 1;
    const WALL: usize = 0x4000_0000;
    let mut status = 0_i32;
    match call!(
        nr::WAIT4,
        usize::MAX,
        (&raw mut status).expose_provenance(),
        WNOHANG | WALL
    ) {
        Ok(0) => Reaped::NoneEnded,
        Ok(pid) => Reaped::Ended(u32::try_from(pid).unwrap_or(0), Status(status)),
        Err(_) => Reaped::NoChildren,
    }
}
