//! One ignore pattern as the engine compiles it: `*`, `**`, `?`, `[…]` and escapes.
//!
//! The engine's library (`moby/patternmatcher`) checks a pattern by the rules of Go's `filepath.Match`, and then makes
//! a regular expression of it, in which some signs mean more than one would think: `\d` is a digit there.

use super::expression::Expression;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) enum Glob {
    /// The path itself.
    Exact(String),
    /// What `name**` matches.
    Prefix(String),
    /// What `**name` matches.
    Suffix(String),
    /// Anything else.
    Expression(Expression),
}

/// Why the engine refuses a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// At once.
    Syntax,
    /// As soon as a path is compared with it.
    Compared,
}

impl Glob {
    pub(super) fn parse(pattern: &str) -> Result<Self, Refused> {
        if !is_well_formed(pattern) {
            return Err(Refused::Syntax);
        }
        let mut expression = String::new();
        let mut kind = Kind::Exact;
        let mut chars = pattern.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            match c {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    // `**/` is as `**`.
                    let _ = chars.next_if_eq(&'/');
                    let last = chars.peek().is_none();
                    expression.push_str(if last { ".*" } else { "(.*/)?" });
                    kind = match kind {
                        _ if first => Kind::Suffix,
                        Kind::Exact if last => Kind::Prefix,
                        _ => Kind::Expression,
                    };
                }
                '*' | '?' => {
                    expression.push_str(if c == '*' { "[^/]*" } else { "[^/]" });
                    kind = Kind::Expression;
                }
                '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => expression.extend(['\\', c]),
                '\\' => {
                    expression.push('\\');
                    expression.extend(chars.next());
                    kind = Kind::Expression;
                }
                '[' | ']' => {
                    expression.push(c);
                    kind = Kind::Expression;
                }
                c => expression.push(c),
            }
            first = false;
        }
        Ok(match kind {
            Kind::Suffix => Self::Suffix(pattern[2..].to_owned()),
            Kind::Prefix => Self::Prefix(pattern[..pattern.len() - 2].to_owned()),
            Kind::Exact => Self::Exact(pattern.to_owned()),
            Kind::Expression => {
                let compiled = Expression::parse(&expression).ok_or(Refused::Compared)?;
                Self::Expression(compiled)
            }
        })
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => {
                path.ends_with(text.as_str()) || text.strip_prefix('/') == Some(path)
            }
            Self::Expression(expression) => expression.matches(path),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Exact,
    Prefix,
    Suffix,
    Expression,
}

/// Whether Go's `filepath.Match` can read a pattern: no class is empty or open, and something follows every escape.
fn is_well_formed(pattern: &str) -> bool {
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let fine = match c {
            '\\' => chars.next().is_some(),
            '[' => class(&mut chars).is_some(),
            _ => true,
        };
        if !fine {
            return false;
        }
    }
    true
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
    let _ = chars.next_if_eq(&'^');
    class_char(chars)?;
    loop {
        if chars.next_if_eq(&'-').is_some() {
            class_char(chars)?;
        }
        if chars.next_if_eq(&']').is_some() {
            return Some(());
        }
        class_char(chars)?;
    }
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}
