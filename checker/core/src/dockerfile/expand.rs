//! Variables in words: `$NAME`, `${NAME:-default}` and the other forms, with quotes and escapes, by the rules of
//! BuildKit's shell lexer.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pattern::Pattern;

/// How long a word may become by expansion, in bytes. BuildKit has no limit; without one, a few lines that double a
/// variable each would fill the memory.
pub const MAX_EXPANDED: usize = 1 << 20;

/// How much work all expansions with one scope may be, in bytes of values read, times the length of the pattern where
/// there is one.
const MAX_WORK: usize = 1 << 28;

/// How deep `${…}` may be nested.
const MAX_DEPTH: usize = 200;

/// The variables that can be used at some place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    variables: HashMap<String, String>,
    work: Work,
}

/// How much has been done with a scope's values, so that a file whose every line uses a huge one comes to an end.
///
/// No part of a scope's value: all are equal, and a copy begins anew.
#[derive(Debug, Default)]
struct Work(AtomicUsize);

impl Clone for Work {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Work {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Work {}

impl Work {
    fn add(&self, amount: usize) -> Result<(), ExpandError> {
        let before = self.0.fetch_add(amount, Ordering::Relaxed);
        if before.saturating_add(amount) > MAX_WORK {
            return Err(ExpandError::TooMuch);
        }
        Ok(())
    }
}

impl Scope {
    /// A scope without variables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The variable's value; `None` where it is not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Sets a variable and gives back what it was.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> Option<String> {
        self.variables.insert(name.into(), value.into())
    }

    /// Makes a variable unset and gives back what it was.
    pub fn unset(&mut self, name: &str) -> Option<String> {
        self.variables.remove(name)
    }

    /// Names of all variables, in order of the alphabet.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.variables.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Scope {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self {
            variables: pairs
                .into_iter()
                .map(|(n, v)| (n.into(), v.into()))
                .collect(),
            work: Work::default(),
        }
    }
}

/// What a word became.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The word as one piece.
    pub text: String,
    /// The pieces where the word is split at white space outside quotes, as `EXPOSE` does.
    pub words: Vec<String>,
    /// Variables that were used and are set.
    pub used: BTreeSet<String>,
    /// Variables that were used and are not set.
    pub unset: BTreeSet<String>,
}

/// Why a word cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A quote is not closed.
    #[error("unexpected end of statement while looking for matching {0}-quote")]
    UnclosedQuote(&'static str),
    /// A `${` is not closed.
    #[error("syntax error: missing '}}'")]
    MissingBrace,
    /// `${NAME/PATTERN` has no second slash.
    #[error("syntax error: missing '/' in ${{}}")]
    MissingSlash,
    /// Nothing that could be a name follows `${`.
    #[error("syntax error: bad substitution")]
    BadSubstitution,
    /// `${NAME` is followed by something that is no operator.
    #[error("unsupported modifier ({0}) in substitution")]
    UnsupportedModifier(String),
    /// `${NAME?message}` or `${NAME:?message}` did not hold.
    #[error("{name}: {message}")]
    Required {
        /// The variable.
        name: String,
        /// The message written there, or the engine's own.
        message: String,
    },
    /// The pattern of `#`, `%` or `/` has an escape that means nothing.
    #[error("invalid pattern ({0}) in substitution")]
    InvalidPattern(String),
    /// `${…}` in `${…}`, too many times.
    #[error("nested too deeply: more than {MAX_DEPTH} levels of ${{}}")]
    TooDeep,
    /// The word becomes too long.
    #[error("expands to more than {MAX_EXPANDED} bytes")]
    TooLong,
    /// All words together are too much work.
    #[error("the variables of this file take too much work to expand")]
    TooMuch,
}

/// Expands a word as the engine does: variables are replaced, quotes taken away, escapes resolved.
///
/// # Errors
///
/// Where the engine refuses the word, and where the result passes [`MAX_EXPANDED`].
pub fn expand_word(word: &str, scope: &Scope, escape: char) -> Result<Expanded, ExpandError> {
    Lexer::new(escape).run(word, scope)
}

/// Expands a heredoc's body as `COPY` and `ADD` do: variables are replaced, quotes stay.
///
/// # Errors
///
/// As [`expand_word`].
pub fn expand_heredoc(body: &str, scope: &Scope) -> Result<String, ExpandError> {
    let mut lexer = Lexer::new('\\');
    lexer.ignore_quotes = true;
    Ok(lexer.run(body, scope)?.text)
}

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

