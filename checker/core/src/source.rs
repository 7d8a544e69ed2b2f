//! A text file with its name, byte spans into it, and the way from a byte to a line and a column.

use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A half-open range of bytes in one [`Source`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A span from `start` up to, not including, `end`.
    ///
    /// A reversed pair becomes an empty span at `start`, so that no span has a negative length.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// An empty span: a place between two bytes, as an insertion needs.
    #[must_use]
    pub fn at(offset: usize) -> Self {
        Self::new(offset, offset)
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span holds no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// Whether `offset` is inside the span.
    #[must_use]
    pub fn contains(self, offset: usize) -> bool {
        (self.start..self.end).contains(&offset)
    }

    /// The span as a standard range.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A place in a text as people count: both numbers begin at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in Unicode characters, from 1. A byte that is not valid UTF-8 counts as one.
    pub column: usize,
}

/// A file's bytes under the name that people know it by.
///
/// Cloning is cheap: the bytes are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    bytes: Arc<[u8]>,
    line_starts: Arc<[usize]>,
}

impl Source {
    /// Takes a file's bytes. `name` is what messages call it, usually a path relative to the workspace folder.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let line_starts = std::iter::once(0)
            .chain(
                bytes
                    .iter()
                    .enumerate()
                    .filter(|(_, b)| **b == b'\n')
                    .map(|(i, _)| i + 1),
            )
            .collect();
        Self {
            name: name.into(),
            bytes,
            line_starts,
        }
    }

    /// The name given to [`Source::new`].
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole content.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole content as text; bytes that are not UTF-8 become replacement characters.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The bytes under `span`; what lies outside the file is left out.
    #[must_use]
    pub fn slice(&self, span: Span) -> &[u8] {
        let end = span.end.min(self.bytes.len());
        &self.bytes[span.start.min(end)..end]
    }

    /// The text under `span`, with replacement characters for bytes that are not UTF-8.
    #[must_use]
    pub fn snippet(&self, span: Span) -> String {
        String::from_utf8_lossy(self.slice(span)).into_owned()
    }

    /// How many lines there are. A final newline ends the last line and begins no other; an empty file has one line.
    #[must_use]
    pub fn line_count(&self) -> usize {
        let n = self.line_starts.len();
        if n > 1 && self.line_starts[n - 1] == self.bytes.len() {
            n - 1
        } else {
            n
        }
    }

    /// Line and column of a byte. An offset past the end is the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.bytes.len());
        let line = self.line_starts.partition_point(|s| *s <= offset) - 1;
        let before = &self.bytes[self.line_starts[line]..offset];
        Position {
            line: line + 1,
            column: String::from_utf8_lossy(before).chars().count() + 1,
        }
    }

    /// The bytes of line `line` (from 1), its line ending included; empty where there is no such line.
    #[must_use]
    pub fn line_span(&self, line: usize) -> Span {
        if line == 0 || line > self.line_starts.len() {
            return Span::at(self.bytes.len());
        }
        let end = self
            .line_starts
            .get(line)
            .copied()
            .unwrap_or(self.bytes.len());
        Span::new(self.line_starts[line - 1], end)
    }

    /// The text of line `line` (from 1) without its line ending.
    #[must_use]
    pub fn line(&self, line: usize) -> String {
        let text = self.snippet(self.line_span(line));
        text.trim_end_matches(['\n', '\r']).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let s = Source::new("Dockerfile", "FROM é x\nRUN".as_bytes());
        assert_eq!(s.position(0), Position { line: 1, column: 1 });
        assert_eq!(s.position(8), Position { line: 1, column: 8 });
        assert_eq!(s.position(10), Position { line: 2, column: 1 });
        assert_eq!(s.position(999), Position { line: 2, column: 4 });
    }

    #[test]
    fn lines_keep_no_ending() {
        let s = Source::new("f", "a\r\nb\n".as_bytes());
        assert_eq!(
            (s.line(1).as_str(), s.line(2).as_str(), s.line(3).as_str()),
            ("a", "b", "")
        );
        assert_eq!(s.line_count(), 2);
        assert_eq!(Source::new("f", &b""[..]).line_count(), 1);
    }

    #[test]
    fn a_span_outside_the_file_is_empty() {
        let s = Source::new("f", &b"abc"[..]);
        assert_eq!(s.slice(Span::new(2, 90)), b"c");
        assert_eq!(s.slice(Span::new(7, 90)), b"");
    }
}
