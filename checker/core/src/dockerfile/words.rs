//! The engine's three ways of cutting an instruction's text into words.

use std::ops::Range;

use super::text::{Text, first_char, is_blank};
use super::tree::Word;

/// Splits `range` of `text` at runs of tabs, spaces and their like, as `FROM`, `EXPOSE`, `COPY` and others do.
///
/// Quotes mean nothing here. An empty range has no words.
pub(crate) fn blank_separated(text: &Text, range: Range<usize>) -> Vec<Range<usize>> {
    let bytes = text.bytes();
    let mut words = Vec::new();
    let mut start = range.start;
    let mut at = range.start;
    if range.is_empty() {
        return words;
    }
    while at < range.end {
        if is_blank(bytes[at]) {
            words.push(start..at);
            while at < range.end && is_blank(bytes[at]) {
                at += 1;
            }
            start = at;
        } else {
            at += 1;
        }
    }
    words.push(start..range.end);
    words
}

/// A word that may hold quotes, and whose last byte may be an escape character that counts for nothing.
#[derive(Debug, Clone)]
pub(crate) struct QuotedWord {
    /// Where it is, in the text.
    pub(crate) range: Range<usize>,
    /// What of it counts.
    pub(crate) kept: Range<usize>,
}

/// Splits `range` of `text` as `ENV`, `LABEL` and `ARG` do: white space inside quotes or after the escape character
/// does not separate, and quotes stay in the word.
pub(crate) fn quoted(text: &Text, range: Range<usize>, escape: char) -> Vec<QuotedWord> {
    let bytes = &text.bytes()[..range.end];
    let mut words = Vec::new();
    let mut at = range.start;
    while at < bytes.len() {
        let (c, width) = first_char(&bytes[at..]);
        if c.is_whitespace() {
            at += width;
            continue;
        }
        let start = at;
        let mut quote = None;
        let mut kept_end = bytes.len();
        let mut end = bytes.len();
        while at < bytes.len() {
            let (c, width) = first_char(&bytes[at..]);
            if quote.is_none() && c.is_whitespace() {
                kept_end = at;
                end = at;
                break;
            }
            let is_escape = c == escape && quote != Some('\'');
            match quote {
                None if c == '\'' || c == '"' => quote = Some(c),
                Some(q) if c == q => quote = None,
                _ => {}
            }
            at += width;
            if is_escape {
                if at == bytes.len() {
                    kept_end = at - width;
                } else {
                    at += first_char(&bytes[at..]).1;
                }
            }
        }
        if kept_end > start {
            words.push(QuotedWord {
                range: start..end,
                kept: start..kept_end,
            });
        }
    }
    words
}

/// The instruction's builder flags (`--name[=value]`, quotes and backslashes taken away) and where the rest begins.
///
/// The engine reads this part byte by byte, as if it were Latin-1; so does this. Returns no rest where the flags
/// reach the end.
pub(crate) fn flags(text: &Text, range: Range<usize>) -> (Vec<(Range<usize>, Text)>, Range<usize>) {
    let bytes = text.bytes();
    let end = range.end;
    let mut found = Vec::new();
    let mut at = range.start;
    loop {
        while at < end && is_latin1_space(bytes[at]) {
            at += 1;
        }
        if at >= end {
            return (found, end..end);
        }
        if !bytes[at..end].starts_with(b"--") {
            return (found, at..end);
        }
        let start = at;
        let mut word = Text::at(text.offset(start));
        let mut quote = None;
        while at < end {
            let b = bytes[at];
            if quote.is_none() && is_latin1_space(b) {
                break;
            }
            if quote == Some(b) {
                quote = None;
            } else if quote.is_none() && matches!(b, b'\'' | b'"') {
                quote = Some(b);
            } else if b == b'\\' {
                if at + 1 < end {
                    at += 1;
                    push_latin1(&mut word, text.offset(at), bytes[at]);
                }
            } else {
                push_latin1(&mut word, text.offset(at), b);
            }
            at += 1;
        }
        if word.bytes() == b"--" {
            return (found, at..end);
        }
        found.push((start..at, word));
    }
}

fn push_latin1(word: &mut Text, from: usize, b: u8) {
    let mut buffer = [0; 2];
    for b in char::from(b).encode_utf8(&mut buffer).bytes() {
        word.push(from, &[b]);
    }
}

fn is_latin1_space(b: u8) -> bool {
    char::from(b).is_whitespace()
}

/// `word` without white space at its ends.
pub(crate) fn trim(word: &Word) -> Word {
    let text = word.text.trim();
    let before = word.text.len() - word.text.trim_start().len();
    let after = word.text.len() - word.text.trim_end().len();
    let mut span = word.span;
    if span.len() == word.text.len() && before + after <= span.len() {
        span = crate::source::Span::new(span.start + before, span.end - after);
    }
    Word {
        span,
        text: text.to_owned(),
    }
}
