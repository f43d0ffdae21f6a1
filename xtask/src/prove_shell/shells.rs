//! The shells to prove on.

use std::path::{Path, PathBuf};

use anyhow::bail;
use softstop_core::shell::Dialect;

/// A shell and how to start it.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    pub(super) name: &'static str,
    pub(super) dialect: Dialect,
    pub(super) path: PathBuf,
    /// What it is called as.
    pub(super) argv: &'static [&'static str],
}

/// Name, dialect, binary, argv before `-c`.
const SHELLS: &[(&str, Dialect, &str, &[&str])] = &[
    ("dash", Dialect::Posix, "dash", &["dash"]),
    ("bash", Dialect::Bash, "bash", &["bash"]),
    ("bash-as-sh", Dialect::Posix, "bash", &["sh"]),
    ("busybox", Dialect::Posix, "busybox", &["busybox", "sh"]),
    ("mksh", Dialect::Posix, "mksh", &["mksh"]),
    ("ksh93", Dialect::Posix, "ksh93", &["ksh93"]),
    ("yash", Dialect::Posix, "yash", &["yash"]),
];

/// Those of the list that are installed; says which are not.
pub(super) fn installed(only: Option<&str>) -> anyhow::Result<Vec<Shell>> {
    let wanted: Option<Vec<&str>> = only.map(|names| names.split(',').collect());
    let mut found = Vec::new();
    for (name, dialect, binary, argv) in SHELLS {
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(name)) {
            continue;
        }
        let places = ["/bin", "/usr/bin", "/usr/local/bin"];
        match places
            .iter()
            .map(|place| Path::new(place).join(binary))
            .find(|path| path.exists())
        {
            Some(path) => found.push(Shell {
                name,
                dialect: *dialect,
                path,
                argv,
            }),
            None => println!("prove-shell: SKIPPED {name}: not installed"),
        }
    }
    if found.is_empty() {
        bail!("none of the shells is installed: apt-get install dash bash busybox mksh ksh yash");
    }
    Ok(found)
}
