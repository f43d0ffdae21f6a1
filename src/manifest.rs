//! YAML and JSON manifests: documents, positions, pods inside of workloads.
//!
//! ```text
//! File --split--> documents --tree--> Node (value and place of everything) --workload--> pods
//!                                       ^                                                  |
//!                                       +------- locate: JSON pointer -> line, column -----+
//! ```
//!
//! A manifest is read as `kubectl` reads it (YAML 1.1 scalars, merge keys), with one exception: a key that stands
//! twice in a mapping is refused, because one of the two is a mistake.

mod defaults;
mod locate;
mod position;
mod scalar;
mod split;
mod tree;
mod words;
mod workload;

use std::ops::Range;
use std::path::Path;

pub use position::{Lines, Position};
pub use tree::{Content, Entry, Node};
pub use workload::{Pod, pods};

/// One input: a file or standard input.
#[derive(Debug)]
pub struct File {
    /// As the user named it; what messages say.
    pub name: String,
    /// All of it.
    pub text: String,
    lines: Lines,
}

/// Something in a file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{at}: {message}")]
pub struct Broken {
    /// The file's name.
    pub file: String,
    /// Where in it.
    pub at: Position,
    /// What is wrong, and what to do about it.
    pub message: String,
}

/// A file that cannot be had at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system says no.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file's name.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not text.
    #[error(transparent)]
    NotText(Broken),
}

/// One document of a file, with its place in it.
#[derive(Debug)]
pub struct Document {
    /// What it says. All places are byte offsets in the file.
    pub root: Node,
}

impl File {
    /// A file of that name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            name: name.into(),
            lines: Lines::new(&text),
            text,
        }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| ReadError::Read {
            file: name.clone(),
            source,
        })?;
        Self::from_bytes(name, bytes)
    }

    /// Takes the bytes of a file, which must be UTF-8.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, ReadError> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
                let file = Self::new(name, before);
                Err(ReadError::NotText(
                    file.broken(valid, "this is not UTF-8; save the file as UTF-8"),
                ))
            }
        }
    }

    /// Its documents, in order; empty ones are left out. One that cannot be read does not hide the next.
    pub fn documents(&self) -> impl Iterator<Item = Result<Document, Broken>> {
        split::documents(&self.text)
            .into_iter()
            .map(|range| self.document(range))
    }

    fn document(&self, range: Range<usize>) -> Result<Document, Broken> {
        let text = &self.text[range.clone()];
        match tree::parse(text, range.start) {
            Ok(root) => Ok(Document { root }),
            Err(error) if text.contains("{{") => Err(self.broken(
                error.offset,
                format!(
                    "this is a template, not YAML ({}); render it first, as in: helm template CHART | softstop check -",
                    error.message
                ),
            )),
            Err(error) => Err(self.broken(error.offset, error.message)),
        }
    }

    /// Line and column of a byte of the file.
    pub fn position(&self, offset: usize) -> Position {
        self.lines.position(&self.text, offset)
    }

    /// The bytes of that line (from 1), without its line break.
    pub fn line(&self, line: usize) -> Range<usize> {
        self.lines.line(&self.text, line)
    }

    /// An error at a byte of this file.
    pub fn broken(&self, offset: usize, message: impl Into<String>) -> Broken {
        Broken {
            file: self.name.clone(),
            at: self.position(offset),
            message: message.into(),
        }
    }
}

impl Document {
    /// Where in the file a JSON pointer into the document leads, narrowed to bytes of the string there.
    /// What is not written (a field that is absent) is where it would stand: at the nearest key above it.
    pub fn locate(&self, file: &File, pointer: &str, span: Option<&Range<usize>>) -> Range<usize> {
        locate::locate(&self.root, &file.text, pointer, span)
    }

    /// Refuses a pod (at that pointer) in which YAML made something else of what must be a string.
    pub fn check_words(&self, file: &File, pointer: &str) -> Result<(), Broken> {
        let Some(pod) = locate::node(&self.root, pointer) else {
            return Ok(());
        };
        words::check(pod).map_err(|(offset, message)| file.broken(offset, message))
    }
}
