//! From bytes to tokens, on demand: what a word is depends on where the parser stands.

use std::borrow::Cow;
use std::ops::Range;

use super::parse::Parser;
use super::tree::{Lexeme, Parsed, Traits, refuse};
use super::{Dialect, MAX_LENGTH, Reason};

/// A token.
#[derive(Clone, Debug)]
pub(super) enum Token<'a> {
    End,
    Newline,
    /// `;`
    Semicolon,
    /// `;;`
    DoubleSemicolon,
    /// `&`
    Background,
    /// `&&` or `||`
    AndOr,
    /// `|` or `|&`
    Pipe,
    /// `(`
    Open,
    /// `)`
    Close,
    Redirect(Redirect),
    Word(Lexeme<'a>),
}

/// A redirection operator, with its descriptor if one is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// `<` or `>` alone: inside `[[ ]]` a comparison.
    Plain,
    /// `>>`, `>|`, `<>`, or any operator with a descriptor before it.
    File,
    /// `<&`, `>&`
    Duplicate,
    /// `>&` of bash, which takes a file, too
    Both,
    /// `<<`; `<<-` strips tabs.
    HereDocument { strip: bool },
    /// `<<<`
    HereString,
}

/// What no shell agrees on: control characters, and blanks that some locales take for blanks.
pub(super) fn unreadable(text: &str) -> Option<(Reason, Range<usize>)> {
    if text.len() > MAX_LENGTH {
        return Some((Reason::TooLong, 0..0));
    }
    text.char_indices()
        .find(|(_, c)| (c.is_control() || c.is_whitespace()) && !matches!(c, ' ' | '\t' | '\n'))
        .map(|(at, c)| (Reason::ControlCharacter, at..at + c.len_utf8()))
}

/// Bytes that end a word.
fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'
    )
}

