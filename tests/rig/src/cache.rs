//! What takes minutes to build is built once, and kept between checkouts.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Where it is kept: `SOFTSTOP_CACHE`, else `softstop` in the user's cache folder.
pub fn cache_dir() -> anyhow::Result<PathBuf> {
    folder("SOFTSTOP_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|dir| dir.join("softstop")))
        .or_else(|| folder("HOME").map(|dir| dir.join(".cache/softstop")))
        .context("no place for built programs: set SOFTSTOP_CACHE to a folder")
}

/// The folder that a variable names; an empty one names none.
pub(crate) fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Builds `file`, unless it is there: `build` gets the name to write it by.
///
/// One build at a time in a folder: a second process waits here, then finds the first one's result. The file is renamed when finished, so that
/// one cut short is never taken for a whole one.
///
/// # Errors
///
/// If the folder cannot be written, or the build fails.
pub fn once(file: &Path, build: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if file.is_file() {
        return Ok(());
    }
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let lock = dir.join(".lock");
    let lock = File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
    lock.lock()
        .with_context(|| format!("cannot lock {}", dir.display()))?;
    if file.is_file() {
        return Ok(());
    }
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    build(&unfinished)?;
    fs::rename(&unfinished, file).with_context(|| format!("cannot rename to {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_there_is_not_built_again_and_what_broke_off_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("made/here");
        let broken = once(&file, |path| {
            fs::write(path, "half")?;
            anyhow::bail!("out of breath")
        });
        assert_eq!(broken.unwrap_err().to_string(), "out of breath");
        assert!(!file.exists());

        thread::scope(|scope| {
            for text in ["one", "two"] {
                let file = &file;
                scope.spawn(move || once(file, |path| Ok(fs::write(path, text)?)).unwrap());
            }
        });
        let text = fs::read_to_string(&file).unwrap();
        once(&file, |_| panic!("it is there")).unwrap();
        assert!(["one", "two"].contains(&text.as_str()));
    }
}
