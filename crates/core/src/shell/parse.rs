//! The grammar, by recursive descent. Whatever is not certain is refused.

use std::collections::HashMap;
use std::ops::Range;

use super::heredoc::Pending;
use super::lex::{Redirect, Token, unreadable};
use super::names::{is_closing, opens_subscript};
use super::tree::{Item, Kind, List, Node, Parsed, Pipeline, Script, refuse};
use super::{Dialect, MAX_NESTING, Reason, Refusal};

/// A parser and what it has read so far.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) dialect: Dialect,
    /// Where the next token starts.
    pub(super) pos: usize,
    /// Where the part that is being read ends (backquotes and here-documents are parts).
    pub(super) end: usize,
    pub(super) token: Token<'a>,
    /// Where the token starts and ends, and where the one before it ended.
    pub(super) at: usize,
    pub(super) token_end: usize,
    pub(super) before: usize,
    /// Here-documents whose bodies come after the next newline.
    pub(super) pending: Vec<Pending>,
    /// How many substitutions and arithmetic expansions the parser is inside of.
    pub(super) substitutions: usize,
    pub(super) arithmetics: usize,
    pub(super) backquoted: bool,
    /// A newline inside of a word is refused: the parser is in the body of a here-document.
    pub(super) one_line: bool,
    nesting: usize,
    pub(super) script: Script<'a>,
}

/// Reads a whole script; with the refusal that ended the reading, if one did.
pub(super) fn script(text: &str, dialect: Dialect) -> (Script<'_>, Option<Refusal>) {
    let mut parser = Parser {
        text,
        dialect,
        pos: 0,
        end: text.len(),
        token: Token::End,
        at: 0,
        token_end: 0,
        before: 0,
        pending: Vec::new(),
        substitutions: 0,
        arithmetics: 0,
        backquoted: false,
        one_line: false,
        nesting: 0,
        script: Script {
            dialect,
            list: List::default(),
            simples: Vec::new(),
            functions: Vec::new(),
            loops: Vec::new(),
            trap: None,
            occurrences: HashMap::new(),
            forbidden: None,
        },
    };
    let refusal = match unreadable(text) {
        Some((reason, at)) => Some(Refusal { reason, at }),
        None => parser.whole().err(),
    };
    (parser.script, refusal)
}

impl<'a> Parser<'a> {
    fn whole(&mut self) -> Parsed<()> {
        self.advance()?;
        let list = self.maybe_list()?;
        if !matches!(self.token, Token::End) {
            return self.unexpected();
        }
        for item in &list.items {
            if let Some(Kind::Function(index)) = item.alone()
                && let Some(function) = self.script.functions.get_mut(*index)
            {
                function.top_level = true;
            }
        }
        self.script.list = list;
        Ok(())
    }

