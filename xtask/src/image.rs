//! `cargo xtask image`: softstop's image, without Docker.
//!
//! `FROM scratch`, two static programs and nothing else: nothing in it to run but these, and nothing to update. Nothing
//! in it tells when or where it was built.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use softstop_rig::{Image, static_program};

/// What the archive may weigh, compressed as registries keep it: a node that starts softstop's first pod should not wait for the download.
const LIMIT: u64 = 10_000_000;

/// Nobody on the node, by number: the kubelet cannot tell that a user given by name is not root.
const USER: &str = "65532:65532";

/// Program, and where it stands in the image. Pods are told to run `/softstop-init copy`.
const PROGRAMS: [&str; 2] = ["/softstop", "/softstop-init"];

/// What the chart calls it, unless told otherwise.
const NAME: &str = concat!("localhost/softstop:", env!("CARGO_PKG_VERSION"));

/// Where the archive goes, unless told otherwise.
const ARCHIVE: &str = "target/softstop.tar";

#[derive(Debug, clap::Args)]
pub(crate) struct Task {
    /// Where to write the OCI archive, if not to target/softstop.tar
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The image's name in it
    #[arg(long, value_name = "NAME", default_value = NAME)]
    name: String,

    /// Write the files of the image into this folder instead, for a Dockerfile
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
}

/// Builds the image that a checkout of the chart asks for. Returns its archive.
pub(crate) fn built() -> anyhow::Result<PathBuf> {
    let root = crate::root()?;
    let archive = root.join(ARCHIVE);
    self::archive(&build(&root)?, NAME, &archive)?;
    Ok(archive)
}

pub(crate) fn run(task: &Task) -> anyhow::Result<()> {
    let root = crate::root()?;
    let programs = build(&root)?;
    for (program, path) in programs.iter().zip(PROGRAMS) {
        println!("{path}: {} bytes", size(program)?);
    }
    if let Some(dir) = &task.files {
        return copy(&programs, dir);
    }
    let output = task.output.clone().unwrap_or_else(|| root.join(ARCHIVE));
    archive(&programs, &task.name, &output)
}

fn archive(programs: &[PathBuf; 2], name: &str, output: &Path) -> anyhow::Result<()> {
    let mut image = Image::new(name)
        .compressed()
        .user(USER)
        .entrypoint([PROGRAMS[0]]);
    for (program, path) in programs.iter().zip(PROGRAMS) {
        image = image.program(program, path)?;
    }
    image.write(output)?;
    let size = size(output)?;
    ensure!(
        size <= LIMIT,
        "the image has {size} bytes, more than the {LIMIT} it may have"
    );
    println!("{name} is in {}: {size} bytes", output.display());
    println!(
        "on a node: ctr --namespace k8s.io images import {}",
        output.display()
    );
    Ok(())
}

fn size(file: &Path) -> anyhow::Result<u64> {
    let metadata = fs::metadata(file);
    let metadata = metadata.with_context(|| format!("cannot read {}", file.display()))?;
    Ok(metadata.len())
}

fn copy(programs: &[PathBuf; 2], dir: &Path) -> anyhow::Result<()> {
    for (program, path) in programs.iter().zip(PROGRAMS) {
        let target = dir.join(path.trim_start_matches('/'));
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        fs::copy(program, &target).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// Builds both programs.
fn build(root: &Path) -> anyhow::Result<[PathBuf; 2]> {
    let softstop = static_program("softstop", "softstop")?;
    // An alias of the project's: a program without any libc, which needs no other target.
    let status = Command::new(env!("CARGO"))
        .args(["build-init", "--locked"])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo build-init failed");
    let built = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    Ok([softstop, built.join("tiny/softstop-init")])
}
