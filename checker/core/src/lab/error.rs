//! What is wrong with a lab, and where.

use std::fmt;

use crate::source::{Position, Source, Span};

/// Something wrong with a lab's files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LabError {
    /// The file or folder.
    pub file: String,
    /// Where in it.
    pub position: Option<Position>,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What to do: one sentence; may be empty.
    pub help: String,
}

impl LabError {
    /// Something wrong with a whole file.
    pub fn new(file: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            position: None,
            message: message.into(),
            help: help.into(),
        }
    }

    /// Something wrong at a place.
    pub fn at(
        source: &Source,
        span: Option<Span>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let position = span.map(|s| source.position(s.start));
        Self {
            position,
            ..Self::new(source.name(), message, help)
        }
    }
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(p) => write!(f, "{}:{}:{}: {}", self.file, p.line, p.column, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}
