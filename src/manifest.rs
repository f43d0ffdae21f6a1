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

    /// Where what a JSON pointer leads to begins in the file.
    pub fn start(&self, pointer: &str) -> usize {
        locate::node(&self.root, pointer)
            .unwrap_or(&self.root)
            .span
            .start
    }

    /// Refuses a pod (at that pointer) in which YAML made something else of what must be a string.
    pub fn check_words(&self, file: &File, pointer: &str) -> Result<(), Broken> {
        let Some(pod) = locate::node(&self.root, pointer) else {
            return Ok(());
        };
        words::check(pod).map_err(|(offset, message)| file.broken(offset, message))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Every pointer to a string of a value, with the string.
    fn strings(value: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => found.push((pointer.to_owned(), text.clone())),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(at, item)| strings(item, &format!("{pointer}/{at}"), found));
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    strings(
                        value,
                        &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
                        found,
                    );
                }
            }
            _ => {}
        }
    }

    /// Each document is read or refused; each byte of each string of it has a place in the file.
    fn examine(text: &str) {
        let file = File::new("any.yaml", text);
        for document in file.documents() {
            let Ok(document) = document else { continue };
            let value = document.root.to_value();
            for pod in pods(&value) {
                let _ = document.check_words(&file, &pod.base);
            }
            let mut found = Vec::new();
            strings(&value, "", &mut found);
            for (pointer, string) in found {
                for at in 0..=string.len() + 1 {
                    let range = document.locate(&file, &pointer, Some(&(at..string.len())));
                    assert!(file.text.get(range).is_some(), "{text:?} {pointer} {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0é:\\-?&*!|>\"'\\\\%@\\[\\]{},#~ \t\r\n]{0,60}") {
            examine(&text);
        }

        #[test]
        fn any_indented_text_is_read_or_refused(
            lines in proptest::collection::vec("( |  |    |- )?(a: |b: |\"c\": |- |- - )?(x y|'z''|\\|-?2?|>\\+?|\"\\\\u00e9\\\\\n|\\[a, b|\\]|&n |\\*n|---|\\.\\.\\.)?", 0..12)
        ) {
            examine(&lines.join("\n"));
        }

        /// However a word is written, it is found where it stands.
        #[test]
        fn words_are_found_in_any_style(
            words in proptest::collection::vec("[a-z<&;$é😀]{1,6}", 1..8),
            style in 0..5,
            pick in any::<proptest::sample::Index>(),
        ) {
            let text = match style {
                0 => format!("- {}\n", words.join(" ")),
                1 => format!("- '{}'\n", words.join("\n\n   ")),
                2 => format!("- |\n    {}\n", words.join("\n      ")),
                3 => format!("- >-\n  {}\n", words.join("\n  ")),
                _ => format!("- \"{}\"\n", words.join(" \\t\\u0020\\n\\\n  ")),
            };
            let file = File::new("any.yaml", text.as_str());
            // Some words are no plain scalars (`&a`), or no strings (`n`).
            let Some(Ok(document)) = file.documents().next() else { return Ok(()) };
            let value = document.root.to_value();
            let Some(string) = value.pointer("/0").and_then(Value::as_str) else { return Ok(()) };
            let found: Vec<_> = string.split_whitespace().collect();
            let word = found[pick.index(found.len())];
            let start = word.as_ptr() as usize - string.as_ptr() as usize;
            let range = document.locate(&file, "/0", Some(&(start..start + word.len())));
            prop_assert_eq!(&file.text[range], word, "{:?}", text);
        }
    }
}
