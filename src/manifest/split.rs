//! A YAML stream into its documents.
//!
//! The stream is split before anything is parsed, so that one broken document does not take the others with it.

use std::ops::Range;

/// The documents of a stream, each with its `---` line; those with nothing in them are left out.
pub(super) fn documents(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if end > start && is_marker(line, "---") {
            push(&mut found, text, start..end);
            start = end;
        }
        end += line.len();
        if is_marker(line, "...") {
            push(&mut found, text, start..end);
            start = end;
        }
    }
    push(&mut found, text, start..end);
    found
}

fn push(found: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let content = text[range.clone()].trim_start_matches('\u{feff}');
    // Directives (`%YAML 1.2`) stand before the `---` that they are for.
    let empty = |line: &str| {
        line.is_empty() || line.starts_with(['#', '%']) || line == "---" || line == "..."
    };
    if !content
        .lines()
        .map(|line| line.trim().trim_start_matches("--- #"))
        .all(empty)
    {
        found.push(range);
    }
}

/// `^---(\s|$)`: it ends a document even inside of a block scalar.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_split() {
        for (stream, expected) in [
            ("", vec![]),
            ("a: 1\n", vec!["a: 1\n"]),
            ("---\na: 1\n---\nb: 2\n", vec!["---\na: 1\n", "---\nb: 2\n"]),
            (
                "a: 1\n---\n# nothing\n---\n---\n\n--- # b\nb: 2",
                vec!["a: 1\n", "--- # b\nb: 2"],
            ),
            ("a: 1\n...\nb: 2\n...\n", vec!["a: 1\n...\n", "b: 2\n...\n"]),
            ("%YAML 1.2\n---\na: 1\n", vec!["---\na: 1\n"]),
            (
                "a: |\n  x\n---\r\nb: 2\r\n",
                vec!["a: |\n  x\n", "---\r\nb: 2\r\n"],
            ),
            (
                "a: |\n  ---\n  x\n---x: 1\n ---\n",
                vec!["a: |\n  ---\n  x\n---x: 1\n ---\n"],
            ),
            (
                "--- {a: 1}\n--- {b: 2}\n",
                vec!["--- {a: 1}\n", "--- {b: 2}\n"],
            ),
            ("\u{feff}# only a comment\n", vec![]),
        ] {
            let found: Vec<_> = documents(stream)
                .into_iter()
                .map(|range| &stream[range])
                .collect();
            assert_eq!(found, expected, "{stream:?}");
        }
    }
}
