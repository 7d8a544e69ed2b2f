//! Text put together from pieces of a file, which knows where each of its bytes came from.

use std::ops::Range;

use super::tree::Word;
use crate::source::Span;

/// Bytes gathered from a file: a logical line whose continuations are gone, or a flag whose quotes are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text {
    bytes: Vec<u8>,
    /// Where each unbroken piece begins, here and in the file.
    runs: Vec<Run>,
    /// A place in the file for texts that hold no byte.
    anchor: usize,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    at: usize,
    from: usize,
}

impl Text {
    /// An empty text that stands at `anchor` in the file.
    pub(crate) fn at(anchor: usize) -> Self {
        Self {
            anchor,
            ..Self::default()
        }
    }

    /// Appends bytes that stand at `from` in the file.
    pub(crate) fn push(&mut self, from: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let at = self.bytes.len();
        let goes_on = self
            .runs
            .last()
            .is_some_and(|r| r.from + (at - r.at) == from);
        if !goes_on {
            self.runs.push(Run { at, from });
        }
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Where byte `i` stands in the file. One past the end is one past the last byte's place.
    pub(crate) fn offset(&self, i: usize) -> usize {
        if i >= self.bytes.len() {
            return match self.bytes.len() {
                0 => self.anchor,
                n => self.place(n - 1) + 1,
            };
        }
        self.place(i)
    }

    fn place(&self, i: usize) -> usize {
        let run = self.runs[self.runs.partition_point(|r| r.at <= i) - 1];
        run.from + (i - run.at)
    }

    /// The file's bytes from the first to the last byte of `range`.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        if range.is_empty() {
            return Span::at(self.offset(range.start));
        }
        Span::new(self.offset(range.start), self.offset(range.end - 1) + 1)
    }

    /// The whole text's place.
    pub(crate) fn whole(&self) -> Span {
        self.span(0..self.len())
    }

    /// A word of this text.
    pub(crate) fn word(&self, range: Range<usize>) -> Word {
        Word {
            span: self.span(range.clone()),
            text: lossy(&self.bytes[range]),
        }
    }

    /// Part of this text that still knows its places.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let mut part = Self::at(self.offset(range.start));
        if range.is_empty() {
            return part;
        }
        let first = self.runs.partition_point(|r| r.at <= range.start) - 1;
        for (k, run) in self.runs[first..].iter().enumerate() {
            if run.at >= range.end {
                break;
            }
            let end = self
                .runs
                .get(first + k + 1)
                .map_or(self.bytes.len(), |next| next.at)
                .min(range.end);
            let start = run.at.max(range.start);
            part.push(run.from + (start - run.at), &self.bytes[start..end]);
        }
        part
    }

    /// The pieces of the file that this text was made from.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Span> + '_ {
        self.runs.iter().enumerate().map(|(k, run)| {
            let end = self
                .runs
                .get(k + 1)
                .map_or(self.bytes.len(), |next| next.at);
            Span::new(run.from, run.from + (end - run.at))
        })
    }
}

/// Bytes as text, with replacement characters for what is not UTF-8.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first character of `bytes` and its length in bytes. A byte that is not UTF-8 reads as U+FFFD of length 1;
/// no bytes read as U+FFFD of length 0.
pub(crate) fn first_char(bytes: &[u8]) -> (char, usize) {
    let Some(&b) = bytes.first() else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if b.is_ascii() {
        return (char::from(b), 1);
    }
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(s) => s,
        Err(e) => std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default(),
    };
    valid
        .chars()
        .next()
        .map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8()))
}

/// How many bytes of Unicode white space `bytes` begin with.
pub(crate) fn leading_space(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        let (c, width) = first_char(&bytes[at..]);
        if !c.is_whitespace() {
            break;
        }
        at += width;
    }
    at
}

/// `range` of `bytes` without Unicode white space at its two ends.
pub(crate) fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let start = range.start + leading_space(&bytes[range.clone()]);
    let mut end = range.end;
    while end > start {
        let mut from = end - 1;
        while from > start && end - from < 4 && (bytes[from] & 0xC0) == 0x80 {
            from -= 1;
        }
        let (c, width) = first_char(&bytes[from..end]);
        if width != end - from || !c.is_whitespace() {
            break;
        }
        end = from;
    }
    start..end
}

/// White space as the engine splits words at it: neither a line feed nor any wide space.
pub(crate) fn is_blank(b: u8) -> bool {
    matches!(b, b'\t' | 0x0B | 0x0C | b'\r' | b' ')
}
