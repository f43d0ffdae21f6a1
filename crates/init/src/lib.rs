//! softstop-init: the smallest PID 1 that loses no work, and the same knowledge as a preStop hook.
//!
//! ```text
//!   args ──> pid1 ──> spawn                 the program, as the runtime would have started it
//!        │     └────> drain <── tree <── scan   whom to signal next, from what /proc shows
//!        ├──> hook ───┘
//!        └──> copy
//! ```
//!
//! [`tree`] and [`drain`] decide and are pure; [`sys`] is the only module that talks to the kernel, and holds nearly all
//! `unsafe` code. There is no allocator and no libc: `cargo build-init` links the program for the host's ordinary target,
//! with its own `_start`, and with `--target aarch64-unknown-none` for aarch64. It needs panics that abort, hence the profile `tiny` and the feature `freestanding`; ordinary
//! builds leave the program out and test this library with std.
//!
//! What is signalled, and when:
//! - the first program on each branch that handles the signal, once; what it has started is its own business;
//! - shells and inits in between are ended first (as PID 1), so that none starts the next command; a script with a
//!   handler of its own is left alone with it where that will run at once;
//! - what reads a pipe ends by end-of-file; if it handles the signal, it gets it after what feeds it has ended;
//! - a program without a handler is signalled by PID 1 only when those with one have drained; alone, and always by the
//!   hook, it is left the time it had;
//! - what the caller says is sent; else what is known to drain the program; else SIGTERM. A program that is known to drop
//!   its work on every signal counts as one without a handler, unless it would have got the signal without us.
//!
//! A hook ends no shell, but for a loop behind PID 1 that starts program after program, when all have drained.
//!
//! Known limits: as PID 1, a script that handles the signal but stops nothing (`trap : TERM; server & wait`) leaves its
//! server without a signal, because nobody can see from outside that it does not; a multi-threaded program whose first
//! thread has ended looks like a zombie.
#![cfg_attr(not(test), no_std)]

pub mod args;
pub mod copy;
pub mod drain;
pub mod hook;
pub mod pid1;
pub mod proc;
pub mod process;
#[cfg(test)]
mod random;
pub mod scan;
pub mod signal;
pub mod spawn;
pub mod sys;
pub mod text;
pub mod tree;

use args::{Command, UsageError};
use text::{say, say_all};

/// Does what the command line says; the exit code.
pub fn main(arguments: sys::Vector, environment: sys::Vector) -> u8 {
    const USAGE: u8 = 2;
    let word = |index| arguments.strings().nth(index);
    match args::parse(&|at| word(at).map(core::ffi::CStr::to_bytes)) {
        Ok(Command::Run { signal, program }) => {
            pid1::run(arguments.skip(program), environment, signal)
        }
        Ok(Command::Drain {
            delay,
            grace,
            signal,
        }) => hook::run(delay, grace, signal),
        Ok(Command::Sleep(milliseconds)) => {
            sys::sleep(milliseconds);
            0
        }
        Ok(Command::Copy { destination }) => {
            let Some(destination) = word(destination) else {
                return USAGE;
            };
            match copy::copy(destination) {
                Ok(()) => 0,
                Err(errno) => {
                    say_all(&[
                        b"cannot copy to \"",
                        destination.to_bytes(),
                        b"\": ",
                        errno.text().as_bytes(),
                    ]);
                    1
                }
            }
        }
        Ok(Command::Version) => print(concat!("softstop-init ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Help) => print(args::HELP),
        Err(UsageError { at, what }) => {
            match word(at) {
                Some(word) => say_all(&[
                    b"\"",
                    word.to_bytes(),
                    b"\": ",
                    what.as_bytes(),
                    b" (see --help)",
                ]),
                None => say(what.as_bytes(), b" (see --help)"),
            }
            USAGE
        }
    }
}

fn print(text: &str) -> u8 {
    sys::write(sys::STDOUT, text.as_bytes());
    0
}
