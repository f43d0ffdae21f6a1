//! Container images without a registry or a build daemon.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use ring::digest::{Context as Digest, SHA256};
use serde_json::{Map, Value, json};

/// The media type of a layer that is not compressed.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image in the making: layers, and how its containers start.
///
/// It is written as an OCI archive. Its name needs a host (`localhost/app:1`): others are taken for names on Docker Hub.
#[derive(Debug, Clone)]
pub struct Image {
    name: String,
    /// Finished tar archives, below `files`.
    layers: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Entry>,
    /// Whether `files` are compressed.
    compressed: bool,
    /// The OCI image configuration's `config`.
    config: Map<String, Value>,
}

/// What stands at a path.
#[derive(Debug, Clone)]
enum Entry {
    /// A file of root's, with its permissions.
    File(Vec<u8>, u32),
    /// A symbolic link.
    Link(String),
}

impl Image {
    /// An empty image.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            layers: Vec::new(),
            files: BTreeMap::new(),
            compressed: false,
            config: Map::new(),
        }
    }

    /// What pods call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a layer: a tar archive, not compressed.
    #[must_use]
    pub fn layer(mut self, tar: &Path) -> Self {
        self.layers.push(tar.to_owned());
        self
    }

    /// Adds a file with these permissions, root's.
    #[must_use]
    pub fn file(self, path: &str, content: impl Into<Vec<u8>>, mode: u32) -> Self {
        self.entry(path, Entry::File(content.into(), mode))
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, Entry::Link(target.to_owned()))
    }

    /// Adds a program of this machine, and the libraries that it is linked with, at their own paths.
    pub fn program(self, program: &Path, path: &str) -> anyhow::Result<Self> {
        let read =
            |file: &Path| fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        let image = self.file(path, read(program)?, 0o755);
        libraries(program)?
            .iter()
            .try_fold(image, |image, library| {
                Ok(image.file(library, read(library.as_ref())?, 0o755))
            })
    }

    fn entry(mut self, path: &str, entry: Entry) -> Self {
        let path = PathBuf::from(path.trim_start_matches('/'));
        self.files.insert(path, entry);
        self
    }

    /// Compresses the layer of its files: for an image that travels. It takes seconds.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.compressed = true;
        self
    }

    /// `ENTRYPOINT [...]`.
    #[must_use]
    pub fn entrypoint<'a>(self, argv: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("Entrypoint", argv.into_iter().collect())
    }

    /// `CMD [...]`.
    #[must_use]
    pub fn cmd<'a>(self, argv: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("Cmd", argv.into_iter().collect())
    }

    /// `ENV`, as `NAME=value`.
    #[must_use]
    pub fn env<'a>(self, variables: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("Env", variables.into_iter().collect())
    }

    /// `USER`.
    #[must_use]
    pub fn user(self, user: &str) -> Self {
        self.with("User", user.into())
    }

    /// `WORKDIR`.
    #[must_use]
    pub fn working_dir(self, dir: &str) -> Self {
        self.with("WorkingDir", dir.into())
    }

    /// `STOPSIGNAL`.
    #[must_use]
    pub fn stop_signal(self, signal: &str) -> Self {
        self.with("StopSignal", signal.into())
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.config.insert(key.to_owned(), value);
        self
    }

    /// Writes the archive.
    pub fn write(&self, archive: &Path) -> anyhow::Result<()> {
        let file =
            File::create(archive).with_context(|| format!("cannot write {}", archive.display()))?;
        self.write_to(tar::Builder::new(io::BufWriter::new(file)))
            .with_context(|| format!("cannot write the image {}", self.name))
    }

    fn write_to(&self, mut archive: tar::Builder<impl Write>) -> anyhow::Result<()> {
        // Of what is in the archive, and of what it unpacks to.
        let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
        for path in &self.layers {
            let mut file =
                File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            let (digest, size) = digest(&mut file)?;
            archive.append_file(blob(&digest), &mut File::open(path)?)?;
            layers.push(descriptor(LAYER, &(digest.clone(), size)));
            diff_ids.push(format!("sha256:{digest}"));
        }
        if !self.files.is_empty() {
            let layer = self.files_layer()?;
            diff_ids.push(format!("sha256:{}", digest(&mut layer.as_slice())?.0));
            layers.push(if self.compressed {
                let blob = add(&mut archive, &compress(&layer)?)?;
                descriptor(&format!("{LAYER}+gzip"), &blob)
            } else {
                descriptor(LAYER, &add(&mut archive, &layer)?)
            });
        }
        let config = json!({
            "architecture": architecture()?, "os": "linux", "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = add(&mut archive, config.to_string().as_bytes())?;
        let manifest_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2, "mediaType": manifest_type, "layers": layers,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        });
        let manifest = add(&mut archive, manifest.to_string().as_bytes())?;
        let mut manifest = descriptor(manifest_type, &manifest);
        manifest["annotations"] = json!({"io.containerd.image.name": self.name});
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        append(&mut archive, "index.json", index.to_string().as_bytes())?;
        append(
            &mut archive,
            "oci-layout",
            br#"{"imageLayoutVersion": "1.0.0"}"#,
        )?;
        archive.into_inner()?.flush()?;
        Ok(())
    }

    fn files_layer(&self) -> io::Result<Vec<u8>> {
        let mut layer = tar::Builder::new(Vec::new());
        for (path, entry) in &self.files {
            let mut header = tar::Header::new_gnu();
            match entry {
                Entry::File(content, mode) => {
                    header.set_size(content.len() as u64);
                    header.set_mode(*mode);
                    layer.append_data(&mut header, path, content.as_slice())?;
                }
                Entry::Link(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_size(0);
                    header.set_mode(0o777);
                    layer.append_link(&mut header, path, target)?;
                }
            }
        }
        layer.into_inner()
    }
}

