//! JSON arrays of strings as exec forms write them, with the place of every string.

use std::ops::Range;

use super::text::{Text, first_char, leading_space};
use super::tree::Word;

/// What a text that may be a JSON array is.
#[derive(Debug)]
pub(crate) enum Array {
    /// Not valid JSON, or no array: the engine takes the text as shell form.
    No,
    /// An array that holds something that is no string: the engine refuses it.
    NotStrings(Range<usize>),
    /// An array of strings.
    Strings(Range<usize>, Vec<Word>),
}

/// How deep arrays and objects may be nested, as in the engine's JSON reader.
const MAX_DEPTH: usize = 10_000;

/// Reads `range` of `text` as a JSON array.
pub(crate) fn array(text: &Text, range: Range<usize>) -> Array {
    let start = range.start + leading_space(&text.bytes()[range.clone()]);
    let mut reader = Reader {
        text,
        bytes: &text.bytes()[..range.end],
        at: start,
    };
    if reader.peek() != Some(b'[') {
        return Array::No;
    }
    reader.outer().unwrap_or(Array::No)
}

struct Reader<'a> {
    text: &'a Text,
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, b: u8) -> Option<()> {
        (self.peek() == Some(b)).then(|| self.at += 1)
    }

    fn outer(&mut self) -> Option<Array> {
        let start = self.at;
        let mut strings = Vec::new();
        let mut other = None;
        self.eat(b'[')?;
        self.space();
        if self.eat(b']').is_none() {
            loop {
                self.space();
                let from = self.at;
                match self.peek()? {
                    b'"' => {
                        let text = self.string()?;
                        strings.push(Word {
                            span: self.text.span(from..self.at),
                            text,
                        });
                    }
                    _ => {
                        self.value()?;
                        other.get_or_insert(from..self.at);
                    }
                }
                self.space();
                if self.eat(b',').is_none() {
                    self.eat(b']')?;
                    break;
                }
            }
        }
        let end = self.at;
        self.space();
        if self.at != self.bytes.len() {
            return None;
        }
        Some(match other {
            Some(range) => Array::NotStrings(range),
            None => Array::Strings(start..end, strings),
        })
    }

    /// Reads any value without recursion, so that no nesting can exhaust the stack.
    fn value(&mut self) -> Option<()> {
        let mut open = vec![];
        loop {
            self.space();
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'[' => {
                    self.at += 1;
                    open.push(b']');
                    if open.len() >= MAX_DEPTH {
                        return None;
                    }
                    self.space();
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                b'{' => {
                    self.at += 1;
                    open.push(b'}');
                    if open.len() >= MAX_DEPTH {
                        return None;
                    }
                    self.space();
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => self.number()?,
            }
            loop {
                let Some(&close) = open.last() else {
                    return Some(());
                };
                self.space();
                if self.eat(close).is_some() {
                    open.pop();
                    continue;
                }
                self.eat(b',')?;
                if close == b'}' {
                    self.space();
                    self.key()?;
                }
                break;
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        if self.peek() != Some(b'"') {
            return None;
        }
        self.string()?;
        self.space();
        self.eat(b':')
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..]
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let from = self.at;
        let _ = self.eat(b'-');
        if self.eat(b'0').is_none() {
            self.digits()?;
        }
        if self.eat(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = std::str::from_utf8(&self.bytes[from..self.at]).ok()?;
        text.parse::<f64>().ok()?.is_finite().then_some(())
    }

    fn string(&mut self) -> Option<String> {
        let mut out = String::new();
        self.eat(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(out);
                }
                b'\\' => {
                    self.at += 1;
                    let c = self.escape()?;
                    out.push(c);
                }
                0..=0x1F => return None,
                _ => {
                    let (c, width) = first_char(&self.bytes[self.at..]);
                    out.push(c);
                    self.at += width;
                }
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let b = self.peek()?;
        self.at += 1;
        Some(match b {
            b'"' | b'\\' | b'/' => char::from(b),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex()?;
                if (0xD800..0xDC00).contains(&high) && self.bytes[self.at..].starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xDC00..0xE000).contains(&low) {
                        let c = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                        return Some(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = back;
                }
                char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }
}
