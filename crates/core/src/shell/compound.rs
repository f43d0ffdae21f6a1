//! Compound commands: groups, branches, loops.

use super::Reason;
use super::lex::Token;
use super::names::identifier;
use super::parse::Parser;
use super::tree::{Kind, List, Loop, Parsed, refuse};

impl Parser<'_> {
    /// Reads a compound command whose first word (or `(`) is the current token.
    pub(super) fn compound(&mut self, word: &str) -> Parsed<Kind> {
        let start = self.at;
        let first = self.script.simples.len();
        if word == "[[" {
            self.conditional()?;
            return Ok(Kind::Conditional);
        }
        self.advance()?;
        match word {
            "{" => {
                let list = self.list()?;
                self.expect("}")?;
                Ok(Kind::Group(list))
            }
            "(" => {
                self.list()?;
                if !matches!(self.token, Token::Close) {
                    return self.unexpected();
                }
                self.advance()?;
                Ok(Kind::Subshell)
            }
            "if" => self.branches_of_if(),
            "case" => self.branches_of_case(),
            "for" => {
                self.for_head()?;
                self.loop_body(start, first, false)
            }
            _ => {
                let condition = self.list()?;
                let endless = self.always(&condition, word == "while");
                self.loop_body(start, first, endless)
            }
        }
    }

    fn branches_of_if(&mut self) -> Parsed<Kind> {
        let mut branches = Vec::new();
        loop {
            self.list()?;
            self.expect("then")?;
            branches.push(self.list()?);
            if self.raw() != Some("elif") {
                break;
            }
            self.advance()?;
        }
        if self.raw() == Some("else") {
            self.advance()?;
            branches.push(self.list()?);
        }
        self.expect("fi")?;
        Ok(Kind::Branches(branches))
    }

    fn branches_of_case(&mut self) -> Parsed<Kind> {
        let mut branches = Vec::new();
        if self.raw().is_none() {
            return self.unexpected();
        }
        self.advance()?;
        self.newlines()?;
        self.expect("in")?;
        self.newlines()?;
        while self.raw() != Some("esac") {
            self.patterns()?;
            branches.push(self.maybe_list()?);
            if !matches!(self.token, Token::DoubleSemicolon) {
                break;
            }
            self.advance()?;
            self.newlines()?;
        }
        self.expect("esac")?;
        Ok(Kind::Branches(branches))
    }

    /// `(a|b)` or `a|b)`
    fn patterns(&mut self) -> Parsed<()> {
        if matches!(self.token, Token::Open) {
            self.advance()?;
            if self.raw() == Some("esac") {
                return self.unexpected();
            }
        }
        loop {
            match &self.token {
                Token::Word(word) if word.traits.continued => {
                    return refuse(Reason::Continuation, self.here());
                }
                Token::Word(_) => self.advance()?,
                _ => return self.unexpected(),
            }
            match self.token {
                Token::Pipe if self.token_end - self.at == 1 => self.advance()?,
                Token::Close => return self.advance(),
                _ => return self.unexpected(),
            }
        }
    }

    /// `NAME`, `NAME in words;`
    fn for_head(&mut self) -> Parsed<()> {
        match self.raw() {
            Some(raw) if !raw.is_empty() && identifier(raw.as_bytes()) == raw.len() => {
                self.advance()?;
            }
            _ => return self.unexpected(),
        }
        if matches!(self.token, Token::Semicolon) {
            self.advance()?;
            return self.newlines();
        }
        self.newlines()?;
        if self.raw() == Some("in") {
            self.advance()?;
            while self.raw().is_some() {
                self.advance()?;
            }
            match self.token {
                Token::Semicolon | Token::Newline => self.advance()?,
                _ => return self.unexpected(),
            }
        }
        self.newlines()
    }

    fn loop_body(&mut self, at: usize, first: usize, endless: bool) -> Parsed<Kind> {
        self.expect("do")?;
        self.list()?;
        self.expect("done")?;
        self.script.loops.push(Loop {
            at,
            simples: first..self.script.simples.len(),
            endless,
        });
        Ok(Kind::Loop)
    }

    /// Whether a condition never changes: `while true`, `while :`, `until false`.
    fn always(&self, condition: &List, positive: bool) -> bool {
        let [item] = condition.items.as_slice() else {
            return false;
        };
        let Some(Kind::Simple(index)) = item.alone() else {
            return false;
        };
        let name = self
            .script
            .simples
            .get(*index)
            .and_then(|simple| simple.program());
        name.is_some_and(|name| {
            if positive {
                name.raw == "true" || name.raw == ":"
            } else {
                name.raw == "false"
            }
        })
    }
}
