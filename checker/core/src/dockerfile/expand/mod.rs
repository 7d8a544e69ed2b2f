//! Variables in words: `$NAME`, `${NAME:-default}` and the other forms, with quotes and escapes, by the rules of
//! BuildKit's shell lexer.

mod lexer;
mod operators;
mod scope;

use std::collections::BTreeSet;

pub(crate) use lexer::Lexer;
pub use scope::Scope;

/// How long a word may become by expansion, in bytes. BuildKit has no limit; without one, a few lines that double a
/// variable each would fill the memory.
pub const MAX_EXPANDED: usize = 1 << 20;

/// How deep `${…}` may be nested.
const MAX_DEPTH: usize = 200;

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
