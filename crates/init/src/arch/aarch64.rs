//! aarch64: the system call instruction, the entry point, the numbers (the kernel's generic table).

use core::arch::asm;

/// System call numbers.
pub(super) mod nr {
    pub(crate) const IOCTL: usize = 29;
    pub(crate) const UNLINKAT: usize = 35;
    pub(crate) const CHDIR: usize = 49;
    pub(crate) const FCHMOD: usize = 52;
    pub(crate) const OPENAT: usize = 56;
    pub(crate) const CLOSE: usize = 57;
    pub(crate) const GETDENTS64: usize = 61;
    pub(crate) const READ: usize = 63;
    pub(crate) const WRITE: usize = 64;
    pub(crate) const READLINKAT: usize = 78;
    pub(crate) const EXIT_GROUP: usize = 94;
    pub(crate) const NANOSLEEP: usize = 101;
    pub(crate) const CLOCK_GETTIME: usize = 113;
    pub(crate) const KILL: usize = 129;
    pub(crate) const RT_SIGPROCMASK: usize = 135;
    pub(crate) const RT_SIGTIMEDWAIT: usize = 137;
    pub(crate) const GETSID: usize = 156;
    pub(crate) const SETSID: usize = 157;
    pub(crate) const PRCTL: usize = 167;
    pub(crate) const GETPID: usize = 172;
    pub(crate) const CLONE: usize = 220;
    pub(crate) const EXECVE: usize = 221;
    pub(crate) const MMAP: usize = 222;
    pub(crate) const WAIT4: usize = 260;
    pub(crate) const RENAMEAT2: usize = 276;
    pub(crate) const PIDFD_SEND_SIGNAL: usize = 424;
    pub(crate) const PIDFD_OPEN: usize = 434;
}

/// `open(2)`: must be a directory.
pub(super) const O_DIRECTORY: usize = 0o40_000;

/// The `svc` instruction with six arguments.
///
/// # Safety
/// The arguments must be what the call of that number expects.
pub(super) unsafe fn syscall(nr: usize, a: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the kernel preserves all registers but x0; memory it reads or writes is the caller's promise.
    unsafe {
        asm!(
            "svc 0",
            in("x8") nr,
            inlateout("x0") a[0] => result,
            in("x1") a[1], in("x2") a[2], in("x3") a[3], in("x4") a[4], in("x5") a[5],
            options(nostack),
        );
    }
    result
}

/// The program's first instruction: hands the initial stack (argc, argv, envp) to the Rust entry point.
///
/// # Safety
/// Only the kernel may start here.
#[cfg(feature = "freestanding")]
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn _start() -> ! {
    core::arch::naked_asm!(
        "mov x29, #0",
        "mov x30, #0",
        "mov x0, sp",
        "bl softstop_init_entry",
        "brk #1"
    )
}
