//! Go programs, built once from the modules in `tools/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use super::cache_dir;

/// Programs of one Go module, kept in a folder named after the version of `dependency`.
///
/// A module each, as their own dependencies conflict; `go install PKG@VERSION` is refused for most, since their go.mod files have
/// replace or exclude lines, but as tool dependencies of a module of ours they build.
pub(super) struct Tools {
    /// Folder below `tools/`.
    pub(super) module: &'static str,
    /// Its line in go.mod gives the version.
    pub(super) dependency: &'static str,
    /// Program name and package.
    pub(super) programs: &'static [(&'static str, &'static str)],
    /// Go package whose variables say the version: without them the API server calls itself v0.0.0, and misjudges its own
    /// feature gates.
    pub(super) version_package: Option<&'static str>,
}

impl Tools {
    /// The folder with the finished programs.
    pub(super) fn built(&self) -> anyhow::Result<PathBuf> {
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
                    "cannot run go, which builds {name} {version}: install Go 1.26 or newer (https://go.dev/doc/install)"
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