impl<'a> Parser<'a> {
    /// The byte at an offset, within the part that is being read.
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        if at < self.end {
            self.text.as_bytes().get(at).copied()
        } else {
            None
        }
    }

    /// The text of a range; offsets of this parser are always on character boundaries.
    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// Reads the next token.
    pub(super) fn advance(&mut self) -> Parsed<()> {
        self.before = self.token_end;
        self.skip_blanks()?;
        self.at = self.pos;
        self.token = self.lex()?;
        self.token_end = self.pos;
        match self.token {
            Token::Newline => self.here_documents(),
            Token::End if !self.pending.is_empty() => refuse(
                Reason::HereDocument,
                self.pending.first().map_or(0..0, |h| h.at.clone()),
            ),
            _ => Ok(()),
        }
    }

    fn skip_blanks(&mut self) -> Parsed<()> {
        loop {
            match self.byte(self.pos) {
                Some(b' ' | b'\t') => self.pos += 1,
                Some(b'\\') if self.byte(self.pos + 1) == Some(b'\n') => self.pos += 2,
                Some(b'#') => {
                    if self.backquoted {
                        return refuse(Reason::Syntax, self.pos..self.pos + 1);
                    }
                    while self.byte(self.pos).is_some_and(|b| b != b'\n') {
                        self.pos += 1;
                    }
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    fn lex(&mut self) -> Parsed<Token<'a>> {
        let start = self.pos;
        let next = self.byte(start + 1);
        let (token, length) = match self.byte(start) {
            None => return Ok(Token::End),
            Some(b'\n') => (Token::Newline, 1),
            Some(b';') => match next {
                Some(b'&') => return refuse(Reason::CaseFallthrough, start..start + 2),
                Some(b';') if self.byte(start + 2) == Some(b'&') => {
                    return refuse(Reason::CaseFallthrough, start..start + 3);
                }
                Some(b';') => (Token::DoubleSemicolon, 2),
                _ => (Token::Semicolon, 1),
            },
            Some(b'&') => match next {
                Some(b'&') => (Token::AndOr, 2),
                Some(b'>') if self.dialect == Dialect::Posix => {
                    return refuse(Reason::RedirectBoth, start..start + 2);
                }
                Some(b'>') if self.byte(start + 2) == Some(b'>') => {
                    (Token::Redirect(Redirect::File), 3)
                }
                Some(b'>') => (Token::Redirect(Redirect::File), 2),
                _ => (Token::Background, 1),
            },
            Some(b'|') => match next {
                Some(b'|') => (Token::AndOr, 2),
                Some(b'&') if self.dialect == Dialect::Posix => {
                    return refuse(Reason::PipeBoth, start..start + 2);
                }
                Some(b'&') => (Token::Pipe, 2),
                _ => (Token::Pipe, 1),
            },
            Some(b'(') if next == Some(b'(') => {
                return refuse(Reason::ArithmeticCommand, start..start + 2);
            }
            Some(b'(') => (Token::Open, 1),
            Some(b')') => (Token::Close, 1),
            Some(b'<' | b'>') => return self.redirect(start, false).map(Token::Redirect),
            Some(_) => return self.word_or_redirect(),
        };
        self.pos = start + length;
        self.no_glue(start)?;
        Ok(token)
    }

    /// Refuses a continuation inside of an operator: shells differ on whether `&\⏎&` is `&&`.
    fn no_glue(&self, start: usize) -> Parsed<()> {
        let mut at = self.pos;
        while self.byte(at) == Some(b'\\') && self.byte(at + 1) == Some(b'\n') {
            at += 2;
        }
        let operator = matches!(
            self.byte(at),
            Some(b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' | b'-')
        );
        if at > self.pos && operator {
            refuse(Reason::Continuation, start..at)
        } else {
            Ok(())
        }
    }

    /// Reads a redirection operator at `self.pos`.
    fn redirect(&mut self, start: usize, descriptor: bool) -> Parsed<Redirect> {
        let first = self.byte(self.pos);
        let input = first == Some(b'<');
        let (redirect, length) = match self.byte(self.pos + 1) {
            Some(b'(') => return refuse(Reason::ProcessSubstitution, self.pos..self.pos + 2),
            Some(b'&') if self.dialect == Dialect::Bash && !input && !descriptor => {
                (Redirect::Both, 2)
            }
            Some(b'&') => (Redirect::Duplicate, 2),
            Some(b'<') if input => match self.byte(self.pos + 2) {
                Some(b'<') if self.dialect == Dialect::Posix => {
                    return refuse(Reason::HereString, self.pos..self.pos + 3);
                }
                Some(b'<') => (Redirect::HereString, 3),
                Some(b'-') => (Redirect::HereDocument { strip: true }, 3),
                _ => (Redirect::HereDocument { strip: false }, 2),
            },
            Some(b'>') => (Redirect::File, 2),
            Some(b'|') if !input => (Redirect::File, 2),
            _ if descriptor => (Redirect::File, 1),
            _ => (Redirect::Plain, 1),
        };
        self.pos += length;
        self.no_glue(start)?;
        Ok(redirect)
    }

    /// Reads a word; one digit right before `<` or `>` belongs to the operator.
    fn word_or_redirect(&mut self) -> Parsed<Token<'a>> {
        let word = self.word()?;
        let next = self.byte(self.pos);
        if matches!(next, Some(b'<' | b'>')) {
            let digits = !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit());
            if digits && word.raw.len() == 1 {
                return self.redirect(word.span.start, true).map(Token::Redirect);
            }
            if digits || word.traits.continued || word.raw.ends_with('}') {
                return refuse(Reason::Descriptor, word.span.start..self.pos + 1);
            }
        }
        if next == Some(b'(') {
            let at = word.span.start..self.pos + 1;
            match word.raw.as_bytes().last() {
                Some(b'?' | b'*' | b'+' | b'@' | b'!') => return refuse(Reason::ExtendedGlob, at),
                Some(b'=') => return refuse(Reason::Array, at),
                _ => {}
            }
        }
        if word.raw == "[[" && self.dialect == Dialect::Posix {
            return refuse(Reason::DoubleBracket, word.span);
        }
        Ok(Token::Word(word))
    }

    /// Reads one word at `self.pos`.
    fn word(&mut self) -> Parsed<Lexeme<'a>> {
        let mut word = Builder::new(self.pos);
        while let Some(byte) = self.byte(self.pos) {
            let at = self.pos;
            match byte {
                _ if ends_word(byte) => break,
                b'\\' => self.escape(&mut word)?,
                b'\'' => {
                    word.drop(self.text, at..at + 1);
                    self.single_quoted()?;
                    word.traits.slash |= self.slice(at..self.pos).contains('/');
                    word.drop(self.text, self.pos - 1..self.pos);
                }
                b'"' => self.double_quoted(&mut word)?,
                b'$' => self.dollar(&mut word, false)?,
                b'`' => self.backquotes(&mut word, false)?,
                _ => {
                    match byte {
                        b'*' | b'?' | b'[' => word.traits.pattern = true,
                        b'{' | b'}' => word.traits.braces = true,
                        b'~' => word.traits.tilde |= at == word.start,
                        b'/' => word.traits.slash = true,
                        _ => {}
                    }
                    self.pos += 1;
                }
            }
        }
        let lexeme = word.finish(self.text, self.pos);
        *self
            .script
            .occurrences
            .entry(lexeme.text.clone())
            .or_default() += 1;
        Ok(lexeme)
    }

    /// Reads a backslash outside of quotes.
    fn escape(&mut self, word: &mut Builder) -> Parsed<()> {
        let at = self.pos;
        let Some(next) = self.slice(at + 1..self.end).chars().next() else {
            return refuse(Reason::Unterminated, at..at + 1);
        };
        if next == '\n' {
            word.drop(self.text, at..at + 2);
            word.traits.continued = true;
        } else {
            word.drop(self.text, at..at + 1);
            word.traits.slash |= next == '/';
        }
        self.pos = at + 1 + next.len_utf8();
        Ok(())
    }

    /// Skips `'...'` at `self.pos`.
    pub(super) fn single_quoted(&mut self) -> Parsed<()> {
        let start = self.pos;
        let inside = self.slice(start + 1..self.end);
        let Some(length) = inside.find('\'') else {
            return refuse(Reason::Unterminated, start..start + 1);
        };
        self.pos = start + length + 2;
        if inside
            .get(..length)
            .is_some_and(|quoted| quoted.contains('\n'))
        {
            self.newline_in_word(start)?;
        }
        Ok(())
    }

    /// Reads `"..."` at `self.pos`.
    pub(super) fn double_quoted(&mut self, word: &mut Builder) -> Parsed<()> {
        let start = self.pos;
        word.drop(self.text, start..start + 1);
        self.pos += 1;
        while let Some(byte) = self.byte(self.pos) {
            let at = self.pos;
            match byte {
                b'"' => {
                    word.drop(self.text, at..at + 1);
                    self.pos += 1;
                    return Ok(());
                }
                b'\\' => match self.byte(at + 1) {
                    Some(b'\n') => {
                        word.drop(self.text, at..at + 2);
                        word.traits.continued = true;
                        self.newline_in_word(start)?;
                        self.pos += 2;
                    }
                    Some(b'$' | b'"' | b'\\' | b'`') => {
                        word.drop(self.text, at..at + 1);
                        self.pos += 2;
                    }
                    _ => self.pos += 1,
                },
                b'$' => self.dollar(word, true)?,
                b'`' => self.backquotes(word, true)?,
                b'\n' => {
                    self.newline_in_word(start)?;
                    self.pos += 1;
                }
                _ => {
                    word.traits.slash |= byte == b'/';
                    self.pos += 1;
                }
            }
        }
        refuse(Reason::Unterminated, start..start + 1)
    }

    /// Refuses a newline inside of a word while a here-document waits for the end of the line.
    pub(super) fn newline_in_word(&self, start: usize) -> Parsed<()> {
        if self.one_line || !self.pending.is_empty() {
            return refuse(Reason::HereDocument, start..self.pos);
        }
        Ok(())
    }
}

/// A word under construction. Its text is copied only once something has to be left out.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) start: usize,
    text: Option<String>,
    copied: usize,
    pub(super) traits: Traits,
}

impl Builder {
    /// A word that starts at that offset.
    pub(super) fn new(start: usize) -> Self {
        Self {
            start,
            text: None,
            copied: start,
            traits: Traits::default(),
        }
    }

    /// Leaves a range out of the text (quotes, backslashes).
    pub(super) fn drop(&mut self, source: &str, range: Range<usize>) {
        let text = self.text.get_or_insert_default();
        text.push_str(source.get(self.copied..range.start).unwrap_or_default());
        self.copied = range.end;
    }

    fn finish(mut self, source: &str, end: usize) -> Lexeme<'_> {
        let raw = source.get(self.start..end).unwrap_or_default();
        // Alone it is the builtin.
        self.traits.pattern &= raw != "[";
        if self.text.is_some() {
            self.drop(source, end..end);
        }
        Lexeme {
            span: self.start..end,
            raw,
            text: self.text.map_or(Cow::Borrowed(raw), Cow::Owned),
            traits: self.traits,
        }
    }
}
