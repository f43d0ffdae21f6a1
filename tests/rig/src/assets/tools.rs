//! Go programs, built once from the modules in `tools/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::cache::{cache_dir, once};

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
        for (name, package) in self.programs {
            once(&dir.join(name), |program| {
                self.build(&source, &version, name, package, program)
            })?;
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
        program: &Path,
    ) -> anyhow::Result<()> {
        eprintln!(
            "rig: building {name} {version}, once, as {}",
            program.display()
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
        let status = Command::new("go")
            .args(["build", "-trimpath", "-ldflags", &flags.join(" "), "-o"])
            .arg(program)
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
        Ok(())
    }
}
