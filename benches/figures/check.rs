//! `softstop check`, the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::measure::{Figure, ROUNDS, Spread, figure};

/// How many manifests are judged at once.
const MANIFESTS: u32 = 2_000;

pub(crate) fn figures() -> Vec<Figure> {
    let dir = tempfile::tempdir().unwrap();
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/django-gunicorn-migrate.yaml");
    let one = std::fs::read_to_string(&example).unwrap();
    let mut all = String::new();
    for _ in 0..MANIFESTS {
        let _ = write!(all, "---\n{one}");
    }
    let many = dir.path().join("many.yaml");
    std::fs::write(&many, all).unwrap();
    let start = Spread::of((0..ROUNDS).map(|_| seconds(&example)).collect());
    let rate = Spread::of(
        (0..ROUNDS)
            .map(|_| f64::from(MANIFESTS) / seconds(&many))
            .collect(),
    );
    vec![
        figure(
            "check of one manifest, from start to exit",
            start,
            (1e3, "ms"),
            "<= 20 ms",
            |t| t <= 20e-3,
        ),
        figure(
            "manifests checked per second, one thread",
            rate,
            (1.0, ""),
            ">= 1,000",
            |rate| rate >= 1_000.0,
        ),
    ]
}

fn seconds(file: &PathBuf) -> f64 {
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_softstop"))
        .args(["check", "--format", "concise"])
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("softstop runs");
    let seconds = start.elapsed().as_secs_f64();
    assert_ne!(
        status.code(),
        Some(2),
        "softstop check could not do its work"
    );
    seconds
}
