//! Values that must not be in an image, searched for in every spelling that hides nothing.

use sha2::{Digest, Sha256};

use super::search::{Patterns, Tail};
use super::stream::digest;

/// Shorter pieces of an encoded value would be found by chance.
const SHORTEST: usize = 6;

/// Encoders break their lines: base64 after 76 characters, OpenSSL after 64, `xxd -p` after 60.
const LINE: usize = 60;

/// Shorter pieces of a line would be found by chance, in as many bytes as an image has.
const SHORTEST_PIECE: usize = 16;

/// Values to search for: secrets, or the canaries that stand for them.
///
/// Each is found as it is, in hexadecimal of either case, percent-encoded, and in base64 (standard and URL-safe, at
/// each of the three alignments it can have inside a longer text), with line breaks inside too where the value is long
/// enough. In a gzip-compressed file it is found as well.
#[derive(Debug, Clone, Default)]
pub struct Needles {
    values: Vec<Vec<u8>>,
    patterns: Patterns,
    /// Which value each pattern is a spelling of.
    owners: Vec<usize>,
    key: String,
}

impl Needles {
    /// Prepares a search. A value's index is its place here; an empty value is never found.
    #[must_use]
    pub fn new<T: AsRef<[u8]>>(values: impl IntoIterator<Item = T>) -> Self {
        let values: Vec<Vec<u8>> = values.into_iter().map(|v| v.as_ref().to_vec()).collect();
        let mut patterns = Vec::new();
        let mut owners = Vec::new();
        for (index, value) in values.iter().enumerate() {
            for pattern in spellings(value) {
                patterns.push(pattern);
                owners.push(index);
            }
        }
        let mut hash = Sha256::new();
        for value in &values {
            hash.update((value.len() as u64).to_le_bytes());
            hash.update(value);
        }
        Self {
            values,
            patterns: Patterns::new(patterns),
            owners,
            key: digest(hash),
        }
    }

    /// Whether there is nothing to search for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// A digest of the values: facts found with other values are not facts about these.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Indexes of the values that occur in `bytes`, each once.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Vec<usize> {
        let mut search = Search::new(self);
        search.push(bytes);
        search.take()
    }
}

impl PartialEq for Needles {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

/// A search through bytes that come in pieces.
#[derive(Debug)]
pub(super) struct Search<'n> {
    needles: &'n Needles,
    tail: Tail,
    found: Vec<usize>,
}

impl<'n> Search<'n> {
    pub(super) fn new(needles: &'n Needles) -> Self {
        Self {
            needles,
            tail: Tail::new(needles.patterns.longest()),
            found: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (needles, found) = (self.needles, &mut self.found);
        self.tail.each(bytes, |part| {
            needles.patterns.each(part, |pattern| {
                let owner = needles.owners[pattern];
                if !found.contains(&owner) {
                    found.push(owner);
                }
            });
        });
    }

    /// What was found since the last time, and a fresh start.
    pub(super) fn take(&mut self) -> Vec<usize> {
        self.tail.clear();
        let mut found = std::mem::take(&mut self.found);
        found.sort_unstable();
        found
    }
}

/// Every spelling of a value, each once.
fn spellings(value: &[u8]) -> Vec<Vec<u8>> {
    if value.is_empty() {
        return Vec::new();
    }
    let mut out = vec![value.to_vec()];
    let hex = |upper: bool| -> Vec<u8> {
        let digits: &[u8; 16] = if upper {
            b"0123456789ABCDEF"
        } else {
            b"0123456789abcdef"
        };
        value
            .iter()
            .flat_map(|b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]])
            .collect()
    };
    let mut derived = vec![percent_encoded(value)];
    derived.extend([hex(false), hex(true)].iter().flat_map(|h| pieces(h)));
    for alignment in 0..3 {
        for alphabet in [STANDARD, URL_SAFE] {
            derived.extend(pieces(&base64_inside(value, alignment, alphabet)));
        }
    }
    for pattern in derived {
        if pattern.len() >= SHORTEST && !out.contains(&pattern) {
            out.push(pattern);
        }
    }
    out
}

/// An encoded value in as many pieces as make sure that one is whole, however its lines are broken; in one piece where
/// those would be too short.
fn pieces(encoded: &[u8]) -> Vec<Vec<u8>> {
    let breaks = encoded.len().saturating_sub(1).div_ceil(LINE);
    let length = encoded.len() / (breaks + 1);
    if breaks == 0 || length < SHORTEST_PIECE {
        return vec![encoded.to_vec()];
    }
    let start = |i: usize| i * encoded.len() / (breaks + 1);
    (0..=breaks)
        .map(|i| encoded[start(i)..start(i + 1)].to_vec())
        .collect()
}