/// The files that `ldd` names; none for a static program.
fn libraries(program: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .context("cannot run ldd")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // `libc.so.6 => /lib/libc.so.6 (0x7f39b35ae000)`, `/lib64/ld-linux-x86-64.so.2 (0x7f39b3872000)`
    let paths = text
        .split_whitespace()
        .filter(|word| word.starts_with('/') && !word.ends_with(':'));
    Ok(paths.map(str::to_owned).collect())
}

/// Without a time or a name, so that the same content makes the same bytes.
fn compress(layer: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(layer)?;
    encoder.finish()
}

/// Digest and size.
type Blob = (String, u64);

fn add(archive: &mut tar::Builder<impl Write>, content: &[u8]) -> anyhow::Result<Blob> {
    let (digest, size) = digest(&mut &*content)?;
    append(archive, &blob(&digest), content)?;
    Ok((digest, size))
}

fn append(archive: &mut tar::Builder<impl Write>, path: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, path, content)
}

fn blob(digest: &str) -> String {
    format!("blobs/sha256/{digest}")
}

fn descriptor(media_type: &str, (digest, size): &Blob) -> Value {
    json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size})
}

fn digest(content: &mut impl io::Read) -> io::Result<Blob> {
    let mut hash = Digest::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        size += count as u64;
    }
    let mut hex = String::new();
    for byte in hash.finish().as_ref() {
        // Into a string nothing fails.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok((hex, size))
}

/// What Go and OCI call this machine's processor.
fn architecture() -> anyhow::Result<&'static str> {
    Ok(match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("no image can be made for the processor {other}"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn written(image: &Image) -> BTreeMap<String, Vec<u8>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        image.write(file.path()).unwrap();
        let mut archive = tar::Archive::new(File::open(file.path()).unwrap());
        let mut files = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            assert_eq!(entry.header().mtime().unwrap(), 0);
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), content);
        }
        files
    }

    #[test]
    fn a_compressed_layer_is_known_by_what_it_unpacks_to() {
        let image = Image::new("localhost/test:1").file("/program", vec![7; 100_000], 0o755);
        let image = image.compressed();
        let files = written(&image);
        assert_eq!(files, written(&image), "other bytes the second time");

        let json = |path: &str| -> Value { serde_json::from_slice(&files[path]).unwrap() };
        let path = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap();
            blob(digest.strip_prefix("sha256:").unwrap())
        };
        let manifest = json(&path(&json("index.json")["manifests"][0]));
        let layer = &manifest["layers"][0];
        assert_eq!(layer["mediaType"], format!("{LAYER}+gzip"));
        let packed = &files[&path(layer)];
        assert_eq!(layer["size"], packed.len());
        assert!(packed.len() < 10_000, "{}", packed.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(packed.as_slice())
            .read_to_end(&mut unpacked)
            .unwrap();
        let (digest, _) = digest(&mut unpacked.as_slice()).unwrap();
        let config = json(&path(&manifest["config"]));
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{digest}"));
    }
}
