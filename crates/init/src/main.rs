//! The program: entry point, and what libc would have brought.
#![no_std]
#![no_main]

use core::ffi::c_char;
use core::panic::PanicInfo;

use softstop_init::sys::{self, Reaped, Vector};

/// Called by `_start` with the initial stack: argc, then argv, null, envp, null.
///
/// # Safety
/// `stack` is what the kernel left in the stack pointer.
#[unsafe(no_mangle)]
unsafe extern "C" fn softstop_init_entry(stack: *const usize) -> ! {
    // SAFETY: the kernel's layout: one word argc, argc pointers and a null, then the environment and a null.
    let (arguments, environment) = unsafe {
        let arguments = stack.add(1).cast::<*const c_char>();
        (
            Vector::new(arguments),
            Vector::new(arguments.add(*stack + 1)),
        )
    };
    sys::exit(softstop_init::main(arguments, environment))
}

/// A bug must not take the container down: the program goes on, and its orphans are reaped.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    sys::write(
        sys::STDERR,
        b"softstop-init: internal error: going on without stopping gracefully\n",
    );
    while sys::pid() == 1 && sys::reap() != Reaped::NoChildren {
        let _ = sys::next_signal(None);
    }
    sys::exit(70)
}

/// The memory functions the compiler calls.
mod memory {
    /// As in C.
    ///
    /// # Safety
    /// As in C.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        let mut index = 0;
        while index < count {
            // SAFETY: the caller owns `count` bytes at both places. Volatile, so that this does not become memcpy.
            unsafe { to.add(index).write_volatile(from.add(index).read()) };
            index += 1;
        }
        to
    }

    /// As in C.
    ///
    /// # Safety
    /// As in C.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        if to.addr() <= from.addr() {
            // SAFETY: copied forwards, as it must be when the target lies below.
            return unsafe { memcpy(to, from, count) };
        }
        let mut index = count;
        while index > 0 {
            index -= 1;
            // SAFETY: as in memcpy, backwards because the target lies above.
            unsafe { to.add(index).write_volatile(from.add(index).read()) };
        }
        to
    }

    /// As in C.
    ///
    /// # Safety
    /// As in C.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
        let mut index = 0;
        while index < count {
            // SAFETY: the caller owns `count` bytes there.
            unsafe { to.add(index).write_volatile(byte.to_le_bytes()[0]) };
            index += 1;
        }
        to
    }

    /// As in C.
    ///
    /// # Safety
    /// As in C.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
        let mut index = 0;
        while index < count {
            // SAFETY: the caller owns `count` bytes at both places.
            let (a, b) = unsafe {
                (
                    left.add(index).read_volatile(),
                    right.add(index).read_volatile(),
                )
            };
            if a != b {
                return i32::from(a) - i32::from(b);
            }
            index += 1;
        }
        0
    }

    /// As memcmp, where only equality matters.
    ///
    /// # Safety
    /// As memcmp.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
        // SAFETY: the same contract.
        unsafe { memcmp(left, right, count) }
    }

    /// As in C.
    ///
    /// # Safety
    /// As in C.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn strlen(text: *const u8) -> usize {
        let mut length = 0;
        // SAFETY: the caller's text ends with NUL, and we stop there.
        while unsafe { text.add(length).read_volatile() } != 0 {
            length += 1;
        }
        length
    }
}