fn percent_encoded(value: &[u8]) -> Vec<u8> {
    value
        .iter()
        .flat_map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(b) {
                vec![*b]
            } else {
                format!("%{b:02X}").into_bytes()
            }
        })
        .collect()
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The characters of base64 that only `value` decides when `alignment` bytes of its first group come before it and
/// anything follows.
fn base64_inside(value: &[u8], alignment: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bit = |i: usize| -> u8 {
        let i = i - alignment * 8;
        (value[i / 8] >> (7 - i % 8)) & 1
    };
    let first = (alignment * 8).div_ceil(6);
    let end = (alignment + value.len()) * 8 / 6;
    (first..end)
        .map(|c| {
            let index = (c * 6..c * 6 + 6).fold(0, |n, i| n << 1 | bit(i));
            alphabet[usize::from(index)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "mslab-canary-7f3a9c?/";

    #[test]
    fn every_spelling_is_found() {
        let needles = Needles::new(["another-value", VALUE]);
        for text in [
            format!("token={VALUE};"),
            // Made with coreutils' base64 from "", "x" and "xy" before the value and "tail" after it.
            "bXNsYWItY2FuYXJ5LTdmM2E5Yz8vdGFpbA==".to_owned(),
            "eG1zbGFiLWNhbmFyeS03ZjNhOWM/L3RhaWw=".to_owned(),
            "eHltc2xhYi1jYW5hcnktN2YzYTljPy90YWls".to_owned(),
            "eG1zbGFiLWNhbmFyeS03ZjNhOWM_L3RhaWw".to_owned(),
            "6d736c61622d63616e6172792d3766336139633f2f".to_owned(),
            "6D736C61622D63616E6172792D3766336139633F2F".to_owned(),
            "q=mslab-canary-7f3a9c%3F%2F".to_owned(),
        ] {
            assert_eq!(needles.find(text.as_bytes()), [1], "{text}");
        }
        assert!(needles.find(b"mslab-canary-7f3a9d?/").is_empty());
    }

    #[test]
    fn broken_lines_hide_nothing() {
        const CANARY: &str = "mslab-canary-0123456789abcdef0123456789abcdef";
        let needles = Needles::new([CANARY]);
        let wrapped = |text: &[u8], width: usize| {
            let lines: Vec<&[u8]> = text.chunks(width).collect();
            lines.join(&b'\n')
        };
        let hex: String = CANARY.bytes().map(|b| format!("{b:02x}")).collect();
        for before in 0..80 {
            let text = format!("{}{CANARY} and more", "x".repeat(before));
            let encoded = base64_inside(text.as_bytes(), 0, STANDARD);
            for width in [60, 64, 76] {
                assert_eq!(
                    needles.find(&wrapped(&encoded, width)),
                    [0],
                    "{before} {width}"
                );
                let hex = format!("{}{hex}00", "aa".repeat(before));
                assert_eq!(
                    needles.find(&wrapped(hex.as_bytes(), width)),
                    [0],
                    "{before} {width}"
                );
            }
        }
        let other = "mslab-canary-fedcba9876543210fedcba9876543210";
        let encoded = base64_inside(other.as_bytes(), 0, STANDARD);
        assert!(needles.find(&encoded).is_empty());
    }

    #[test]
    fn seams_hide_nothing() {
        let needles = Needles::new([VALUE]);
        let text = format!("{}{VALUE}{}", "a".repeat(40), "b".repeat(40));
        for size in 1..text.len() {
            let mut search = Search::new(&needles);
            for piece in text.as_bytes().chunks(size) {
                search.push(piece);
            }
            assert_eq!(search.take(), [0], "pieces of {size} bytes");
        }
    }

    #[test]
    fn one_search_does_not_remember_the_last() {
        let needles = Needles::new([VALUE]);
        let (a, b) = VALUE.split_at(9);
        let mut search = Search::new(&needles);
        search.push(a.as_bytes());
        assert!(search.take().is_empty());
        search.push(b.as_bytes());
        assert!(search.take().is_empty());
    }

    #[test]
    fn nothing_is_found_of_nothing() {
        assert!(Needles::new(["", ""]).is_empty());
        assert!(Needles::default().find(b"anything").is_empty());
        assert_ne!(Needles::new(["ab"]).key(), Needles::new(["a", "b"]).key());
    }
}