struct State<'a> {
    lexer: Lexer,
    rest: &'a str,
    scope: &'a Scope,
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
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn variable(&mut self, name: &str) -> Result<Option<&str>, ExpandError> {
        let value = self.scope.get(name);
        self.scope
            .work
            .add(name.len() + value.map_or(0, str::len))?;
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
    fn until(
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

    fn dollar(&mut self) -> Result<String, ExpandError> {
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            let keep = self.lexer.keep_unset;
            return Ok(match self.variable(&name)? {
                Some(value) => value.to_owned(),
                None if keep => format!("${name}"),
                None => String::new(),
            });
        }
        self.next();
        match self.peek() {
            None => return Err(ExpandError::MissingBrace),
            Some('{' | '}' | ':') => return Err(ExpandError::BadSubstitution),
            Some(_) => {}
        }
        let name = self.name();
        match self.next() {
            Some('}') => {
                let keep = self.lexer.keep_unset;
                Ok(match self.variable(&name)? {
                    Some(value) => value.to_owned(),
                    None if keep => format!("${{{name}}}"),
                    None => String::new(),
                })
            }
            Some(':') => {
                let operator = self.next();
                self.operator(&name, operator, true)
            }
            Some(c @ ('+' | '-' | '?' | '#' | '%')) => self.operator(&name, Some(c), false),
            Some('/') => self.replace(&name),
            None => Err(ExpandError::MissingBrace),
            c => Err(ExpandError::UnsupportedModifier(printed(c))),
        }
    }

    fn operator(
        &mut self,
        name: &str,
        operator: Option<char>,
        empty_is_unset: bool,
    ) -> Result<String, ExpandError> {
        let raw = matches!(operator, Some('#' | '%'));
        let (word, _) = self.until(Some('}'), raw).map_err(|e| self.at_end(e))?;
        let keep = self.lexer.keep_unset;
        let value = self.variable(name)?.map(str::to_owned);
        let colon = if empty_is_unset { ":" } else { "" };
        if keep && value.is_none() {
            return Ok(format!("${{{name}{colon}{}{word}}}", printed(operator)));
        }
        let there = value
            .as_deref()
            .filter(|v| !(empty_is_unset && v.is_empty()));
        match operator {
            Some('-') => Ok(there.map_or(word, str::to_owned)),
            Some('+') => Ok(there.map_or_else(String::new, |_| word)),
            Some('?') => match (&value, there) {
                (_, Some(v)) => Ok(v.to_owned()),
                (set, None) => Err(ExpandError::Required {
                    name: name.to_owned(),
                    message: if !word.is_empty() {
                        word
                    } else if set.is_some() {
                        "is not allowed to be empty".to_owned()
                    } else {
                        "is not allowed to be unset".to_owned()
                    },
                }),
            },
            Some(c @ ('#' | '%')) if !empty_is_unset => {
                let (greedy, pattern) = match word.strip_prefix(c) {
                    Some(pattern) => (true, pattern),
                    None => (false, word.as_str()),
                };
                let value = value.unwrap_or_default();
                self.scope
                    .work
                    .add(value.len().saturating_mul(pattern.len() + 1))?;
                if c == '#' {
                    let invalid = || ExpandError::InvalidPattern(pattern.to_owned());
                    let parsed = Pattern::parse(pattern).ok_or_else(invalid)?;
                    Ok(parsed.without_prefix(&value, greedy)?)
                } else {
                    let reversed = reverse_pattern(pattern);
                    let invalid = || ExpandError::InvalidPattern(reversed.clone());
                    let parsed = Pattern::parse(&reversed).ok_or_else(invalid)?;
                    let backwards: String = value.chars().rev().collect();
                    let cut = parsed.without_prefix(&backwards, greedy)?;
                    Ok(cut.chars().rev().collect())
                }
            }
            other => Err(ExpandError::UnsupportedModifier(format!(
                "{colon}{}",
                printed(other)
            ))),
        }
    }

    fn replace(&mut self, name: &str) -> Result<String, ExpandError> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let (pattern, _) = self.until(Some('/'), true)?;
        let (replacement, _) = self.until(Some('}'), true).map_err(|e| self.at_end(e))?;
        let keep = self.lexer.keep_unset;
        let value = self.variable(name)?.map(str::to_owned);
        let value = match value {
            Some(value) => value,
            None if keep => return Ok(format!("${{{name}/{pattern}/{replacement}}}")),
            None => String::new(),
        };
        self.scope
            .work
            .add(value.len().saturating_mul(pattern.len() + 1))?;
        let parsed =
            Pattern::parse(&pattern).ok_or(ExpandError::InvalidPattern(pattern.clone()))?;
        if all {
            parsed.replace_all(&value, &replacement)
        } else {
            parsed.replace_first(&value, &replacement)
        }
    }

    /// What the engine says of an error inside `${…}` when the word is over: that the brace is missing.
    fn at_end(&self, error: ExpandError) -> ExpandError {
        match error {
            ExpandError::TooDeep | ExpandError::TooLong | ExpandError::TooMuch => error,
            _ if self.rest.is_empty() => ExpandError::MissingBrace,
            _ => error,
        }
    }

    /// A name: letters, digits and `_`; or only digits; or one special character.
    fn name(&mut self) -> String {
        let first = self.peek();
        if let Some(c @ ('@' | '*' | '#' | '?' | '-' | '$' | '!')) = first {
            self.next();
            return c.to_string();
        }
        let only_digits = first.is_some_and(is_digit);
        let belongs = |c: &char| {
            if only_digits {
                is_digit(*c)
            } else {
                c.is_alphabetic() || is_digit(*c) || *c == '_'
            }
        };
        let name: String = self.rest.chars().take_while(belongs).collect();
        self.rest = &self.rest[name.len()..];
        name
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric() && c.to_digit(36).is_none())
}

fn printed(c: Option<char>) -> String {
    c.map_or_else(String::new, String::from)
}

/// The pattern read backwards, its escapes still before what they escape.
fn reverse_pattern(pattern: &str) -> String {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().is_empty()) {
            ('\\', false) => {
                let escaped = chars.next().unwrap_or_default();
                pieces.push((Some(c), escaped));
            }
            _ => pieces.push((None, c)),
        }
    }
    let mut out = String::with_capacity(pattern.len());
    for (escape, c) in pieces.into_iter().rev() {
        out.extend(escape);
        out.push(c);
    }
    out
}
