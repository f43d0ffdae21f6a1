//! softstop's Helm chart, rendered.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Where it is installed, in the documentation and in the plain manifests.
const NAMESPACE: &str = "softstop-system";

/// Before what the chart renders: the namespace, which `helm install --create-namespace` makes elsewhere.
const HEAD: &str = "\
# softstop, for `kubectl apply --server-side -f`. Rendered from deploy/chart by `cargo xtask render`: change it there.
apiVersion: v1
kind: Namespace
metadata:
  name: softstop-system
  labels:
    # Everything here satisfies the restricted Pod Security Standard: whatever does not has no business here.
    pod-security.kubernetes.io/enforce: restricted
";

const CERT_MANAGER_HEAD: &str = "\
# softstop's certificate by cert-manager: see README.md. Rendered from deploy/chart by `cargo xtask render`: change it there.
";

/// The chart, and the helm that renders it.
#[derive(Debug)]
pub struct Chart {
    helm: PathBuf,
    dir: PathBuf,
}

impl Chart {
    /// This repository's; helm is built first where it is missing.
    pub fn find() -> anyhow::Result<Self> {
        Ok(Self {
            helm: crate::helm()?,
            dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/chart"),
        })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// `helm ARGS...`, whatever comes of it.
    pub fn helm<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Output> {
        Command::new(&self.helm)
            .args(args)
            .output()
            .with_context(|| format!("cannot run {}", self.helm.display()))
    }

    /// `helm template` with these further arguments, whatever comes of it.
    pub fn template(&self, args: &[&str]) -> anyhow::Result<Output> {
        let fixed = ["template", "softstop", "--namespace", NAMESPACE].map(OsStr::new);
        let more = args.iter().map(OsStr::new);
        self.helm(fixed.into_iter().chain([self.dir.as_os_str()]).chain(more))
    }

    /// What it renders with these further arguments.
    pub fn objects(&self, args: &[&str]) -> anyhow::Result<Vec<Value>> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(&self.rendered(args)?)
            .context("the chart renders no YAML")?;
        Ok(documents.into_iter().filter(Value::is_object).collect())
    }

    fn rendered(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.template(args)?;
        if !output.status.success() {
            bail!(
                "helm template failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        String::from_utf8(output.stdout).context("helm wrote no UTF-8")
    }

    /// The plain manifests: rendered with every default, without what only Helm needs.
    pub fn plain(&self) -> anyhow::Result<String> {
        let rendered = self.rendered(&["--skip-tests"])?;
        Ok(format!("{HEAD}{}", without_helms(&rendered)))
    }

    /// What it gives to cert-manager, likewise.
    pub fn cert_manager(&self) -> anyhow::Result<String> {
        let rendered = self.rendered(&[
            "--set=certificates.mode=certManager",
            "--show-only=templates/certificate.yaml",
        ])?;
        Ok(format!("{CERT_MANAGER_HEAD}{}", without_helms(&rendered)))
    }
}

/// Without the lines that only Helm needs, and without those that templates leave empty at the end of a document.
fn without_helms(rendered: &str) -> String {
    let rendered = rendered.replace("  annotations:\n    helm.sh/resource-policy: keep\n", "");
    let only_helms = |line: &&str| {
        let line = line.trim();
        line.starts_with("helm.sh/chart:") || line == "app.kubernetes.io/managed-by: Helm"
    };
    let lines: Vec<_> = rendered.lines().filter(|line| !only_helms(line)).collect();
    let text = lines.join("\n");
    let documents = text.split("\n---\n").map(str::trim_end);
    documents.collect::<Vec<_>>().join("\n---\n") + "\n"
}
