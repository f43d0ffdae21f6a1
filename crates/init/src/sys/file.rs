//! Files, directories and links.

use core::ffi::CStr;

use super::arch::{O_DIRECTORY, nr};
use super::{Result, call};

const AT_FDCWD: usize = (-100_isize).cast_unsigned();
const O_CLOEXEC: usize = 0o2_000_000;

/// How to open a file.
#[derive(Clone, Copy, Debug)]
pub enum Open {
    /// An existing file, to read.
    Read,
    /// An existing directory, to list.
    Directory,
    /// A file that must not exist yet, to write.
    Create,
}

/// An open file, closed when dropped.
#[derive(Debug)]
pub struct File(pub(super) usize);

impl Drop for File {
    fn drop(&mut self) {
        let _ = call!(nr::CLOSE, self.0);
    }
}

/// Standard output.
pub const STDOUT: usize = 1;
/// Standard error.
pub const STDERR: usize = 2;

/// Closes a descriptor the program was started with.
pub fn close(descriptor: usize) {
    let _ = call!(nr::CLOSE, descriptor);
}

impl File {
    /// Opens `path`.
    pub fn open(path: &CStr, how: Open) -> Result<Self> {
        let flags = match how {
            Open::Read => 0,
            Open::Directory => O_DIRECTORY,
            Open::Create => 0o1 | 0o100 | 0o200, // O_WRONLY, O_CREAT, O_EXCL
        };
        call!(
            nr::OPENAT,
            AT_FDCWD,
            path.as_ptr().expose_provenance(),
            flags | O_CLOEXEC,
            0o700
        )
        .map(Self)
    }

    /// Reads into `buffer`; 0 at the end.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        call!(
            nr::READ,
            self.0,
            buffer.as_mut_ptr().expose_provenance(),
            buffer.len()
        )
    }

    /// Reads until `buffer` is full or the file ends.
    pub fn read_up_to<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8]> {
        let mut length = 0;
        while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match self.read(rest)? {
                0 => break,
                n => length += n,
            }
        }
        Ok(buffer.get(..length).unwrap_or_default())
    }

    /// Writes all of `bytes`.
    pub fn write_all(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let n = call!(
                nr::WRITE,
                self.0,
                bytes.as_ptr().expose_provenance(),
                bytes.len()
            )?;
            bytes = bytes.get(n..).unwrap_or_default();
        }
        Ok(())
    }

    /// Sets the mode, whatever the umask.
    pub fn set_mode(&self, mode: usize) -> Result<()> {
        call!(nr::FCHMOD, self.0, mode).map(drop)
    }

    /// The next directory entries, as `struct linux_dirent64` one after the other; 0 at the end.
    pub fn entries(&self, buffer: &mut [u8]) -> Result<usize> {
        call!(
            nr::GETDENTS64,
            self.0,
            buffer.as_mut_ptr().expose_provenance(),
            buffer.len()
        )
    }
}

/// Writes to an inherited descriptor, ignoring errors: there is nowhere left to report them.
pub fn write(descriptor: usize, bytes: &[u8]) {
    let _ = call!(
        nr::WRITE,
        descriptor,
        bytes.as_ptr().expose_provenance(),
        bytes.len()
    );
}

/// The target of a symbolic link, as much as fits.
pub fn read_link<'b>(path: &CStr, buffer: &'b mut [u8]) -> Result<&'b [u8]> {
    let length = call!(
        nr::READLINKAT,
        AT_FDCWD,
        path.as_ptr().expose_provenance(),
        buffer.as_mut_ptr().expose_provenance(),
        buffer.len()
    )?;
    Ok(buffer.get(..length).unwrap_or_default())
}

/// Renames a file, replacing what is there.
pub fn rename(from: &CStr, to: &CStr) -> Result<()> {
    call!(
        nr::RENAMEAT2,
        AT_FDCWD,
        from.as_ptr().expose_provenance(),
        AT_FDCWD,
        to.as_ptr().expose_provenance()
    )
    .map(drop)
}

/// Removes a file.
pub fn unlink(path: &CStr) -> Result<()> {
    call!(nr::UNLINKAT, AT_FDCWD, path.as_ptr().expose_provenance(), 0).map(drop)
}
