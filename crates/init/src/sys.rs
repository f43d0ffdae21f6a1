//! The operating system: the few Linux calls softstop-init makes, wrapped so that callers need no `unsafe`.
//!
//! There is no libc below this. Numbers are the same on every 64-bit architecture unless `arch` says otherwise.

use core::ffi::{CStr, c_char};

#[cfg_attr(target_arch = "x86_64", path = "arch/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "arch/aarch64.rs")]
mod arch;

use arch::{O_DIRECTORY, nr};

/// An error number of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// No such file or directory.
    pub const NOENT: Self = Self(2);
    /// Operation not permitted.
    pub const PERM: Self = Self(1);
    /// No such process.
    pub const SRCH: Self = Self(3);
    /// Exec format error.
    pub const NOEXEC: Self = Self(8);
    /// Permission denied.
    pub const ACCES: Self = Self(13);
    /// Not a directory.
    pub const NOTDIR: Self = Self(20);
    /// Is a directory.
    pub const ISDIR: Self = Self(21);
    /// File name too long.
    pub const NAMETOOLONG: Self = Self(36);
    /// The call does not exist in this kernel.
    pub const NOSYS: Self = Self(38);

    /// What it means, as `strerror` would say it; the number is left to the caller for the rest.
    pub fn text(self) -> &'static str {
        match self.0 {
            1 => "operation not permitted",
            2 => "no such file or directory",
            7 => "argument list too long",
            8 => "exec format error",
            11 => "too many processes",
            12 => "out of memory",
            13 => "permission denied",
            20 => "not a directory",
            21 => "is a directory",
            28 => "no space left on device",
            30 => "read-only file system",
            36 => "file name too long",
            _ => "system error",
        }
    }
}

/// What a call returns.
pub type Result<T> = core::result::Result<T, Errno>;

fn check(result: isize) -> Result<usize> {
    usize::try_from(result).map_err(|_| Errno(i32::try_from(-result).unwrap_or(i32::MAX)))
}

/// Makes one call. Out of line: a call site then is a few moves, not a copy of the instruction and the check.
///
/// # Safety
/// As for the call of that number.
#[inline(never)]
unsafe fn call(nr: usize, a: usize, b: usize, c: usize, d: usize) -> Result<usize> {
    // SAFETY: the caller's promise.
    check(unsafe { arch::syscall(nr, [a, b, c, d, 0, 0]) })
}

/// Makes one call whose pointers are valid for as long as it takes.
macro_rules! call {
    ($nr:expr) => { call!($nr, 0, 0, 0, 0) };
    ($nr:expr, $a:expr) => { call!($nr, $a, 0, 0, 0) };
    ($nr:expr, $a:expr, $b:expr) => { call!($nr, $a, $b, 0, 0) };
    ($nr:expr, $a:expr, $b:expr, $c:expr) => { call!($nr, $a, $b, $c, 0) };
    ($nr:expr, $a:expr, $b:expr, $c:expr, $d:expr) => {
        // SAFETY: every pointer among the arguments comes from a live reference or slice of this function, with the
        // length the kernel is told.
        unsafe { call($nr, $a, $b, $c, $d) }
    };
}

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
pub struct File(usize);

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

/// A set of signals; bit `n - 1` is signal `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSet(pub u64);

impl SignalSet {
    /// Every signal but those that report a fault of the process itself: ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS.
    pub const ASYNCHRONOUS: Self =
        Self(!(bit(4) | bit(5) | bit(6) | bit(7) | bit(8) | bit(11) | bit(31)));
}

/// The bit of signal number `signal` in a mask as `/proc` and the kernel write it.
pub const fn bit(signal: u8) -> u64 {
    1 << (signal - 1)
}

const SIG_SETMASK: usize = 2;
const SET_SIZE: usize = size_of::<SignalSet>();

