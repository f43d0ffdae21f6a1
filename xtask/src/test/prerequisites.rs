//! Programs that tests run for real, and the Debian packages that hold them.

use std::env;
use std::process::Command;

/// Program, Debian package, what for.
const NEEDS: [(&str, &str, &str); 7] = [
    ("dash", "dash", "the shell reader's conformance tests"),
    ("bash", "bash", "the shell reader's conformance tests"),
    ("busybox", "busybox", "the shell reader's conformance tests"),
    ("mksh", "mksh", "the shell reader's conformance tests"),
    ("ksh93", "ksh93u+m", "the shell reader's conformance tests"),
    ("zsh", "zsh", "the shell reader's conformance tests"),
    ("yash", "yash", "the shell reader's conformance tests"),
];

/// Installs what is missing, where that is possible without asking: as root on Debian. Elsewhere says what to install.
pub(super) fn provide() {
    let missing: Vec<_> = NEEDS
        .iter()
        .filter(|(program, ..)| !on_path(program))
        .collect();
    if missing.is_empty() {
        return;
    }
    let packages: Vec<_> = missing.iter().map(|(_, package, _)| *package).collect();
    let line = format!(
        "apt-get install --yes --no-install-recommends {}",
        packages.join(" ")
    );
    if on_path("apt-get") && rustix::process::geteuid().is_root() {
        println!("=== {line}");
        let apt = |args: &[&str]| {
            Command::new("apt-get")
                .args(args)
                .env("DEBIAN_FRONTEND", "noninteractive")
                .status()
                .is_ok_and(|status| status.success())
        };
        apt(&["update", "--quiet"]);
        for package in packages {
            // One by one: a package that this release does not have must not keep the others out.
            apt(&[
                "install",
                "--quiet",
                "--yes",
                "--no-install-recommends",
                package,
            ]);
        }
    }
    for (program, package, what) in missing.iter().filter(|(program, ..)| !on_path(program)) {
        println!("!!! MISSING: {program} (Debian package {package}), for {what}");
    }
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
