//! The program that scripts run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// The program that scripts run, built once; scripts run beside it.
pub(in crate::prove_shell) struct Program(TempDir);

impl Program {
    pub(in crate::prove_shell) fn build() -> anyhow::Result<Self> {
        // In memory, where programs may run from there: a disk takes a fifth of the time.
        let memory = Self::build_in(Path::new("/dev/shm"));
        memory.or_else(|_| Self::build_in(&std::env::temp_dir()))
    }

    fn build_in(base: &Path) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix_in("prove-shell-", base)?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let source = directory.path().join("probe.rs");
        fs::write(&source, include_str!("../probe.rs"))?;
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let program = Self(directory);
        let built = Command::new(rustc)
            .args(["--edition=2024", "-O", "-Cpanic=abort", "-Cstrip=symbols"])
            .args(["-Ctarget-feature=+crt-static", "-Crelocation-model=static"])
            .arg("-o")
            .arg(program.path())
            .arg(source)
            .status()
            .context("starting rustc")?;
        ensure!(built.success(), "rustc fails on the program of the scripts");
        let runs = Command::new(program.path())
            .stdout(Stdio::null())
            .status()?;
        ensure!(runs.success(), "{} does not run", program.path().display());
        Ok(program)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory().join("probe")
    }

    pub(super) fn directory(&self) -> &Path {
        self.0.path()
    }
}
