//! Where a fix puts its text: whole lines before, after and in the place of instructions, with the file's own line
//! endings.

use crate::diagnostic::Fix;
use crate::source::{Source, Span};

/// The file's line ending.
pub(crate) fn line_ending(source: &Source) -> &'static str {
    let first = source.bytes().iter().position(|b| *b == b'\n');
    match first {
        Some(i) if i > 0 && source.bytes()[i - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

/// The first byte of the line that holds `offset`.
pub(crate) fn line_start(source: &Source, offset: usize) -> usize {
    let before = &source.bytes()[..offset.min(source.bytes().len())];
    before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |i| i + 1)
}

/// The first byte of the line after the one that holds `offset`, or the file's end.
pub(crate) fn next_line(source: &Source, offset: usize) -> usize {
    let bytes = source.bytes();
    let from = offset.min(bytes.len());
    bytes[from..]
        .iter()
        .position(|b| *b == b'\n')
        .map_or(bytes.len(), |i| from + i + 1)
}

/// A [`Fix`] of one file under construction.
pub(crate) struct Edits<'a> {
    source: &'a Source,
    file: &'a str,
    fix: Fix,
}

impl<'a> Edits<'a> {
    /// A fix of `source`, which is known as `file`.
    pub(crate) fn new(title: impl Into<String>, file: &'a str, source: &'a Source) -> Self {
        Self {
            source,
            file,
            fix: Fix::new(title),
        }
    }

    /// Puts `text` in the place of `span`.
    pub(crate) fn replace(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix = self.fix.replace(self.file, span, text);
        self
    }

    /// Puts `text` at `offset`.
    pub(crate) fn insert(self, offset: usize, text: impl Into<String>) -> Self {
        self.replace(Span::at(offset), text)
    }

    /// Puts whole lines before the line on which `span` begins.
    pub(crate) fn lines_before<S: AsRef<str>>(self, span: Span, lines: &[S]) -> Self {
        let at = line_start(self.source, span.start);
        let text = self.joined(lines);
        self.insert(at, text)
    }

    /// Puts whole lines after the line on which `span` ends.
    pub(crate) fn lines_after<S: AsRef<str>>(self, span: Span, lines: &[S]) -> Self {
        let at = next_line(self.source, span.end.saturating_sub(1).max(span.start));
        let mut text = self.joined(lines);
        let ends_open = at > 0 && self.source.bytes().get(at - 1) != Some(&b'\n');
        if ends_open {
            let eol = line_ending(self.source);
            text = format!("{eol}{}", text.trim_end_matches(['\r', '\n']));
        }
        self.insert(at, text)
    }

    /// Takes away the lines that `span` is on, line ending included.
    pub(crate) fn remove_lines(self, span: Span) -> Self {
        let start = line_start(self.source, span.start);
        let end = next_line(self.source, span.end.saturating_sub(1).max(span.start));
        self.replace(Span::new(start, end), "")
    }

    /// The fix.
    pub(crate) fn done(self) -> Fix {
        self.fix
    }

    fn joined<S: AsRef<str>>(&self, lines: &[S]) -> String {
        let eol = line_ending(self.source);
        lines.iter().fold(String::new(), |mut out, line| {
            out.push_str(line.as_ref());
            out.push_str(eol);
            out
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Files;

    fn applied(text: &str, edit: impl Fn(Edits<'_>) -> Edits<'_>) -> String {
        let source = Source::new("f", text.as_bytes());
        let fix = edit(Edits::new("t", "f", &source)).done();
        let files = Files::from([("f".to_owned(), source)]);
        fix.apply(&files).unwrap()["f"].text()
    }

    #[test]
    fn lines_go_before_and_after() {
        let span = Span::new(2, 3);
        assert_eq!(
            applied("a\nb\nc\n", |e| e.lines_before(span, &["x"])),
            "a\nx\nb\nc\n"
        );
        assert_eq!(
            applied("a\nb\nc\n", |e| e.lines_after(span, &["x"])),
            "a\nb\nx\nc\n"
        );
        assert_eq!(applied("a\nb\nc\n", |e| e.remove_lines(span)), "a\nc\n");
    }

    #[test]
    fn a_file_without_a_final_newline_stays_so() {
        let span = Span::new(2, 3);
        assert_eq!(
            applied("a\nb", |e| e.lines_after(span, &["x", "y"])),
            "a\nb\nx\ny"
        );
    }

    #[test]
    fn windows_line_endings_are_kept() {
        let span = Span::new(3, 4);
        assert_eq!(
            applied("a\r\nb\r\n", |e| e.lines_before(span, &["x"])),
            "a\r\nx\r\nb\r\n"
        );
    }
}
