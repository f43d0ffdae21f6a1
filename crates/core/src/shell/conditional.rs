//! `[[ ... ]]`, which only bash scripts may use.

use super::Reason;
use super::lex::Builder;
use super::lex::{Redirect, Token};
use super::parse::Parser;
use super::tree::{Parsed, refuse};

/// Operators between two words.
const BINARY: &[&str] = &[
    "=", "==", "!=", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef",
];

/// Words of one expression.
const MAX_WORDS: usize = 400;

impl Parser<'_> {
    /// Reads a conditional; the current token is `[[`.
    pub(super) fn conditional(&mut self) -> Parsed<()> {
        let start = self.at;
        let mut words = 0;
        self.advance()?;
        self.expression(&mut words)?;
        if words > MAX_WORDS {
            return refuse(Reason::DoubleBracket, start..self.token_end);
        }
        if self.raw() == Some("]]") {
            self.advance()
        } else {
            self.odd()
        }
    }

    fn odd<T>(&self) -> Parsed<T> {
        refuse(Reason::DoubleBracket, self.here())
    }

    fn expression(&mut self, words: &mut usize) -> Parsed<()> {
        loop {
            self.newlines()?;
            self.term(words)?;
            if !matches!(self.token, Token::AndOr) {
                return Ok(());
            }
            self.advance()?;
        }
    }

    fn term(&mut self, words: &mut usize) -> Parsed<()> {
        while self.raw() == Some("!") {
            *words += 1;
            self.advance()?;
        }
        if matches!(self.token, Token::Open) {
            self.enter(self.at)?;
            self.advance()?;
            self.expression(words)?;
            if !matches!(self.token, Token::Close) {
                return self.odd();
            }
            self.leave();
            return self.advance();
        }
        let unary = self.raw().is_some_and(
            |raw| matches!(raw.as_bytes(), [b'-', letter] if letter.is_ascii_alphabetic()),
        );
        self.operand(words)?;
        if unary {
            return self.operand(words);
        }
        match (&self.token, self.raw()) {
            (_, Some("=~")) => {
                *words += 1;
                self.regex()
            }
            (_, Some(raw)) if BINARY.contains(&raw) => {
                *words += 1;
                self.advance()?;
                self.operand(words)
            }
            (Token::Redirect(Redirect::Plain), _) => {
                self.advance()?;
                self.operand(words)
            }
            _ => Ok(()),
        }
    }

    fn operand(&mut self, words: &mut usize) -> Parsed<()> {
        match &self.token {
            Token::Word(word) if word.raw != "]]" && !word.traits.continued => {
                *words += 1;
                self.advance()
            }
            _ => self.odd(),
        }
    }

    /// Reads the pattern after `=~`, where parentheses and `|` are no operators.
    fn regex(&mut self) -> Parsed<()> {
        while matches!(self.byte(self.pos), Some(b' ' | b'\t')) {
            self.pos += 1;
        }
        let start = self.pos;
        let mut parentheses = 0_usize;
        while let Some(byte) = self.byte(self.pos) {
            match byte {
                b' ' | b'\t' | b'\n' if parentheses == 0 => break,
                b'(' => parentheses += 1,
                b')' if parentheses > 0 => parentheses -= 1,
                b'|' if parentheses > 0 => {}
                b'$' if self.byte(self.pos + 1) != Some(b'(') => {
                    self.dollar(&mut Builder::new(self.pos), true)?;
                    continue;
                }
                b' ' | b'\t' | b'\n' | b')' | b'|' | b'$' | b'\'' | b'"' | b'\\' | b'`' | b';'
                | b'&' | b'<' | b'>' => return refuse(Reason::DoubleBracket, start..self.pos + 1),
                _ => {}
            }
            self.pos += 1;
        }
        if self.pos == start || parentheses > 0 {
            return refuse(Reason::DoubleBracket, start..self.pos);
        }
        self.token_end = self.pos;
        self.advance()
    }
}
