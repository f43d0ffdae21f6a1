//! The programs of the rig: where they are, or how they are built.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// The variable by which controller-runtime's tests find these programs, too.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// Programs of one Go module, built together into a folder named after the version of `dependency`.
///
/// A module each, as their own dependencies conflict; `go install PKG@VERSION` is refused for both, since their go.mod
/// files have replace lines, but as tool dependencies of a module of ours they build.
struct Tools {
    /// Folder below `tools/`.
    module: &'static str,
    /// Its line in go.mod gives the version.
    dependency: &'static str,
    /// Program name and package.
    programs: &'static [(&'static str, &'static str)],
    /// Go package whose variables say the version: without them the API server calls itself v0.0.0, and misjudges its own
    /// feature gates.
    version_package: Option<&'static str>,
}

const TOOLS: [Tools; 2] = [
    Tools {
        module: "etcd",
        dependency: "go.etcd.io/etcd/server/v3",
        programs: &[("etcd", "go.etcd.io/etcd/server/v3")],
        version_package: None,
    },
    Tools {
        module: "kube",
        dependency: "k8s.io/kubernetes",
        programs: &[
            ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
            ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        ],
        version_package: Some("k8s.io/component-base/version"),
    },
];

/// Where etcd, kube-apiserver and kubectl are.
#[derive(Debug, Clone)]
pub struct Assets {
    /// etcd.
    pub etcd: PathBuf,
    /// kube-apiserver.
    pub apiserver: PathBuf,
    /// kubectl.
    pub kubectl: PathBuf,
}

impl Assets {
    /// Those that `KUBEBUILDER_ASSETS` names, else those in the cache; what the cache lacks is built first (about five minutes on
    /// two cores, once per version).
    pub fn find_or_build() -> anyhow::Result<Self> {
        if let Some(dir) = folder(ASSETS) {
            let find = |name: &str| {
                let path = dir.join(name);
                if path.is_file() {
                    Ok(path)
                } else {
                    bail!(
                        "{ASSETS} is {}, but there is no {name} in it",
                        dir.display()
                    )
                }
            };
            return Ok(Self {
                etcd: find("etcd")?,
                apiserver: find("kube-apiserver")?,
                kubectl: find("kubectl")?,
            });
        }
        let [etcd, kube] = &TOOLS;
        let (etcd, kube) = (etcd.built()?, kube.built()?);
        Ok(Self {
            etcd: etcd.join("etcd"),
            apiserver: kube.join("kube-apiserver"),
            kubectl: kube.join("kubectl"),
        })
    }
}

/// What is built once and kept between checkouts: `SOFTSTOP_CACHE`, else `softstop` in the user's cache folder.
pub fn cache_dir() -> anyhow::Result<PathBuf> {
    folder("SOFTSTOP_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|dir| dir.join("softstop")))
        .or_else(|| folder("HOME").map(|dir| dir.join(".cache/softstop")))
        .context("no place for built programs: set SOFTSTOP_CACHE to a folder")
}

/// The folder that a variable names; an empty one names none.
fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

// === impl Tools ===

impl Tools {
    /// The folder with the finished programs.
    fn built(&self) -> anyhow::Result<PathBuf> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tools")
            .join(self.module);
        let version = self.version(&source)?;
        let dir = cache_dir()?
            .join("rig")
            .join(format!("{}-{version}", self.module));
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let missing = || {
            self.programs
                .iter()
                .filter(|(name, _)| !dir.join(name).is_file())
        };
        if missing().next().is_some() {
            // One build at a time: a second process waits here, then finds the first one's result.
            let lock = dir.join(".lock");
            let lock =
                File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
            lock.lock()
                .with_context(|| format!("cannot lock {}", dir.display()))?;
            for (name, package) in missing() {
                self.build(&source, &version, name, package, &dir)?;
            }
        }
        Ok(dir)
    }

    /// The dependency's version in go.mod.
    fn version(&self, source: &Path) -> anyhow::Result<String> {
        let path = source.join("go.mod");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        text.lines()
            .filter(|line| !line.contains("=>"))
            .find_map(|line| {
                let mut words = line.trim_start_matches("require").split_whitespace();
                (words.next() == Some(self.dependency)).then(|| words.next().map(str::to_owned))?
            })
            .with_context(|| format!("{} does not require {}", path.display(), self.dependency))
    }

    fn build(
        &self,
        source: &Path,
        version: &str,
        name: &str,
        package: &str,
        dir: &Path,
    ) -> anyhow::Result<()> {
        eprintln!(
            "rig: building {name} {version}, once, into {}",
            dir.display()
        );
        let mut flags = vec!["-s -w".to_owned()];
        if let Some(package) = self.version_package {
            let mut parts = version
                .trim_start_matches('v')
                .split('.')
                .map(str::to_owned);
            let values = [Some(version.to_owned()), parts.next(), parts.next()];
            for (variable, value) in ["gitVersion", "gitMajor", "gitMinor"]
                .into_iter()
                .zip(values)
            {
                flags.push(format!(
                    "-X {package}.{variable}={}",
                    value.unwrap_or_default()
                ));
            }
        }
        // Renamed when finished, so that a build cut short is never taken for a program.
        let unfinished = dir.join(format!(".{name}.unfinished"));
        let status = Command::new("go")
            .args(["build", "-trimpath", "-ldflags", &flags.join(" "), "-o"])
            .arg(&unfinished)
            .arg(package)
            .current_dir(source)
            .env("CGO_ENABLED", "0")
            .stdin(Stdio::null())
            .status()
            .with_context(|| {
                format!(
                    "cannot run go, which builds {name} {version}: install Go 1.26 or newer (https://go.dev/doc/install), \
                     or set {ASSETS} to a folder with etcd, kube-apiserver and kubectl"
                )
            })?;
        if !status.success() {
            bail!(
                "go build {package} failed ({status}); it needs Go 1.26 or newer and access to a Go module proxy"
            );
        }
        let finished = dir.join(name);
        fs::rename(&unfinished, &finished)
            .with_context(|| format!("cannot rename to {}", finished.display()))
    }
}
