//! Strict access to a field of a file, with errors that say where it is and what is accepted.

use std::fmt::Display;

use crate::manifest::{Broken, Content, Entry, File, Node};

/// A node, with its path in the object (`spec.bounds.gracePeriod.min`).
#[derive(Clone)]
pub(super) struct Field<'n> {
    file: &'n File,
    node: &'n Node,
    /// Byte of its key, or of an item itself.
    key: usize,
    path: String,
}

impl<'n> Field<'n> {
    /// A whole document.
    pub(super) fn root(file: &'n File, node: &'n Node) -> Self {
        Self {
            file,
            node,
            key: node.span.start,
            path: String::new(),
        }
    }

    /// An error at this field.
    pub(super) fn wrong(&self, message: impl Display) -> Broken {
        self.error(self.node.span.start, message)
    }

    fn error(&self, at: usize, message: impl Display) -> Broken {
        let colon = if self.path.is_empty() { "" } else { ": " };
        self.file
            .broken(at, format!("{}{colon}{message}", self.path))
    }

    fn child(&self, entry: &'n Entry) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{}", self.path, entry.key);
        Self {
            file: self.file,
            node: &entry.value,
            key: entry.key_span.start,
            path,
        }
    }

    /// The field of that name, if it is there and not `null`.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let entry = self.node.entry(name)?;
        (!matches!(entry.value.content, Content::Null)).then(|| self.child(entry))
    }

    /// The field of that name, which must be there.
    pub(super) fn required(&self, name: &str, accepted: &str) -> Result<Self, Broken> {
        self.get(name).ok_or_else(|| {
            self.error(
                self.key,
                format!("the field {name} is missing ({accepted})"),
            )
        })
    }

    /// Refuses what is no mapping, and fields of other names.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Broken> {
        let Content::Mapping(entries) = &self.node.content else {
            return Err(self.wrong(format!(
                "a mapping is expected here, with the fields {}",
                known.join(", ")
            )));
        };
        match entries
            .iter()
            .find(|entry| !known.contains(&entry.key.as_str()))
        {
            None => Ok(()),
            Some(entry) => {
                let field = self.child(entry);
                let message = format!("there is no such field; known here: {}", known.join(", "));
                Err(field.error(field.key, message))
            }
        }
    }

    /// The items of a list of these.
    pub(super) fn items(&self, what: &str) -> Result<Vec<Self>, Broken> {
        match &self.node.content {
            Content::Sequence(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, node)| Self {
                    file: self.file,
                    node,
                    key: node.span.start,
                    path: format!("{}[{index}]", self.path),
                })
                .collect()),
            _ => Err(self.wrong(format!("a list of {what} is expected here"))),
        }
    }

    /// The entries of a mapping.
    pub(super) fn entries(&self, what: &str) -> Result<Vec<(&'n str, Self)>, Broken> {
        match &self.node.content {
            Content::Mapping(entries) => Ok(entries
                .iter()
                .map(|entry| (entry.key.as_str(), self.child(entry)))
                .collect()),
            _ => Err(self.wrong(format!("a mapping of {what} is expected here"))),
        }
    }

    /// A string.
    pub(super) fn text(&self) -> Result<&'n str, Broken> {
        match &self.node.content {
            Content::String(text, _) => Ok(text),
            Content::Bool(value) => Err(self.wrong(format!(
                "a string is expected here, and YAML reads this word as the boolean {value}; put it in quotes"
            ))),
            Content::Number(_) => Err(self.wrong("a string is expected here; put the number in quotes")),
            _ => Err(self.wrong("a string is expected here")),
        }
    }

    /// A string, or a number as it would be written.
    pub(super) fn text_or_integer(&self) -> Result<String, Broken> {
        match &self.node.content {
            Content::Number(number) => Ok(number.to_string()),
            _ => self.text().map(str::to_owned),
        }
    }

    /// A boolean.
    pub(super) fn boolean(&self) -> Result<bool, Broken> {
        match &self.node.content {
            Content::Bool(value) => Ok(*value),
            _ => Err(self.wrong("true or false is expected here, without quotes")),
        }
    }

    /// A 32-bit integer.
    pub(super) fn integer(&self) -> Result<i32, Broken> {
        match &self.node.content {
            Content::Number(number) => number
                .as_i64()
                .and_then(|number| i32::try_from(number).ok()),
            _ => None,
        }
        .ok_or_else(|| {
            self.wrong(format!(
                "an integer is expected here, {} to {}",
                i32::MIN,
                i32::MAX
            ))
        })
    }

    /// A string that `parse` understands; `accepted` says which these are.
    pub(super) fn one_of<T>(
        &self,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Broken> {
        let text = self.text()?;
        parse(text)
            .ok_or_else(|| self.wrong(format!("\"{text}\" is not accepted; accepted: {accepted}")))
    }

    /// A duration in seconds.
    pub(super) fn seconds(&self) -> Result<u32, Broken> {
        let text = self.text_or_integer()?;
        softstop_core::duration(&text).map_err(|accepted| {
            self.wrong(format!("\"{text}\" is no duration; accepted: {accepted}"))
        })
    }
}
