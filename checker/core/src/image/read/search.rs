//! Many byte strings at once, searched for in bytes that come in pieces.

use aho_corasick::{AhoCorasick, packed};

/// Byte strings to search for.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns {
    all: Vec<Vec<u8>>,
    engine: Engine,
}

#[derive(Debug, Clone, Default)]
enum Engine {
    #[default]
    Nothing,
    /// Vector instructions: several times as fast, for a moderate number of patterns on processors that have them.
    Packed(Box<packed::Searcher>),
    Automaton(AhoCorasick),
    /// One after the other: what is left where no automaton of so many patterns can be made.
    Each,
}

impl Patterns {
    /// Prepares a search. Empty patterns are never found.
    pub(super) fn new(all: Vec<Vec<u8>>) -> Self {
        let engine = if all.iter().all(Vec::is_empty) {
            Engine::Nothing
        } else if let Some(searcher) = packed::Searcher::new(&all) {
            Engine::Packed(Box::new(searcher))
        } else {
            AhoCorasick::new(&all).map_or(Engine::Each, Engine::Automaton)
        };
        Self { all, engine }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Bytes of the longest.
    pub(super) fn longest(&self) -> usize {
        self.all.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Calls `found` with the index of each pattern at each place where it is, those that overlap included.
    pub(super) fn each(&self, bytes: &[u8], mut found: impl FnMut(usize)) {
        match &self.engine {
            Engine::Nothing => {}
            Engine::Packed(searcher) => {
                let mut rest = bytes;
                while let Some(hit) = searcher.find(rest) {
                    // The searcher gives one pattern for each place, and there may be more.
                    let here = &rest[hit.start()..];
                    for (index, pattern) in self.all.iter().enumerate() {
                        if here.starts_with(pattern) {
                            found(index);
                        }
                    }
                    rest = &here[1..];
                }
            }
            Engine::Automaton(automaton) => {
                for hit in automaton.find_overlapping_iter(bytes) {
                    found(hit.pattern().as_usize());
                }
            }
            Engine::Each => {
                for (index, pattern) in self.all.iter().enumerate() {
                    if memchr::memmem::find(bytes, pattern).is_some() {
                        found(index);
                    }
                }
            }
        }
    }
}

/// The end of what has passed, so that nothing is missed where one piece ends and the next begins.
#[derive(Debug)]
pub(super) struct Tail {
    keep: usize,
    bytes: Vec<u8>,
}

impl Tail {
    /// For patterns of at most `longest` bytes.
    pub(super) fn new(longest: usize) -> Self {
        Self {
            keep: longest.saturating_sub(1),
            bytes: Vec::new(),
        }
    }

    /// Gives the seam between the last piece and this one, and then this one. No match of the longest pattern is given
    /// twice; shorter ones may be.
    pub(super) fn each(&mut self, piece: &[u8], mut look: impl FnMut(&[u8])) {
        if !self.bytes.is_empty() {
            let seam = self.bytes.len();
            self.bytes
                .extend_from_slice(&piece[..piece.len().min(self.keep)]);
            look(&self.bytes);
            self.bytes.truncate(seam);
        }
        look(piece);
        if piece.len() >= self.keep {
            self.bytes.clear();
            self.bytes
                .extend_from_slice(&piece[piece.len() - self.keep..]);
        } else {
            self.bytes.extend_from_slice(piece);
            let excess = self.bytes.len().saturating_sub(self.keep);
            self.bytes.drain(..excess);
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(patterns: &[&str], text: &str) -> Vec<usize> {
        let patterns = Patterns::new(patterns.iter().map(|p| p.as_bytes().to_vec()).collect());
        let mut out = Vec::new();
        patterns.each(text.as_bytes(), |i| out.push(i));
        out.sort_unstable();
        out.dedup();
        out
    }

    #[test]
    fn patterns_that_overlap_or_begin_alike_are_all_found() {
        let text = format!("{}abcdefgh{}", "x".repeat(70), "y".repeat(70));
        assert_eq!(found(&["abcd", "cdefgh", "abcdef", "zz"], &text), [0, 1, 2]);
        assert_eq!(
            found(&["abcd", "cdef"], "abcdef"),
            [0, 1],
            "short texts too"
        );
        assert!(found(&[], "abc").is_empty());
    }

    #[test]
    fn many_patterns_are_found_too() {
        let many: Vec<String> = (0..500).map(|i| format!("needle-{i:04}-end")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = format!("{}{}{}", "x".repeat(100), many[321], many[322]);
        assert_eq!(found(&many, &text), [321, 322]);
    }
}
