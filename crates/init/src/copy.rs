//! `copy DEST`: brings this program into a volume.

use core::ffi::CStr;

use crate::process::SELF;
use crate::sys::{self, Errno, File, Open};
use crate::text::{Text, decimal};

/// Everybody may run it, nobody may write it.
const MODE: usize = 0o555;

type Path = Text<4096>;

/// Copies this program to `destination`, or into it where it is a directory: whole or not at all.
#[inline(never)] // its buffers are large, PID 1 shall not carry them
pub fn copy(destination: &CStr) -> sys::Result<()> {
    let mut target = Path::of(&[destination.to_bytes()]);
    if File::open(destination, Open::Directory).is_ok() {
        target.push(b"/");
        target.push(SELF);
    }
    // Beside the target, so that the rename stays on one file system.
    let draft = Path::of(&[
        target.as_bytes(),
        b".",
        decimal(sys::pid()).as_bytes(),
        b".tmp",
    ]);
    let (target, draft) = (target.as_c_str()?, draft.as_c_str()?);
    if target.to_bytes().ends_with(b"/") {
        return Err(Errno::NOENT); // a directory was meant that is not there
    }
    let _ = sys::unlink(draft); // of an earlier try that was killed
    let result = write(draft).and_then(|()| sys::rename(draft, target));
    if result.is_err() {
        let _ = sys::unlink(draft);
    }
    result
}

fn write(draft: &CStr) -> sys::Result<()> {
    let source = File::open(c"/proc/self/exe", Open::Read)?;
    let file = File::open(draft, Open::Create)?;
    let mut buffer = [0; 4096];
    loop {
        match source.read(&mut buffer)? {
            0 => return file.set_mode(MODE),
            n => file.write_all(buffer.get(..n).unwrap_or_default())?,
        }
    }
}
