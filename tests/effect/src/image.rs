//! The images: root file systems that scripts in `images/` fill, kept in the cache by the content of their folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use softstop_rig::{Image, cache_dir, once};
use tempfile::TempDir;

use crate::manifest;
use crate::row::{Row, Server, Work};

/// The images of the rows; what the cache lacks is built first (some minutes, once).
pub(crate) fn needed(rows: &[&Row]) -> anyhow::Result<Vec<Image>> {
    let mut images = BTreeMap::new();
    for row in rows {
        let Server {
            image: folder,
            line,
            work,
            ..
        } = *row.server;
        let name = manifest::image(row);
        let mut image = match images.remove(&name) {
            Some(image) => image,
            None => bare(&name, folder)?,
        };
        let path = manifest::script(row);
        if let Some(script) = row.form.script(line) {
            image = image.file(&path, script, 0o755);
        }
        if row.form.is_of_image() {
            image = image.entrypoint(row.form.argv(line, &path));
        }
        images.insert(name, image);
        let redis = manifest::folder(row);
        if matches!(work, Work::Tasks(_)) && !images.contains_key(&redis) {
            images.insert(redis.clone(), bare(&redis, folder)?);
        }
    }
    Ok(images.into_values().collect())
}

/// What the rows' images say they are made of.
pub fn versions(rows: &[&Row]) -> anyhow::Result<String> {
    let folders: BTreeSet<_> = rows.iter().map(|row| row.server.image).collect();
    let mut text = String::new();
    for folder in folders {
        let archive = file_system(folder)?;
        let output = Command::new("tar")
            .args(["--extract", "--to-stdout", "--file"])
            .arg(&archive)
            .arg("./versions")
            .output()
            .context("cannot run tar")?;
        text += &String::from_utf8_lossy(&output.stdout);
    }
    Ok(text)
}

fn bare(name: &str, folder: &str) -> anyhow::Result<Image> {
    let path = "PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    Ok(Image::new(name).layer(&file_system(folder)?).env([path]))
}

/// A tar archive of the root file system.
fn file_system(name: &str) -> anyhow::Result<PathBuf> {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
    let mut key = DefaultHasher::new();
    hash(&images.join("lib.sh"), &mut key)?;
    hash(&images.join(name), &mut key)?;
    let archive = cache_dir()?
        .join("images")
        .join(format!("{name}-{:016x}.tar", key.finish()));
    let script = images.join(name).join("build.sh");
    once(&archive, |unfinished| build(&script, unfinished))?;
    Ok(archive)
}

fn build(script: &Path, archive: &Path) -> anyhow::Result<()> {
    eprintln!("effect: building {}, once", archive.display());
    let root = TempDir::with_prefix("softstop-image-").context("cannot make a temporary folder")?;
    let root = root.path().join("root");
    run(Command::new("sh").arg(script).arg(&root))?;
    run(Command::new("tar")
        .args(["--create", "--numeric-owner", "--sort=name", "--mtime=@0"])
        .arg("--file")
        .arg(archive)
        .arg("--directory")
        .arg(&root)
        .arg("."))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!(
            "{command:?} failed ({status}); it needs root, debootstrap, and the package indexes of Debian, Python, npm and Maven"
        );
    }
    Ok(())
}

/// Names and contents of the files below, in order.
fn hash(path: &Path, key: &mut DefaultHasher) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    path.file_name().hash(key);
    if path.is_dir() {
        let entries = fs::read_dir(path).with_context(unreadable)?;
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<anyhow::Result<Vec<_>>>()?;
        paths.sort();
        return paths.iter().try_for_each(|path| hash(path, key));
    }
    fs::read(path).with_context(unreadable)?.hash(key);
    Ok(())
}
