//! Physical lines into logical ones: comments, directives, continuations and line limits.

use super::text::{Text, leading_space};
use crate::source::Span;

/// The longest line that the engine reads, in bytes without its line feed.
pub(crate) const MAX_LINE: usize = 65_535;

/// One line of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// With its line ending.
    pub(crate) full: Span,
    /// Without line feeds and carriage returns at its end, and without a byte order mark.
    pub(crate) body: Span,
}

/// The lines of a file, one after the other, until one is too long for the engine.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The line at which reading stopped.
    pub(crate) too_long: Option<Span>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            too_long: None,
        }
    }

    /// Where the next line begins.
    pub(crate) fn next_start(&self) -> usize {
        self.at
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.at >= self.bytes.len() || self.too_long.is_some() {
            return None;
        }
        let rest = &self.bytes[self.at..];
        let (content, ending) = match rest.iter().position(|b| *b == b'\n') {
            Some(i) => (i, 1),
            None => (rest.len(), 0),
        };
        let full = Span::new(self.at, self.at + content + ending);
        if content > MAX_LINE {
            self.too_long = Some(full);
            return None;
        }
        let mut start = self.at;
        if start == 0 && rest.starts_with(BOM) {
            start = BOM.len();
        }
        let mut end = full.end;
        while end > start && matches!(self.bytes[end - 1], b'\n' | b'\r') {
            end -= 1;
        }
        self.at = full.end;
        Some(Line {
            full,
            body: Span::new(start, end),
        })
    }
}

/// UTF-8's byte order mark.
pub(crate) const BOM: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Whether a line is a comment: its first character that is no white space is `#`.
pub(crate) fn is_comment(line: &[u8]) -> bool {
    line.get(leading_space(line)) == Some(&b'#')
}

/// Where the escape character stands that continues `line`, if it ends so.
///
/// The escape character must be the last one but spaces and tabs, and must not follow another.
pub(crate) fn continuation(line: &[u8], escape: u8) -> Option<usize> {
    let end = line
        .iter()
        .rposition(|b| !matches!(b, b' ' | b'\t'))
        .map_or(0, |i| i + 1);
    let at = end.checked_sub(1)?;
    (line[at] == escape && (at == 0 || line[at - 1] != escape)).then_some(at)
}

/// An instruction's text with its continuations joined.
#[derive(Debug)]
pub(crate) struct Logical {
    /// The joined text; a line's leading white space is gone on the first line only.
    pub(crate) text: Text,
    /// From the first byte of the first line's body to the end of the last line's.
    pub(crate) span: Span,
    /// What the lines hold that is no part of the text, in order.
    pub(crate) asides: Vec<Aside>,
}

/// Bytes among an instruction's lines that are not its text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aside {
    /// An escape character, what blanks follow it, and the line ending.
    Continuation(Span),
    /// A comment line's text, without its line ending.
    Comment(Span),
}

/// Joins `first` with the lines that continue it.
pub(crate) fn logical(lines: &mut Lines<'_>, first: Line, escape: u8) -> Logical {
    let bytes = lines.bytes;
    let start = first.body.start + leading_space(&bytes[first.body.range()]);
    let mut text = Text::at(start);
    let mut asides = Vec::new();
    let mut end = first.body.end;
    let mut current = Line {
        full: first.full,
        body: Span::new(start, first.body.end),
    };
    loop {
        let body = &bytes[current.body.range()];
        let Some(cut) = continuation(body, escape) else {
            text.push(current.body.start, body);
            break;
        };
        text.push(current.body.start, &body[..cut]);
        asides.push(Aside::Continuation(Span::new(
            current.body.start + cut,
            current.full.end,
        )));
        let next = loop {
            let Some(line) = lines.next() else { break None };
            let body = &bytes[line.body.range()];
            if is_comment(body) {
                asides.push(Aside::Comment(line.body));
            } else if leading_space(body) != body.len() {
                break Some(line);
            }
            end = line.body.end;
        };
        match next {
            Some(line) => {
                end = line.body.end;
                current = line;
            }
            None => break,
        }
    }
    Logical {
        text,
        span: Span::new(start, end.max(start)),
        asides,
    }
}
