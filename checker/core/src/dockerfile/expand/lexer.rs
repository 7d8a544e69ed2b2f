//! Reading a word: quotes, escapes, the pieces that it falls into, and where a variable begins.

use std::collections::BTreeSet;

use super::{ExpandError, Expanded, MAX_DEPTH, MAX_EXPANDED, Scope};

/// The lexer with the switches that BuildKit gives it for its different uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexer {
    pub(crate) escape: char,
    /// Quotes stay in the result.
    pub(crate) raw_quotes: bool,
    /// Escape characters stay in the result.
    pub(crate) raw_escapes: bool,
    /// Quotes mean nothing.
    pub(crate) ignore_quotes: bool,
    /// Variables that are not set stay as written.
    pub(crate) keep_unset: bool,
}

impl Lexer {
    pub(crate) fn new(escape: char) -> Self {
        Self {
            escape,
            raw_quotes: false,
            raw_escapes: false,
            ignore_quotes: false,
            keep_unset: false,
        }
    }

    pub(crate) fn run(self, word: &str, scope: &Scope) -> Result<Expanded, ExpandError> {
        let mut state = State {
            lexer: self,
            rest: word.strip_prefix('\u{FEFF}').unwrap_or(word),
            scope,
            raw_escapes: self.raw_escapes,
            depth: 0,
            used: BTreeSet::new(),
            unset: BTreeSet::new(),
        };
        let (text, words) = state.until(None, self.raw_escapes)?;
        Ok(Expanded {
            text,
            words,
            used: state.used,
            unset: state.unset,
        })
    }
}

/// How far the reading of a word has come.
pub(super) struct State<'a> {
    pub(super) lexer: Lexer,
    pub(super) rest: &'a str,
    pub(super) scope: &'a Scope,
    raw_escapes: bool,
    depth: usize,
    used: BTreeSet<String>,
    unset: BTreeSet<String>,
}

/// Words being split off while the text is read.
#[derive(Default)]
struct Words {
    done: Vec<String>,
    word: String,
    inside: bool,
}

impl Words {
    /// A character that separates if it is white space.
    fn soft(&mut self, c: char) {
        if !c.is_whitespace() {
            self.hard(c);
        } else if self.inside && !self.word.is_empty() {
            self.done.push(std::mem::take(&mut self.word));
            self.inside = false;
        }
    }

    fn hard(&mut self, c: char) {
        self.word.push(c);
        self.inside = true;
    }

    fn hard_text(&mut self, text: &str) {
        self.word.push_str(text);
        self.inside = true;
    }

    fn finish(mut self) -> Vec<String> {
        if !self.word.is_empty() {
            self.done.push(self.word);
        }
        self.done
    }
}

impl State<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    pub(super) fn variable(&mut self, name: &str) -> Result<Option<&str>, ExpandError> {
        let value = self.scope.get(name);
        self.scope.work(name.len() + value.map_or(0, str::len))?;
        let seen = if value.is_some() {
            &mut self.used
        } else {
            &mut self.unset
        };
        if !seen.contains(name) {
            seen.insert(name.to_owned());
        }
        Ok(value)
    }

    /// Reads up to `stop`, or to the end where there is none to look for.
    pub(super) fn until(
        &mut self,
        stop: Option<char>,
        raw_escapes: bool,
    ) -> Result<(String, Vec<String>), ExpandError> {
        if self.depth >= MAX_DEPTH {
            return Err(ExpandError::TooDeep);
        }
        let outer = std::mem::replace(&mut self.raw_escapes, raw_escapes);
        self.depth += 1;
        let read = self.read(stop);
        self.depth -= 1;
        self.raw_escapes = outer;
        read
    }

    fn read(&mut self, stop: Option<char>) -> Result<(String, Vec<String>), ExpandError> {
        let mut text = String::new();
        let mut words = Words::default();
        while let Some(c) = self.peek() {
            if Some(c) == stop {
                self.next();
                return Ok((text, words.finish()));
            }
            match c {
                '\'' if !self.lexer.ignore_quotes => {
                    let quoted = self.single_quoted()?;
                    words.hard_text(&quoted);
                    text.push_str(&quoted);
                }
                '"' if !self.lexer.ignore_quotes => {
                    let quoted = self.double_quoted()?;
                    words.hard_text(&quoted);
                    text.push_str(&quoted);
                }
                '$' => {
                    let value = self.dollar()?;
                    value.chars().for_each(|c| words.soft(c));
                    text.push_str(&value);
                }
                '<' => {
                    let opening = self.less_than();
                    words.hard_text(&opening);
                    text.push_str(&opening);
                }
                _ => {
                    self.next();
                    if c == self.lexer.escape {
                        if self.raw_escapes {
                            words.hard(c);
                            text.push(c);
                        }
                        let Some(escaped) = self.next() else { break };
                        words.hard(escaped);
                        text.push(escaped);
                    } else {
                        words.soft(c);
                        text.push(c);
                    }
                }
            }
            if text.len() > MAX_EXPANDED {
                return Err(ExpandError::TooLong);
            }
        }
        match stop {
            Some('/') => Err(ExpandError::MissingSlash),
            Some(_) => Err(ExpandError::MissingBrace),
            None => Ok((text, words.finish())),
        }
    }

    /// `<<` keeps the blanks after it in its word, so that `<< EOF` is one.
    fn less_than(&mut self) -> String {
        let mut opening = String::from("<");
        self.next();
        if self.peek() == Some('<') {
            self.next();
            opening.push('<');
            while let Some(c @ (' ' | '\t' | '\r')) = self.peek() {
                opening.push(c);
                self.next();
            }
        }
        opening
    }

    fn single_quoted(&mut self) -> Result<String, ExpandError> {
        self.next();
        let end = self
            .rest
            .find('\'')
            .ok_or(ExpandError::UnclosedQuote("single"))?;
        let inner = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(if self.lexer.raw_quotes {
            format!("'{inner}'")
        } else {
            inner.to_owned()
        })
    }

    fn double_quoted(&mut self) -> Result<String, ExpandError> {
        let mut text = String::new();
        self.next();
        if self.lexer.raw_quotes {
            text.push('"');
        }
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.next();
                    if self.lexer.raw_quotes {
                        text.push('"');
                    }
                    return Ok(text);
                }
                '$' => text.push_str(&self.dollar()?),
                _ => {
                    self.next();
                    let mut kept = c;
                    if c == self.lexer.escape {
                        if self.raw_escapes {
                            text.push(c);
                        }
                        match self.peek() {
                            None => continue,
                            Some(n) if n == '"' || n == '$' || n == self.lexer.escape => {
                                self.next();
                                kept = n;
                            }
                            Some(_) => {}
                        }
                    }
                    text.push(kept);
                }
            }
            if text.len() > MAX_EXPANDED {
                return Err(ExpandError::TooLong);
            }
        }
        Err(ExpandError::UnclosedQuote("double"))
    }
}