/// Sets which signals are blocked; returns what was blocked before.
pub fn block(set: SignalSet) -> SignalSet {
    let mut old = SignalSet(0);
    let _ = call!(
        nr::RT_SIGPROCMASK,
        SIG_SETMASK,
        (&raw const set).expose_provenance(),
        (&raw mut old).expose_provenance(),
        SET_SIZE
    );
    old
}

/// The next blocked signal, waiting at most `milliseconds` for one (`None`: for ever).
pub fn next_signal(milliseconds: Option<u64>) -> Option<u8> {
    let set = SignalSet::ASYNCHRONOUS;
    let timeout = Time::from_millis(milliseconds.unwrap_or(0));
    let timeout = if milliseconds.is_some() {
        (&raw const timeout).expose_provenance()
    } else {
        0
    };
    let result = call!(
        nr::RT_SIGTIMEDWAIT,
        (&raw const set).expose_provenance(),
        0,
        timeout,
        SET_SIZE
    );
    result.ok().and_then(|signal| u8::try_from(signal).ok())
}

/// Sends `signal` to the process `pid`.
pub fn kill(pid: u32, signal: u8) -> Result<()> {
    call!(nr::KILL, pid as usize, usize::from(signal)).map(drop)
}

/// A handle to one process: what is sent through it never reaches a later owner of the same id.
#[derive(Debug)]
pub struct Pidfd(File);

impl Pidfd {
    /// The process that has the id `pid` now.
    pub fn open(pid: u32) -> Result<Self> {
        call!(nr::PIDFD_OPEN, pid as usize, 0).map(|fd| Self(File(fd)))
    }

    /// Sends `signal` to it.
    pub fn send(&self, signal: u8) -> Result<()> {
        call!(nr::PIDFD_SEND_SIGNAL, self.0.0, usize::from(signal)).map(drop)
    }
}

#[repr(C)]
struct Time {
    seconds: i64,
    nanoseconds: i64,
}

impl Time {
    fn from_millis(milliseconds: u64) -> Self {
        Self {
            seconds: i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX),
            nanoseconds: i64::try_from(milliseconds % 1000 * 1_000_000).unwrap_or(0),
        }
    }
}

/// Milliseconds of a clock that only goes forward.
pub fn now() -> u64 {
    const CLOCK_MONOTONIC: usize = 1;
    let mut time = Time::from_millis(0);
    let _ = call!(
        nr::CLOCK_GETTIME,
        CLOCK_MONOTONIC,
        (&raw mut time).expose_provenance()
    );
    u64::try_from(time.seconds * 1000 + time.nanoseconds / 1_000_000).unwrap_or(0)
}

/// Sleeps, whatever signals arrive meanwhile.
pub fn sleep(milliseconds: u64) {
    let end = now().saturating_add(milliseconds);
    loop {
        let left = end.saturating_sub(now());
        if left == 0 {
            return;
        }
        let time = Time::from_millis(left);
        let _ = call!(nr::NANOSLEEP, (&raw const time).expose_provenance(), 0);
    }
}

/// Fresh, zeroed memory for `count` values, never given back. Untouched pages cost nothing.
pub fn allocate<T: Zeroed>(count: usize) -> Result<&'static mut [T]> {
    const READ_WRITE: usize = 3;
    const PRIVATE_ANONYMOUS: usize = 0x22;
    let bytes = count.saturating_mul(size_of::<T>());
    let address = call!(nr::MMAP, 0, bytes, READ_WRITE, PRIVATE_ANONYMOUS)?;
    // SAFETY: the kernel gave us `bytes` fresh bytes, page-aligned, zeroed, for nobody else; all zeroes is a valid `T`.
    Ok(unsafe {
        core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(address), count)
    })
}

/// A type for which all bytes zero is a valid value.
///
/// # Safety
/// Exactly that must hold.
pub unsafe trait Zeroed {}

// SAFETY: plain integers.
unsafe impl Zeroed for u8 {}
