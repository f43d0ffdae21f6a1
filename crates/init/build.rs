//! Links the program without libc: its own `_start`, no start files, fixed addresses.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let arguments = ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,norelro", "-Wl,--no-eh-frame-hdr", "-Wl,-z,noseparate-code"];
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
