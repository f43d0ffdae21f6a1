//! Here-documents: skipped exactly, and refused where shells differ on where they end.

use std::ops::Range;

use super::Reason;
use super::lex::Builder;
use super::parse::Parser;
use super::tree::{Lexeme, Parsed, refuse};

/// A here-document whose body has not come yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) at: Range<usize>,
    delimiter: String,
    /// The delimiter is quoted: the body is plain text.
    plain: bool,
    /// `<<-`
    strip: bool,
}

impl Parser<'_> {
    /// Notes a here-document; `start` is the operator's.
    pub(super) fn here_document(
        &mut self,
        start: usize,
        delimiter: &Lexeme,
        strip: bool,
    ) -> Parsed<()> {
        let at = start..delimiter.span.end;
        let odd = delimiter.text.is_empty() || delimiter.raw.contains(['\\', '$', '`', '\n']);
        if odd || self.substitutions > 0 {
            return refuse(Reason::HereDocument, at);
        }
        self.pending.push(Pending {
            at,
            delimiter: delimiter.text.clone().into_owned(),
            plain: delimiter.raw.contains(['\'', '"']),
            strip,
        });
        Ok(())
    }

    /// Skips the bodies of all pending here-documents; `self.pos` is right after the newline.
    pub(super) fn here_documents(&mut self) -> Parsed<()> {
        if self.substitutions > 0 {
            return self.newline_in_word(self.at);
        }
        for document in std::mem::take(&mut self.pending) {
            self.body(&document)?;
        }
        Ok(())
    }

    fn body(&mut self, document: &Pending) -> Parsed<()> {
        let start = self.pos;
        loop {
            if self.pos >= self.end {
                return refuse(Reason::HereDocument, document.at.clone());
            }
            let rest = self.slice(self.pos..self.end);
            let written = rest.split('\n').next().unwrap_or_default();
            let line = if document.strip {
                written.trim_start_matches('\t')
            } else {
                written
            };
            let next = (self.pos + written.len() + 1).min(self.end);
            if line == document.delimiter {
                let end = self.pos;
                if !document.plain {
                    self.expanded_body(start, end)?;
                }
                self.pos = next;
                return Ok(());
            }
            if !document.plain && line.ends_with('\\') {
                return refuse(Reason::HereDocument, self.pos..self.pos + written.len());
            }
            self.pos = next;
        }
    }

    /// Checks that the expansions of a body end inside of it.
    fn expanded_body(&mut self, start: usize, end: usize) -> Parsed<()> {
        let outer = std::mem::replace(&mut self.end, end);
        let one_line = std::mem::replace(&mut self.one_line, true);
        self.pos = start;
        let mut text = Builder::new(start);
        while let Some(byte) = self.byte(self.pos) {
            match byte {
                b'$' => self.dollar(&mut text, true)?,
                b'`' => self.backquotes(&mut text, true)?,
                // Whatever is escaped: the rest of a longer character is text as well.
                b'\\' => self.pos += 2,
                _ => self.pos += 1,
            }
        }
        self.one_line = one_line;
        self.end = outer;
        Ok(())
    }
}
