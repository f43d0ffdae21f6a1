//! From a JSON pointer into a document to bytes of its file.

use std::ops::Range;

use serde_saphyr::granit_parser::ScalarStyle;

use super::tree::{Content, Node};

/// See [`Document::locate`](super::Document::locate).
pub(super) fn locate(
    root: &Node,
    text: &str,
    pointer: &str,
    span: Option<&Range<usize>>,
) -> Range<usize> {
    let mut node = root;
    let mut label = own_label(root);
    for token in pointer.split('/').skip(1) {
        let Some(next) = step(node, token) else {
            return label; // not written: the nearest key above
        };
        (node, label) = next;
    }
    match (&node.content, span) {
        (Content::Sequence(_) | Content::Mapping(_), _) => label,
        (Content::String(value, style), Some(span)) => {
            let raw = &text[node.span.clone()];
            let start = node.span.start + source_offset(raw, value, *style, span.start);
            let end = node.span.start + source_offset(raw, value, *style, span.end);
            start..end.max(start)
        }
        // An absent value has no width: its key stands for it.
        _ if node.span.is_empty() => label,
        // The line break that ends a block scalar is not worth underlining.
        _ => node.span.start..node.span.start + text[node.span.clone()].trim_end().len(),
    }
}

/// The node that a pointer leads to.
pub(super) fn node<'n>(root: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer
        .split('/')
        .skip(1)
        .try_fold(root, |node, token| step(node, token).map(|(next, _)| next))
}

/// One token further, with what to underline if the walk ends there and the node is more than a word.
fn step<'n>(node: &'n Node, token: &str) -> Option<(&'n Node, Range<usize>)> {
    match &node.content {
        Content::Mapping(_) => {
            let entry = node.entry(&token.replace("~1", "/").replace("~0", "~"))?;
            Some((&entry.value, entry.key_span.clone()))
        }
        Content::Sequence(items) => {
            let item = items.get(token.parse::<usize>().ok()?)?;
            Some((item, own_label(item)))
        }
        _ => None,
    }
}

/// What to underline for a node that has no key of its own, the root or an item of a sequence:
/// the entry that tells it apart (a container's `name`, an object's `kind`), or else where it begins.
fn own_label(node: &Node) -> Range<usize> {
    match &node.content {
        Content::Mapping(entries) => match node
            .entry("name")
            .or_else(|| node.entry("kind"))
            .or(entries.first())
        {
            Some(entry)
                if matches!(
                    entry.value.content,
                    Content::Sequence(_) | Content::Mapping(_)
                ) =>
            {
                entry.key_span.clone()
            }
            Some(entry) => entry.key_span.start..entry.value.span.end,
            None => node.span.clone(),
        },
        Content::Sequence(items) => items.first().map_or_else(|| node.span.clone(), own_label),
        _ => node.span.clone(),
    }
}

/// The byte of a scalar as it is written (`raw`) that byte `at` of its value comes from.
///
/// Both are walked side by side. A run of white space is one step: there, folding and indentation make the two
/// differ. Within such a run the answer is only near; everywhere else it is exact.
fn source_offset(raw: &str, value: &str, style: ScalarStyle, at: usize) -> usize {
    let quote = usize::from(matches!(
        style,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
    ));
    let (mut from, mut to) = (quote, 0);
    let end = raw.len().saturating_sub(quote);
    while at > to {
        let (blank, raw_blank) = (blanks(&value[to..]), raw_blanks(&raw[from..end], style));
        if at < to + blank {
            return from + (at - to).min(raw_blank);
        }
        (from, to) = (from + raw_blank, to + blank);
        match value[to..].chars().next() {
            Some(next) if at > to && from < end => {
                (from, to) = (
                    from + written_length(&raw[from..end], style),
                    to + next.len_utf8(),
                );
            }
            _ => break,
        }
    }
    from
}

/// Length of the white space that a value begins with.
fn blanks(value: &str) -> usize {
    value.len() - value.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// Length of what is written for white space at the beginning of `raw`, escapes included.
fn raw_blanks(raw: &str, style: ScalarStyle) -> usize {
    let mut rest = raw;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let escape = rest
            .strip_prefix('\\')
            .filter(|_| style == ScalarStyle::DoubleQuoted);
        let Some(kind) = escape.and_then(|escape| escape.chars().next()) else {
            return raw.len() - rest.len();
        };
        let is_blank = match kind {
            // `\` before a line break joins the lines; the others are white space spelled out.
            'n' | 't' | 'r' | ' ' | '\t' | '\n' | '\r' => true,
            _ => matches!(code(rest, kind), Some(0x20 | 0x9 | 0xA | 0xD)),
        };
        if !is_blank {
            return raw.len() - rest.len();
        }
        rest = &rest[written_length(rest, style)..];
    }
}

