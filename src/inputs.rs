//! Files that stand in for the cluster: `--namespace-file` and `--facts-file`.
//!
//! They are read strictly: a word that is misspelled here would silently change what `check` says.

mod facts;
mod namespaces;

use std::collections::BTreeMap;
use std::path::Path;

use softstop_core::{ImageFacts, Namespace};

use crate::manifest::{Broken, Content, Document, Entry, File, Node, ReadError};

/// Why such a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be had.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It does not say what it should.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Reads image facts:
///
/// ```yaml
/// apiVersion: softstop.dev/v1alpha1
/// kind: ImageFacts
/// images:
///   registry.example/shop/web@sha256:9f86d081...:
///     entrypoint: [/usr/local/bin/entrypoint.sh]   # ENTRYPOINT; a shell form is [/bin/sh, -c, TEXT]
///     cmd: [gunicorn, "shop.wsgi:application"]     # CMD
///     stopSignal: SIGQUIT                          # STOPSIGNAL; absent: SIGTERM
///     user: "65532"                                # USER; absent: root
/// ```
pub fn facts(path: &Path) -> Result<ImageFacts, InputError> {
    Ok(facts::read(&File::read(path)?)?)
}

/// Reads namespaces, by name: `v1` `Namespace` manifests, or a `List` of them.
pub fn namespaces(path: &Path) -> Result<BTreeMap<String, Namespace>, InputError> {
    Ok(namespaces::read(&File::read(path)?)?)
}

/// A namespace of which only the name is known. The API server gives every namespace its name as a label.
pub fn bare_namespace(name: &str) -> Namespace {
    let label = (NAME_LABEL.to_owned(), name.to_owned());
    Namespace {
        name: name.to_owned(),
        labels: BTreeMap::from([label]),
        ..Namespace::default()
    }
}

/// Set by the API server on every namespace, and only by it; selectors rely on it.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Strict access to the nodes of a file, with errors that say where.
#[derive(Clone, Copy)]
struct Reader<'f>(&'f File);

impl Reader<'_> {
    fn documents(self) -> Result<Vec<Document>, Broken> {
        let documents = self.0.documents().collect::<Result<Vec<_>, _>>()?;
        if documents.is_empty() {
            return Err(self.0.broken(0, "the file is empty"));
        }
        Ok(documents)
    }

    fn wrong(self, node: &Node, message: impl Into<String>) -> Broken {
        self.0.broken(node.span.start, message)
    }

    fn is_kind(node: &Node, version: &str, kind: &str) -> bool {
        let is = |key: &str, text: &str| matches!(node.entry(key), Some(Entry { value: Node { content: Content::String(value, _), .. }, .. }) if value == text);
        is("apiVersion", version) && is("kind", kind)
    }

    fn entries(self, node: &Node) -> Result<&[Entry], Broken> {
        match &node.content {
            Content::Mapping(entries) => Ok(entries),
            _ => Err(self.wrong(node, "a mapping is expected here")),
        }
    }

    fn unknown(self, entry: &Entry, known: &[&str]) -> Broken {
        let message = format!(
            "\"{}\" is not known here; known: {}",
            entry.key,
            known.join(", ")
        );
        self.0.broken(entry.key_span.start, message)
    }

    fn words(self, node: &Node) -> Result<Vec<String>, Broken> {
        match &node.content {
            Content::Sequence(items) => items.iter().map(|item| self.text(item)).collect(),
            _ => Err(self.wrong(
                node,
                "a list of strings is expected here, as in [sh, -c, \"run it\"]",
            )),
        }
    }

    fn text(self, node: &Node) -> Result<String, Broken> {
        match &node.content {
            Content::String(text, _) => Ok(text.clone()),
            _ => Err(self.wrong(node, "a string is expected here; put it in quotes")),
        }
    }

    fn texts(self, node: &Node) -> Result<BTreeMap<String, String>, Broken> {
        let pairs = self
            .entries(node)?
            .iter()
            .map(|entry| Ok((entry.key.clone(), self.text(&entry.value)?)));
        pairs.collect()
    }
}
