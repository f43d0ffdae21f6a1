//! A document as a tree that knows where everything stands.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::{Map, Number, Value};
use serde_saphyr::granit_parser::{self, Event, ParseResult, Parser, ScalarStyle, StrInput, Tag};

use super::scalar;

/// Nothing real is nested deeper; the limit keeps recursion within any stack.
const DEPTH_MAX: usize = 200;
/// Nodes that aliases may add to a document: enough for any manifest, too few for a "billion laughs".
const ALIASED_NODES_MAX: usize = 100_000;

/// One node of a document.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub content: Content,
    /// Its bytes in the file: a scalar's text with its quotes; of a block collection, from its first entry on.
    pub span: Range<usize>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Content {
    /// `null`, also an absent value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, and how it is written.
    String(String, ScalarStyle),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the file.
    Mapping(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// The key's bytes in the file.
    pub key_span: Range<usize>,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// The entry of that key, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value without its places.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::String(text, _) => Value::String(text.clone()),
            Content::Sequence(items) => items.iter().map(Self::to_value).collect(),
            Content::Mapping(entries) => {
                let pairs = entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_value()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }
}

/// What is wrong with a document, and at which byte of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) offset: usize,
    pub(super) message: String,
}

/// Parses one document that begins at byte `base` of its file.
pub(super) fn parse(text: &str, base: usize) -> Result<Node, SyntaxError> {
    let options = granit_parser::options! {
        emit_comments: false,
        // As libyaml and kubectl: a block scalar that ends with the file has no line break there.
        block_scalar_eof_without_line_feed: true,
        block_nesting_limit: DEPTH_MAX,
        flow_nesting_limit: DEPTH_MAX,
    };
    let events = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder {
        events,
        base,
        anchors: HashMap::new(),
        aliased: 0,
    };
    builder.document()
}

/// A node with what an alias to it costs.
struct Built {
    node: Node,
    nodes: usize,
    height: usize,
}

struct Builder<'t> {
    events: Parser<'t, StrInput<'t>>,
    base: usize,
    anchors: HashMap<usize, Built>,
    aliased: usize,
}