/// Length of what is written for the one character that `raw` begins with.
fn written_length(raw: &str, style: ScalarStyle) -> usize {
    let mut characters = raw.chars();
    let length = match (style, characters.next(), characters.next()) {
        (ScalarStyle::SingleQuoted, Some('\''), Some('\'')) => 2,
        (ScalarStyle::DoubleQuoted, Some('\\'), Some(kind)) => match code(raw, kind) {
            // JSON writes what is beyond the basic plane as two surrogates.
            Some(0xD800..0xDC00) => 2 * (2 + code_digits(kind)),
            _ => 1 + kind.len_utf8() + code_digits(kind),
        },
        (_, Some(character), _) => character.len_utf8(),
        (_, None, _) => 0,
    };
    length.min(raw.len())
}

/// Number of hexadecimal digits after that kind of escape.
fn code_digits(kind: char) -> usize {
    match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    }
}

/// The code of a numeric escape: `\x20`, `\u00fc`, `\U0001f600`.
fn code(escape: &str, kind: char) -> Option<u32> {
    u32::from_str_radix(escape.get(2..2 + code_digits(kind))?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    /// What is underlined for `needle` inside of the string at `pointer`.
    fn underlined<'t>(text: &'t str, pointer: &str, needle: &str) -> &'t str {
        let root = tree::parse(text, 0).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let value = root.to_value();
        let string = value
            .pointer(pointer)
            .and_then(serde_json::Value::as_str)
            .expect("a string");
        let start = string.find(needle).expect("in it");
        &text[locate(&root, text, pointer, Some(&(start..start + needle.len())))]
    }

    fn label<'t>(text: &'t str, pointer: &str) -> &'t str {
        let root = tree::parse(text, 0).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        &text[locate(&root, text, pointer, None)]
    }

    #[test]
    fn labels() {
        let text = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - image: i\n    name: \"web\"\n    command:\n    \
                    - sh\n    - |\n      run\n      more\n    args:\n  x~y/z: 1\n";
        for (pointer, expected) in [
            ("", "kind: Pod"),
            ("/spec", "spec"),
            ("/spec/containers", "containers"),
            ("/spec/containers/0", "name: \"web\""),
            ("/spec/containers/0/image", "i"),
            ("/spec/containers/0/command", "command"),
            ("/spec/containers/0/command/1", "run\n      more"),
            ("/spec/containers/0/args", "args"),
            ("/spec/containers/0/lifecycle/preStop", "name: \"web\""),
            ("/spec/terminationGracePeriodSeconds", "spec"),
            ("/spec/x~0y~1z", "1"),
            ("/spec/containers/7/command", "containers"),
            ("/metadata/name", "p"),
        ] {
            assert_eq!(label(text, pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn every_style_is_mapped() {
        for text in [
            "a: run it now && wait\n",
            "a: 'run it now && wait'\n",
            "a: \"run it now && wait\"\n",
            "a: run it\n  now && wait\n",
            "a: \"run it\n\n  now && wait\"\n",
            "a: \"run \\\n   it now\\n&& wait\"\n",
            "a: \"run\\tit \\n now\\r\\n &&\\x20wait\"\n",
            "a: \"r\\u00fcn \\ud83d\\ude00 \\U0001f600 it \\\\ now \\\" && wait\"\n",
            "a: 'it''s run it now && wait'\n",
            "a: |\n  set -e\n    run it\n\n  now && wait\n",
            "a: |2\n     run it\n  now && wait\n",
            "a: |\n\n\n  run it now && wait",
            "a: >\n  run it\n  now\n\n    && indented\n  wait\n",
            "a: |\r\n  run it\r\n  now && wait\r\n",
            "{\"a\": \"run it\\n\\tnow \\/ && wait\"}",
        ] {
            for needle in ["it", "now", "&&", "wait"] {
                assert_eq!(underlined(text, "/a", needle), needle, "{text:?}");
            }
        }
        assert_eq!(underlined("a: \"x \\u00fc y\"\n", "/a", "ü"), "\\u00fc");
        assert_eq!(underlined("a: 'it''s'\n", "/a", "'"), "''");
        assert_eq!(
            underlined("a: |\n  one two\n  three\n", "/a", "two\nthree"),
            "two\n  three"
        );
    }

    #[test]
    fn a_plain_line_is_mapped_byte_by_byte() {
        let text = "a: \"x  y \u{e9} z \"\n";
        let root = tree::parse(text, 0).expect("valid");
        for (at, _) in "x  y \u{e9} z ".char_indices() {
            assert_eq!(
                locate(&root, text, "/a", Some(&(at..at))).start,
                4 + at,
                "byte {at}"
            );
        }
        // A span inside of a character or beyond the end is wrong, but no reason to fail.
        assert_eq!(locate(&root, text, "/a", Some(&(6..6))).start, 11);
        assert_eq!(
            locate(&root, text, "/a", Some(&(90..99))).start,
            text.len() - 2
        );
    }

    #[test]
    fn an_alias_leads_to_its_definition() {
        let text = "x: &c [sh, -c, run it]\nspec: {command: *c}\n";
        assert_eq!(underlined(text, "/spec/command/2", "it"), "it");
    }
}
