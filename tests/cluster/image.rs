//! The image that `cargo xtask image` makes: what is in it, how big it is, and that it comes out the same again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use serde_json::Value;

/// The most that the image may weigh, compressed. The API server waits for softstop; nobody should wait for its download.
const LIMIT: usize = 10_000_000;

fn build(dir: &Path, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let archive = dir.join(name);
    let output = Command::new(env!("CARGO"))
        .args(["xtask", "image", "--output"])
        .arg(&archive)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    files(File::open(archive).unwrap())
}

/// The files of a tar archive.
fn files(archive: impl std::io::Read) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(
            entry.header().mtime().unwrap(),
            0,
            "a time makes each build another one"
        );
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(entry.path().unwrap().into_owned(), content);
    }
    files
}

#[test]
fn the_image_is_small_static_and_reproducible() {
    let dir = tempfile::tempdir().unwrap();
    let archive = build(dir.path(), "first.tar");
    assert_eq!(
        archive,
        build(dir.path(), "second.tar"),
        "other bytes the second time"
    );

    let json = |path: &str| -> Value { serde_json::from_slice(&archive[Path::new(path)]).unwrap() };
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"]
            .as_str()
            .unwrap()
            .strip_prefix("sha256:")
            .unwrap();
        format!("blobs/sha256/{digest}")
    };
    let manifest = json(&blob(&json("index.json")["manifests"][0]));
    let config = &json(&blob(&manifest["config"]))["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/softstop"]));

    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1);
    let layer = archive[Path::new(&blob(&layers[0]))].as_slice();
    assert!(layer.len() <= LIMIT, "{} bytes", layer.len());
    let mut unpacked = Vec::new();
    GzDecoder::new(layer).read_to_end(&mut unpacked).unwrap();

    let programs = files(unpacked.as_slice());
    let names: Vec<_> = programs
        .keys()
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(names, ["softstop", "softstop-init"]);
    let home = std::env::var("HOME").unwrap();
    for (path, program) in &programs {
        let text = String::from_utf8_lossy(program);
        let has = |word: &str| text.contains(word);
        assert!(
            !has(&format!("{home}/.cargo")),
            "{} tells where it was built",
            path.display()
        );
        assert!(
            !has("/ld-linux") && !has("/ld-musl"),
            "{} needs a loader",
            path.display()
        );
    }
}