impl<'t> Builder<'t> {
    fn document(&mut self) -> Result<Node, SyntaxError> {
        let root = loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                _ => break self.node(event, span, 0)?.node,
            }
        };
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(root),
                _ => {
                    return Err(error(
                        span.start,
                        "one more document begins here, without a \"---\" line before it",
                    ));
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Range<usize>), SyntaxError> {
        match self.events.next_event() {
            Some(next) => self.placed(next),
            None => Err(error(self.base, "the document ends too early")),
        }
    }

    fn placed(&self, next: ParseResult<'t>) -> Result<(Event<'t>, Range<usize>), SyntaxError> {
        let place =
            |marker: &granit_parser::Marker| self.base + marker.byte_offset().unwrap_or_default();
        match next {
            Ok((event, span)) => Ok((event, place(&span.start)..place(&span.end))),
            Err(wrong) => Err(error(place(wrong.marker()), wrong.info())),
        }
    }

    fn node(
        &mut self,
        event: Event<'t>,
        span: Range<usize>,
        depth: usize,
    ) -> Result<Built, SyntaxError> {
        if depth > DEPTH_MAX {
            return Err(error(span.start, "this is nested too deeply"));
        }
        let (content, anchor, nodes, height, span) = match event {
            Event::Alias(anchor) => return self.alias(anchor, &span, depth),
            Event::Scalar(text, style, anchor, tag) => (
                scalar_content(text, style, tag.as_deref(), span.start)?,
                anchor,
                1,
                1,
                span,
            ),
            Event::SequenceStart(_, anchor, _) => {
                let (items, end, nodes, height) = self.sequence(depth)?;
                (
                    Content::Sequence(items),
                    anchor,
                    nodes,
                    height,
                    span.start..end,
                )
            }
            Event::MappingStart(_, anchor, _) => {
                let (entries, end, nodes, height) = self.mapping(depth)?;
                (
                    Content::Mapping(entries),
                    anchor,
                    nodes,
                    height,
                    span.start..end,
                )
            }
            _ => return Err(error(span.start, "a value is missing here")),
        };
        let node = Node { content, span };
        if anchor != 0 {
            self.anchors.insert(
                anchor,
                Built {
                    node: node.clone(),
                    nodes,
                    height,
                },
            );
        }
        Ok(Built {
            node,
            nodes,
            height,
        })
    }

    /// What an alias stands for, with the places of its definition: that is where to mend it.
    fn alias(
        &mut self,
        anchor: usize,
        span: &Range<usize>,
        depth: usize,
    ) -> Result<Built, SyntaxError> {
        let Some(built) = self.anchors.get(&anchor) else {
            return Err(error(
                span.start,
                "this alias stands inside of what it stands for",
            ));
        };
        self.aliased += built.nodes;
        if self.aliased > ALIASED_NODES_MAX || depth + built.height > DEPTH_MAX {
            return Err(error(span.start, "aliases make this document too large"));
        }
        Ok(Built {
            node: built.node.clone(),
            nodes: built.nodes,
            height: built.height,
        })
    }

    fn sequence(&mut self, depth: usize) -> Result<(Vec<Node>, usize, usize, usize), SyntaxError> {
        let (mut items, mut nodes, mut height) = (Vec::new(), 1, 0);
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok((items, span.end, nodes, height + 1));
            }
            let built = self.node(event, span, depth + 1)?;
            nodes += built.nodes;
            height = height.max(built.height);
            items.push(built.node);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<(Vec<Entry>, usize, usize, usize), SyntaxError> {
        let (mut entries, mut nodes, mut height) = (Vec::<Entry>::new(), 1, 0);
        let mut seen = HashSet::new();
        let mut merged = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                // What is written wins over what is merged in, wherever the `<<` stands.
                entries.extend(
                    merged
                        .into_iter()
                        .filter(|entry: &Entry| seen.insert(entry.key.clone())),
                );
                return Ok((entries, key_span.end, nodes, height + 1));
            }
            let merge =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, _) if text == "<<");
            let key = self.node(event, key_span.clone(), depth + 1)?.node;
            let (event, span) = self.next()?;
            let built = self.node(event, span, depth + 1)?;
            nodes += built.nodes;
            height = height.max(built.height);
            if merge {
                merge_into(&mut merged, built.node)?;
                continue;
            }
            let key = key_text(&key)?;
            if !seen.insert(key.clone()) {
                return Err(error(
                    key_span.start,
                    format!("the key \"{key}\" stands here a second time; remove one"),
                ));
            }
            entries.push(Entry {
                key,
                key_span,
                value: built.node,
            });
        }
    }
}

fn merge_into(merged: &mut Vec<Entry>, node: Node) -> Result<(), SyntaxError> {
    match node.content {
        Content::Mapping(entries) => merged.extend(entries),
        Content::Sequence(items) => {
            for item in items {
                let Content::Mapping(entries) = item.content else {
                    return Err(error(
                        item.span.start,
                        "only mappings can be merged with \"<<\"",
                    ));
                };
                merged.extend(entries);
            }
        }
        _ => {
            return Err(error(
                node.span.start,
                "only mappings can be merged with \"<<\"",
            ));
        }
    }
    Ok(())
}

/// JSON has text keys only: `1: x` and `on: x` become `"1"` and `"true"`, as for kubectl.
fn key_text(key: &Node) -> Result<String, SyntaxError> {
    match &key.content {
        Content::String(text, _) => Ok(text.clone()),
        Content::Bool(value) => Ok(value.to_string()),
        Content::Number(number) => Ok(number.to_string()),
        _ => Err(error(key.span.start, "a key must be a word or a number")),
    }
}

fn scalar_content(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    offset: usize,
) -> Result<Content, SyntaxError> {
    let value = match (tag, tag.and_then(Tag::core_suffix)) {
        (_, Some(tag)) => scalar::tagged(tag, &text).ok_or_else(|| {
            error(
                offset,
                format!("\"{text}\" is no {tag}, which its tag says it is"),
            )
        })?,
        (None, _) if style == ScalarStyle::Plain => scalar::plain(&text),
        _ => return Ok(Content::String(text.into_owned(), style)),
    };
    Ok(match value {
        Value::Null => Content::Null,
        Value::Bool(value) => Content::Bool(value),
        Value::Number(number) => Content::Number(number),
        _ => Content::String(text.into_owned(), style),
    })
}

fn error(offset: usize, message: impl Into<String>) -> SyntaxError {
    SyntaxError {
        offset,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests;
