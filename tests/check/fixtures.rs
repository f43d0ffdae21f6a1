//! Every case of `tests/fixtures`: what `check` says of it, and the patch, as they are written down beside it.
//!
//! `UPDATE_EXPECT=1 cargo test fixtures` writes them anew; the difference is then to be read, line by line.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Run, run};

/// One case: a directory with manifests, what stands in for the cluster, and what is expected.
pub(crate) struct Case {
    pub(crate) directory: PathBuf,
}

impl Case {
    /// All of them, in order.
    pub(crate) fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut cases: Vec<_> = fs::read_dir(root)
            .expect("fixtures")
            .map(|entry| Self {
                directory: entry.expect("an entry").path(),
            })
            .collect();
        cases.sort_by(|a, b| a.directory.cmp(&b.directory));
        assert!(cases.len() > 20, "the fixtures are there");
        cases
    }

    pub(crate) fn name(&self) -> String {
        self.directory
            .file_name()
            .expect("named")
            .to_string_lossy()
            .into_owned()
    }

    /// A file of the case, if it has it.
    pub(crate) fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.directory.join(name)).filter(|path| path.exists())
    }

    /// The manifest.
    pub(crate) fn manifest(&self) -> &'static str {
        if self.file("pod.json").is_some() {
            "pod.json"
        } else {
            "pod.yaml"
        }
    }

    /// More words for the command line, from the file `args`.
    pub(crate) fn args(&self) -> Vec<String> {
        let text = self
            .file("args")
            .map(|path| fs::read_to_string(path).expect("readable"));
        text.unwrap_or_default()
            .split_whitespace()
            .map(String::from)
            .collect()
    }

    /// Whether pods are judged only where they are opted in.
    pub(crate) fn as_deployed(&self) -> bool {
        self.args().iter().any(|arg| arg == "--as-deployed")
    }

    /// `softstop check` on it.
    pub(crate) fn check(&self, format: &str) -> Run {
        let mut args = vec!["check", "--format", format];
        for (option, file) in [
            ("--policy-file", "policy.yaml"),
            ("--namespace-file", "namespace.yaml"),
            ("--facts-file", "facts.yaml"),
        ] {
            if self.file(file).is_some() {
                args.extend([option, file]);
            }
        }
        let more = self.args();
        args.extend(more.iter().map(String::as_str));
        args.push(self.manifest());
        let run = run(&self.directory, &args);
        assert!(
            matches!(run.status, Some(0 | 1)),
            "{}: {run:?}",
            self.name()
        );
        run
    }

    /// The JSON Patch for each pod, with the pod's name.
    pub(crate) fn patches(&self) -> Vec<(String, Value)> {
        let report: Value = serde_json::from_str(&self.check("json").stdout).expect("JSON");
        let pods = report["pods"].as_array().expect("pods").iter();
        pods.map(|pod| {
            (
                pod["name"].as_str().expect("a name").to_owned(),
                pod["patch"].clone(),
            )
        })
        .collect()
    }

    /// Compares with a file of the case, or writes it.
    fn expect(&self, file: &str, actual: &str) {
        let path = self.directory.join(file);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, actual).expect("written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            expected == actual,
            "{} is different now (UPDATE_EXPECT=1 writes it anew):\n{}",
            path.display(),
            similar::TextDiff::from_lines(&expected, actual)
                .unified_diff()
                .header("expected", "actual")
        );
    }
}

#[test]
fn reports_and_patches_are_the_expected_ones() {
    for case in Case::all() {
        case.expect("expected.txt", &case.check("full").stdout);
        let patches: Vec<_> = case
            .patches()
            .into_iter()
            .map(|(pod, patch)| json!({"pod": pod, "patch": patch}))
            .collect();
        case.expect("expected.json", &format!("{:#}\n", json!(patches)));
    }
}