    /// Goes one level deeper.
    pub(super) fn enter(&mut self, at: usize) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            refuse(Reason::TooDeep, at..at + 1)
        } else {
            Ok(())
        }
    }

    /// Comes back from one level.
    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Whether the parser is inside of a command.
    pub(super) fn nested(&self) -> bool {
        self.nesting > 0
    }

    /// The current token.
    pub(super) fn here(&self) -> Range<usize> {
        self.at..self.token_end
    }

    /// The current token may not stand here.
    pub(super) fn unexpected<T>(&self) -> Parsed<T> {
        let reason = match self.token {
            Token::End => Reason::Unterminated,
            Token::Semicolon
            | Token::DoubleSemicolon
            | Token::AndOr
            | Token::Pipe
            | Token::Background => Reason::EmptyList,
            _ => Reason::Syntax,
        };
        refuse(reason, self.here())
    }

    /// The current word as it is written, if the current token is a word.
    pub(super) fn raw(&self) -> Option<&'a str> {
        match &self.token {
            Token::Word(word) => Some(word.raw),
            _ => None,
        }
    }

    /// Takes a reserved word.
    pub(super) fn expect(&mut self, word: &str) -> Parsed<()> {
        if self.raw() == Some(word) {
            self.advance()
        } else {
            self.unexpected()
        }
    }

    pub(super) fn newlines(&mut self) -> Parsed<()> {
        while matches!(self.token, Token::Newline) {
            self.advance()?;
        }
        Ok(())
    }

    fn list_ends(&self) -> bool {
        match &self.token {
            Token::End | Token::Close | Token::DoubleSemicolon => true,
            Token::Word(word) => is_closing(word.raw),
            _ => false,
        }
    }

    /// Reads commands up to what can only end a list; at least one.
    pub(super) fn list(&mut self) -> Parsed<List> {
        let list = self.maybe_list()?;
        if list.items.is_empty() {
            let reason = if matches!(self.token, Token::End) {
                Reason::Unterminated
            } else {
                Reason::EmptyList
            };
            return refuse(reason, self.here());
        }
        Ok(list)
    }

    pub(super) fn maybe_list(&mut self) -> Parsed<List> {
        let mut list = List::default();
        self.newlines()?;
        while !self.list_ends() {
            list.items.push(self.item()?);
            match self.token {
                Token::Semicolon | Token::Newline | Token::Background => self.advance()?,
                _ => break,
            }
            self.newlines()?;
        }
        Ok(list)
    }

    fn item(&mut self) -> Parsed<Item> {
        let start = self.at;
        let first = self.script.simples.len();
        let mut pipelines = 1;
        let mut last = self.pipeline()?;
        while matches!(self.token, Token::AndOr) {
            let or = self.byte(self.at) == Some(b'|');
            self.advance()?;
            self.newlines()?;
            let next = self.pipeline()?;
            pipelines += 1;
            // `app || exit $?` at the end only hands the status on: the tail is what stands before it.
            if !(or && !matches!(self.token, Token::AndOr) && self.script.hands_status_on(&next)) {
                last = next;
            }
        }
        let background = matches!(self.token, Token::Background);
        if background {
            self.forbid(Reason::BackgroundJob, start..self.token_end);
            for simple in self.script.simples.iter_mut().skip(first) {
                simple.background = true;
            }
        }
        Ok(Item {
            pipelines,
            last,
            background,
        })
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let start = self.at;
        let negated = self.raw() == Some("!");
        if negated {
            self.advance()?;
        }
        let mut first = self.script.simples.len();
        let mut last = self.command()?;
        let mut commands = 1;
        while matches!(self.token, Token::Pipe) {
            self.mark_piped(first);
            first = self.script.simples.len();
            self.advance()?;
            self.newlines()?;
            last = self.command()?;
            commands += 1;
        }
        if commands > 1 {
            self.mark_piped(first);
        }
        Ok(Pipeline {
            span: start..self.before,
            negated,
            commands,
            last,
        })
    }

    fn mark_piped(&mut self, first: usize) {
        for simple in self.script.simples.iter_mut().skip(first) {
            simple.piped = true;
        }
    }

    pub(super) fn command(&mut self) -> Parsed<Node> {
        let start = self.at;
        let raw = match &self.token {
            Token::Word(word) if word.traits.continued => {
                return refuse(Reason::Continuation, self.here());
            }
            Token::Word(word) => word.raw,
            Token::Open => "(",
            Token::Redirect(_) => "",
            _ => return self.unexpected(),
        };
        let kind = match raw {
            "{" | "(" | "if" | "case" | "while" | "until" | "for" | "[[" => {
                self.enter(start)?;
                let kind = self.compound(raw)?;
                self.leave();
                self.redirections()?;
                kind
            }
            "function" if self.dialect == Dialect::Bash => {
                self.advance()?;
                let Token::Word(name) = self.token.clone() else {
                    return self.unexpected();
                };
                self.advance()?;
                if matches!(self.token, Token::Open) {
                    self.parentheses()?;
                }
                self.function(&name)?
            }
            "function" => return refuse(Reason::FunctionKeyword, self.here()),
            "time" | "select" | "coproc" => return refuse(Reason::ReservedWord, self.here()),
            "!" | "in" => return refuse(Reason::Syntax, self.here()),
            _ if is_closing(raw) => return refuse(Reason::Syntax, self.here()),
            _ => self.simple_or_function()?,
        };
        Ok(Node {
            span: start..self.before,
            kind,
        })
    }

    /// Redirections after a compound command, and nothing else.
    fn redirections(&mut self) -> Parsed<()> {
        while let Token::Redirect(redirect) = self.token {
            self.redirection(redirect)?;
        }
        if matches!(self.token, Token::Word(_) | Token::Open) {
            self.unexpected()
        } else {
            Ok(())
        }
    }

    /// Reads a redirection; the operator is the current token. Whether its target or text is only known at run time.
    pub(super) fn redirection(&mut self, redirect: Redirect) -> Parsed<bool> {
        let start = self.at;
        self.advance()?;
        let Token::Word(target) = &self.token else {
            return refuse(Reason::Syntax, start..self.before);
        };
        if self.dialect == Dialect::Posix && opens_subscript(target.raw) {
            return refuse(Reason::Array, target.span.clone());
        }
        let quoted = target.raw.contains(['\'', '"', '\\']);
        let computed = match redirect {
            Redirect::HereDocument { .. } => !quoted,
            _ => !target.known(),
        };
        match redirect {
            Redirect::Duplicate | Redirect::Both => {
                let one_digit =
                    target.raw.len() == 1 && target.raw.bytes().all(|b| b.is_ascii_digit());
                // What starts with a digit may be a descriptor that is moved (`2-`).
                let descriptor = |c: char| c.is_ascii_digit() || c == '-';
                let file = redirect == Redirect::Both
                    && target.known()
                    && !target.text.is_empty()
                    && !target.text.starts_with(descriptor);
                if !one_digit && target.raw != "-" && !file {
                    return refuse(Reason::Descriptor, start..self.token_end);
                }
            }
            Redirect::HereDocument { strip } => {
                let target = target.clone();
                self.here_document(start, &target, strip)?;
            }
            Redirect::Plain | Redirect::File | Redirect::HereString => {}
        }
        self.advance()?;
        Ok(computed)
    }
}
