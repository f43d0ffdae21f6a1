//! Lines and columns.

use std::fmt;
use std::ops::Range;

/// A place in a file, as editors count: from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// Finds them.
    pub fn new(text: &str) -> Self {
        let after_breaks = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after_breaks).collect())
    }

    /// Line and column of a byte.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.0.partition_point(|start| *start <= offset);
        let start = self.0[line - 1];
        Position {
            line,
            column: text[start..offset].chars().count() + 1,
        }
    }

    /// The bytes of that line (from 1), without its line break.
    pub fn line(&self, text: &str, line: usize) -> Range<usize> {
        let start = self.0.get(line - 1).copied().unwrap_or(text.len());
        let end = self.0.get(line).copied().unwrap_or(text.len());
        start..start + text[start..end].trim_end_matches(['\n', '\r']).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a: é\r\nbb\n";
        let lines = Lines::new(text);
        for (offset, line, column) in [
            (0, 1, 1),
            (3, 1, 4),
            (4, 1, 4),
            (5, 1, 5),
            (7, 2, 1),
            (9, 2, 3),
            (10, 3, 1),
        ] {
            assert_eq!(
                lines.position(text, offset),
                Position { line, column },
                "byte {offset}"
            );
        }
        assert_eq!(lines.position(text, 99), Position { line: 3, column: 1 });
        assert_eq!(&text[lines.line(text, 1)], "a: é");
        assert_eq!(&text[lines.line(text, 2)], "bb");
        assert_eq!(&text[lines.line(text, 3)], "");
    }
}
