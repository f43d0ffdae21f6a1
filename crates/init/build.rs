//! Links the program without libc: its own `_start`, no start files, fixed addresses, no unwind tables.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=discard.ld");
    let directory = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    // For a target without an operating system the linker is called itself, otherwise through the C compiler.
    let (compiler, prefix): (&[&str], _) = match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("none") => (&[], ""),
        _ => (
            &["-nostartfiles", "-nostdlib", "-static", "-no-pie"],
            "-Wl,",
        ),
    };
    for argument in compiler {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    for argument in [
        "--build-id=none",
        "-znorelro",
        "--no-eh-frame-hdr",
        "-znoseparate-code",
    ] {
        println!("cargo::rustc-link-arg-bins={prefix}{argument}");
    }
    println!("cargo::rustc-link-arg-bins={prefix}-T{directory}/discard.ld");
}
