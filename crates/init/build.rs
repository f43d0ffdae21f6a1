//! Links the program without libc: its own `_start`, no start files, fixed addresses, no unwind tables.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=discard.ld");
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    for argument in ["-nostartfiles", "-nostdlib", "-static", "-no-pie"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    for argument in [
        "--build-id=none",
        "-z,norelro",
        "--no-eh-frame-hdr",
        "-z,noseparate-code",
    ] {
        println!("cargo::rustc-link-arg-bins=-Wl,{argument}");
    }
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{directory}/discard.ld");
}
