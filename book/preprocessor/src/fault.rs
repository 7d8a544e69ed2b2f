//! What can be wrong with a directive, and how the build says so.

use std::fmt;

use mslab_core::diagnostic::did_you_mean;
use mslab_core::lab::LabError;

/// Why a book could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// mdBook sent something else than a book.
    #[error("error: what mdBook sent is no book: {0}")]
    Input(String),
    /// Directives that cannot be shown.
    #[error("{}", listed(.0))]
    Directives(Vec<Problem>),
}

/// A directive that cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The chapter's name.
    pub chapter: String,
    /// The chapter's file, from the book's root.
    pub file: Option<String>,
    /// The directive's line, from 1.
    pub line: usize,
    /// The directive as it is written.
    pub directive: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A lower-case fragment.
    pub message: String,
    /// What to do: a sentence or two; may be empty.
    pub help: String,
}

pub(crate) type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }

    /// `word` is none of `known`; `what` is a noun with its article: "no check".
    pub(crate) fn unknown<'a>(
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let help = match did_you_mean(word, known.iter().copied()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None if known.is_empty() => String::new(),
            None => format!("There are: {}.", known.join(", ")),
        };
        Self::new(format!("there is {what} `{word}`"), help)
    }

    /// The same, with the place where it is not.
    pub(crate) fn within(mut self, place: &str) -> Self {
        self.message.push_str(&format!(" in `{place}`"));
        self
    }

    pub(crate) fn lab(errors: &[LabError]) -> Self {
        let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let help = errors.iter().map(|e| e.help.as_str());
        Self::new(messages.join("; "), help.collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_deref().unwrap_or("a chapter without a file");
        writeln!(f, "error: {}", self.fault.message)?;
        write!(f, "  --> {file}:{}, in \"{}\"", self.line, self.chapter)?;
        write!(f, "\n   |  {}", self.directive)?;
        if !self.fault.help.is_empty() {
            write!(f, "\nhelp: {}", self.fault.help)?;
        }
        Ok(())
    }
}

fn listed(problems: &[Problem]) -> String {
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    all.join("\n\n")
}
