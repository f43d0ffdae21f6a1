//! Programs that tests run for real, and the Debian packages that hold them.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

/// Program and Debian package: containers are made of the first ones, the rest runs in them beside softstop-init.
#[rustfmt::skip]
const NEEDS: &[(&str, &str)] = &[
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setsid", "util-linux"),
    ("script", "bsdutils"),
    ("dash", "dash"),
    ("bash", "bash"),
    ("busybox", "busybox"),
    ("mksh", "mksh"),
    ("ksh93", "ksh93u+m"),
    ("yash", "yash"),
    ("python3", "python3-minimal"),
    ("tini", "tini"),
    ("tini-static", "tini"),
    ("dumb-init", "dumb-init"),
    ("catatonit", "catatonit"),
    // The node of tests/rig.
    ("runc", "runc"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("ldd", "libc-bin"),
    // The images of tests/effect.
    ("debootstrap", "debootstrap"),
    // Launchers, and a broker, beside softstop-init.
    ("sudo", "sudo"),
    ("runsvdir", "runit"),
    ("time", "time"),
    ("make", "make"),
    ("redis-server", "redis-server"),
    ("qemu-aarch64-static", "qemu-user-static"),
];

/// softstop-init needs no operating system's library, on no processor.
const TARGET: &str = "aarch64-unknown-none";

/// Installs what is missing, where that is possible without asking: as root on Debian. Elsewhere says what to install.
pub(super) fn provide() {
    let missing = || NEEDS.iter().filter(|(program, _)| !on_path(program));
    let packages: BTreeSet<_> = missing().map(|(_, package)| *package).collect();
    if !packages.is_empty() && on_path("apt-get") && rustix::process::geteuid().is_root() {
        install(&packages);
    }
    for (program, package) in missing() {
        println!(
            "!!! MISSING: {program} (Debian package {package}): tests that need it are skipped"
        );
    }
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status();
    if !added.is_ok_and(|status| status.success()) {
        println!("!!! MISSING: rustup target {TARGET}: tests that need it are skipped");
    }
}

fn install(packages: &BTreeSet<&str>) {
    let apt = |args: &[&str]| {
        println!("=== apt-get {}", args.join(" "));
        let status = Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status();
        status.is_ok_and(|status| status.success())
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

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
