//! What to read: files as they are named, directories through and through.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::manifest::{File, ReadError};
use crate::report::Failure;

/// The name of standard input in messages.
const STDIN: &str = "stdin";

/// One thing to read.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    scan: Scan,
}

/// How much is known of what is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The user named it: it must be readable.
    Named,
    /// It was found in a directory: there may be anything in it.
    Found,
}

/// Everything that the paths name, in their order; what is in a directory is sorted.
pub(super) fn collect(paths: &[PathBuf]) -> Vec<Result<Source, Failure>> {
    let mut sources = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, &mut sources);
        } else {
            sources.push(Ok(Source {
                path: path.clone(),
                scan: Scan::Named,
            }));
        }
    }
    sources
}

fn walk(directory: &Path, sources: &mut Vec<Result<Source, Failure>>) {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return sources.push(Err(failure(directory, &error))),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link to a directory is not followed: it may lead back up.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, sources),
            Ok(_) if is_manifest(&path) && path.is_file() => sources.push(Ok(Source {
                path,
                scan: Scan::Found,
            })),
            Ok(_) => {}
            Err(error) => sources.push(Err(failure(&path, &error))),
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|ending| {
        ["yaml", "yml", "json"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::of(
        path.display().to_string(),
        format!("cannot read it: {error}"),
    )
}

impl Source {
    /// Reads it.
    pub(super) fn read(self) -> Result<(File, Scan), Failure> {
        let file = if self.path == Path::new("-") {
            let mut bytes = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(|error| failure(Path::new(STDIN), &error))?;
            File::from_bytes(STDIN, bytes)
        } else {
            File::read(&self.path)
        };
        match file {
            Ok(file) => Ok((file, self.scan)),
            Err(ReadError::Read { source, .. }) => Err(failure(&self.path, &source)),
            Err(ReadError::NotText(broken)) => Err(Failure::at(None, broken)),
        }
    }
}
