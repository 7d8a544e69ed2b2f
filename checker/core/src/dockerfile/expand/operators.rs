//! What stands after a `$`: a name, and in braces an operator such as `:-`, `#` or `/`.

use super::ExpandError;
use super::lexer::State;
use crate::dockerfile::pattern::Pattern;

impl State<'_> {
    /// The value of what begins with the `$` at hand.
    pub(super) fn dollar(&mut self) -> Result<String, ExpandError> {
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
                    .work(value.len().saturating_mul(pattern.len() + 1))?;
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
            .work(value.len().saturating_mul(pattern.len() + 1))?;
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
