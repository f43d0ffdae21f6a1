//! Everything behind a `$` or a backquote. Only the extent matters, and that no shell sees another one.

use super::lex::{Builder, Token};
use super::names::identifier;
use super::parse::Parser;
use super::tree::{Parsed, refuse};
use super::{Dialect, Reason};

impl Parser<'_> {
    /// Reads what a `$` at `self.pos` starts; `quoted`: within double quotes or a here-document.
    pub(super) fn dollar(&mut self, word: &mut Builder, quoted: bool) -> Parsed<()> {
        let at = self.pos;
        let name = identifier(self.slice(at + 1..self.end).as_bytes());
        if name > 0 {
            word.traits.computed = true;
            self.pos += 1 + name;
            return Ok(());
        }
        match self.byte(at + 1) {
            Some(b'(') => {
                word.traits.computed = true;
                if self.byte(at + 2) == Some(b'(') {
                    self.arithmetic()
                } else {
                    word.traits.substituted = true;
                    self.command_substitution()
                }
            }
            Some(b'{') => self.parameter(word, quoted),
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                word.traits.computed = true;
                self.pos += 2;
                Ok(())
            }
            Some(b'[') => refuse(Reason::Arithmetic, at..at + 2),
            Some(b'\'') if !quoted => self.ansi_quoted(word),
            Some(b'"') if !quoted => refuse(Reason::Quoting, at..at + 2),
            Some(b'\\') if self.byte(at + 2) == Some(b'\n') => {
                refuse(Reason::Continuation, at..at + 2)
            }
            _ => {
                self.pos += 1;
                Ok(())
            }
        }
    }

    /// `$'...'`
    fn ansi_quoted(&mut self, word: &mut Builder) -> Parsed<()> {
        let start = self.pos;
        if self.dialect == Dialect::Posix {
            return refuse(Reason::Quoting, start..start + 2);
        }
        word.traits.computed = true;
        self.pos += 2;
        while let Some(byte) = self.byte(self.pos) {
            self.pos += 1;
            match byte {
                b'\'' => return Ok(()),
                // What is escaped is skipped; if it is the first byte of a longer character, the rest follows as text.
                b'\\' if self.byte(self.pos).is_some_and(|b| b != b'\n') => self.pos += 1,
                b'\n' => self.newline_in_word(start)?,
                _ => {}
            }
        }
        refuse(Reason::Unterminated, start..start + 2)
    }

    /// `$( ... )`
    fn command_substitution(&mut self) -> Parsed<()> {
        let start = self.pos;
        self.enter(start)?;
        self.pos += 2;
        self.substituted(|parser| {
            parser.list()?;
            match parser.token {
                Token::Close => Ok(()),
                Token::End => refuse(Reason::Unterminated, start..start + 2),
                _ => parser.unexpected(),
            }
        })?;
        self.leave();
        Ok(())
    }

    /// `` `...` ``, which shells end at the first backquote whatever stands in between.
    pub(super) fn backquotes(&mut self, word: &mut Builder, quoted: bool) -> Parsed<()> {
        let start = self.pos;
        word.traits.computed = true;
        word.traits.substituted = true;
        let inside = self.slice(start + 1..self.end);
        let Some(length) = inside.find('`') else {
            return refuse(Reason::Unterminated, start..start + 1);
        };
        let odd = |b: u8| b == b'\\' || (quoted && b == b'"');
        if let Some(at) = inside.bytes().take(length).position(odd) {
            return refuse(Reason::Syntax, start + 1 + at..start + 2 + at);
        }
        self.enter(start)?;
        let end = std::mem::replace(&mut self.end, start + 1 + length);
        let backquoted = std::mem::replace(&mut self.backquoted, true);
        self.pos += 1;
        self.substituted(|parser| {
            parser.list()?;
            if matches!(parser.token, Token::End) {
                Ok(())
            } else {
                parser.unexpected()
            }
        })?;
        self.backquoted = backquoted;
        self.end = end;
        self.pos = start + length + 2;
        self.leave();
        Ok(())
    }

    /// Reads commands inside of a word and comes back to the word.
    fn substituted(&mut self, read: impl FnOnce(&mut Self) -> Parsed<()>) -> Parsed<()> {
        let (token, at, token_end, before) = (
            std::mem::replace(&mut self.token, Token::End),
            self.at,
            self.token_end,
            self.before,
        );
        self.substitutions += 1;
        self.advance()?;
        read(self)?;
        self.substitutions -= 1;
        (self.token, self.at, self.token_end, self.before) = (token, at, token_end, before);
        Ok(())
    }

    /// `$(( ... ))`
    fn arithmetic(&mut self) -> Parsed<()> {
        let start = self.pos;
        self.enter(start)?;
        self.arithmetics += 1;
        self.pos += 3;
        let mut parentheses = 0_usize;
        loop {
            match self.byte(self.pos) {
                Some(b'(') => parentheses += 1,
                Some(b')') if parentheses > 0 => parentheses -= 1,
                Some(b')') if self.byte(self.pos + 1) == Some(b')') => break,
                Some(b'$') => {
                    self.dollar(&mut Builder::new(self.pos), true)?;
                    continue;
                }
                None | Some(b')' | b'\n') => return refuse(Reason::Arithmetic, start..start + 3),
                Some(_) => {}
            }
            self.pos += 1;
        }
        self.pos += 2;
        self.arithmetics -= 1;
        self.leave();
        // Once for the outermost one, so that the time stays linear.
        let odd = |b: u8| matches!(b, b'\'' | b'"' | b'\\' | b'`' | b';' | b'#');
        if self.arithmetics == 0 && self.slice(start..self.pos).bytes().any(odd) {
            return refuse(Reason::Arithmetic, start..self.pos);
        }
        Ok(())
    }

    /// `${ ... }`
    fn parameter(&mut self, word: &mut Builder, quoted: bool) -> Parsed<()> {
        let start = self.pos;
        word.traits.computed = true;
        self.enter(start)?;
        self.pos += 2;
        if !self.parameter_head() {
            let reason = if self.byte(self.pos).is_none() {
                Reason::Unterminated
            } else {
                Reason::Parameter
            };
            return refuse(reason, start..self.pos);
        }
        while let Some(byte) = self.byte(self.pos) {
            match byte {
                b'}' => {
                    self.pos += 1;
                    self.leave();
                    return Ok(());
                }
                b'\'' if !quoted => self.single_quoted()?,
                b'"' if !quoted => self.double_quoted(&mut Builder::new(self.pos))?,
                b'$' => {
                    let mut inner = Builder::new(self.pos);
                    self.dollar(&mut inner, quoted)?;
                    word.traits.substituted |= inner.traits.substituted;
                }
                b'\'' | b'"' | b'\\' | b'`' | b'{' | b'(' | b')' | b'\n' => {
                    return refuse(Reason::Parameter, start..self.pos + 1);
                }
                _ => self.pos += 1,
            }
        }
        refuse(Reason::Unterminated, start..start + 2)
    }

    /// Reads the name and the operator after `${`; the word that follows is the caller's.
    fn parameter_head(&mut self) -> bool {
        let bash = self.dialect == Dialect::Bash;
        let next = self.byte(self.pos + 1);
        match self.byte(self.pos) {
            // The length, or `$#` itself.
            Some(b'#') => {
                self.pos += 1;
                return next == Some(b'}')
                    || (self.parameter_name() && self.byte(self.pos) == Some(b'}'));
            }
            Some(b'!') if bash && next.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') => {
                self.pos += 1;
            }
            _ => {}
        }
        if !self.parameter_name() {
            return false;
        }
        match self.byte(self.pos) {
            Some(b'}') => return true,
            Some(b':') => {
                self.pos += 1;
                if !matches!(self.byte(self.pos), Some(b'-' | b'=' | b'?' | b'+')) {
                    return false;
                }
            }
            Some(b'-' | b'=' | b'?' | b'+' | b'%' | b'#') => {}
            Some(b'/' | b'^' | b',' | b'@') if bash => {}
            // `${$[` is the beginning of an arithmetic expansion.
            Some(b'[') if bash && self.byte(self.pos - 1) != Some(b'$') => {}
            _ => return false,
        }
        self.pos += 1;
        true
    }

    fn parameter_name(&mut self) -> bool {
        let rest = self.slice(self.pos..self.end).as_bytes();
        let length = match rest.first() {
            Some(b'0'..=b'9') => rest.iter().take_while(|b| b.is_ascii_digit()).count(),
            Some(b'@' | b'*' | b'?' | b'-' | b'$' | b'!') => 1,
            _ => identifier(rest),
        };
        self.pos += length;
        length > 0
    }
}
