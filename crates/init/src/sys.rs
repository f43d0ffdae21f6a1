//! The operating system: the few Linux calls softstop-init makes, wrapped so that callers need no `unsafe`.
//!
//! There is no libc below this. Numbers are the same on every 64-bit architecture unless `arch` says otherwise.

#[cfg_attr(target_arch = "x86_64", path = "arch/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "arch/aarch64.rs")]
mod arch;

use arch::nr;

/// An error number of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub usize);

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
    usize::try_from(result).map_err(|_| Errno(result.unsigned_abs()))
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

// Below the macro, which they use.
mod file;
mod process;

pub use file::*;
pub use process::*;

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
