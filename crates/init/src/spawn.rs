//! Starts the program as the container runtime would have started it: same search, same terminal, same signals.

use crate::proc::base_name;
use crate::sys::{self, Errno, Fork, SignalSet, Vector};
use crate::text::{Text, say_all};

/// What a container gets that has no PATH.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Starts `arguments` as a child with the signal mask `mask`; its id.
pub fn spawn(arguments: Vector, environment: Vector, mask: SignalSet) -> sys::Result<u32> {
    // A session of its own, as PID 1 has one. A terminal can only move there once we let go of it.
    let leader = sys::leads_session();
    let terminal = leader && sys::release_terminal();
    // Letting go hangs up on the terminal's foreground, which is us. Nobody is meant by that.
    if terminal {
        while sys::next_signal(Some(0)).is_some() {}
    }
    match sys::fork()? {
        Fork::Parent(pid) => {
            sys::change_to_root();
            Ok(pid)
        }
        Fork::Child => {
            if leader || !sys::has_terminal() {
                sys::new_session();
            }
            if terminal {
                sys::take_terminal();
            }
            sys::block(mask);
            sys::exit(execute(arguments, environment))
        }
    }
}

/// Becomes the program; the exit code if that fails.
#[inline(never)] // its buffer is large, PID 1 shall not carry it
fn execute(arguments: Vector, environment: Vector) -> u8 {
    let Some(program) = arguments.strings().next() else {
        return NOT_FOUND;
    };
    let name = program.to_bytes();
    if base_name(name).len() < name.len() {
        let errno = sys::execute(program, arguments, environment);
        return explain(name, errno, b"");
    }
    let path = environment
        .strings()
        .find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
    let path = path.unwrap_or(DEFAULT_PATH);
    let mut denied = false;
    if !name.is_empty() {
        for directory in path.split(|&byte| byte == b':') {
            let directory = if directory.is_empty() {
                b"."
            } else {
                directory
            };
            let candidate = Text::<4096>::of(&[directory, b"/", name]);
            let Ok(candidate) = candidate.as_c_str() else {
                continue;
            };
            match sys::execute(candidate, arguments, environment) {
                Errno::NOENT | Errno::NOTDIR => {}
                Errno::ACCES => denied = true,
                errno => return explain(candidate.to_bytes(), errno, b""),
            }
        }
    }
    if denied {
        explain(name, Errno::ACCES, path)
    } else {
        explain(name, Errno::NOENT, path)
    }
}

fn explain(name: &[u8], errno: Errno, path: &[u8]) -> u8 {
    let why = if errno == Errno::NOENT && !path.is_empty() {
        "not found in PATH "
    } else {
        errno.text()
    };
    say_all(&[
        b"cannot run \"",
        name,
        b"\": ",
        why.as_bytes(),
        if errno == Errno::NOENT { path } else { b"" },
    ]);
    if matches!(errno, Errno::NOENT | Errno::NOTDIR) {
        NOT_FOUND
    } else {
        NOT_EXECUTABLE
    }
}
