//! Programs for images `FROM scratch`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// Builds a program of this workspace in release, static, with nothing in it that tells where it was built. Returns its file.
pub fn static_program(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the rig is not in a workspace")?;
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    provide(&target)?;
    let variable = target.replace('-', "_");
    let args = [
        "build",
        "--release",
        "--locked",
        "--package",
        package,
        "--bin",
        name,
        "--target",
        &target,
    ];
    let status = Command::new(env!("CARGO"))
        .args(args)
        .env("CARGO_ENCODED_RUSTFLAGS", remap(root)?)
        // ring has C in it, which needs no C library but for the checks that glibc's headers add to it.
        .env(format!("CC_{variable}"), "cc")
        .env(format!("CFLAGS_{variable}"), "-U_FORTIFY_SOURCE")
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} failed", args.join(" "));
    let built = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    Ok(built.join(target).join("release").join(name))
}

/// Flags that keep this machine's folders out of the program's panic messages: they would differ elsewhere, and tell where it was built.
fn remap(root: &Path) -> anyhow::Result<String> {
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(env::var_os("HOME").context("HOME is not set")?).join(".cargo"),
    };
    let flag = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    Ok([flag(root, "/softstop"), flag(&home, "/cargo")].join("\x1f"))
}

/// What the build needs: installed, where rustup can do it, or named.
fn provide(target: &str) -> anyhow::Result<()> {
    let runs = |program: &str, args: &[&str]| {
        let status = Command::new(program)
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    if !runs("cc", &["--version"]) {
        bail!(
            "there is no C compiler, which ring needs: install gcc (Debian: apt-get install gcc libc6-dev)"
        );
    }
    if !runs("rustup", &["target", "add", target]) {
        bail!(
            "`rustup target add {target}` failed: the image's programs are static, and need that target of Rust"
        );
    }
    Ok(())
}
