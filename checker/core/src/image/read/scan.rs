//! What a file's content shows while it streams by, in memory that does not grow with the file.

use std::sync::OnceLock;

use super::super::keep::{self, Keep};
use super::super::shell::{SIGNATURES, Signature};
use super::super::tree::{FileFacts, Shell};
use super::elf;
use super::gzipped::Gzipped;
use super::needles::{Needles, Search};
use super::search::{Patterns, Tail};

/// Linux reads this much of a `#!` line.
const SHEBANG: usize = 256;

/// Looks at one file after the other.
#[derive(Debug)]
pub(super) struct Scanner<'n> {
    keep: Keep,
    /// The file's first bytes, up to what a `#!` line can have.
    head: Vec<u8>,
    is_elf: bool,
    elf: elf::Collector,
    shells: ShellSearch,
    content: Vec<u8>,
    certificates: (Tail, usize),
    needles: Search<'n>,
    gzipped: Gzipped<'n>,
    searching: bool,
}

impl<'n> Scanner<'n> {
    pub(super) fn new(needles: &'n Needles) -> Self {
        Self {
            keep: Keep::Nothing,
            head: Vec::new(),
            is_elf: false,
            elf: elf::Collector::default(),
            shells: ShellSearch::new(),
            content: Vec::new(),
            certificates: (Tail::new(keep::CERTIFICATE.len()), 0),
            needles: Search::new(needles),
            gzipped: Gzipped::new(needles),
            searching: !needles.is_empty(),
        }
    }

    /// Begins a file: `start` is its first bytes (four at least, where it has so many), which come again with
    /// [`Scanner::push`].
    pub(super) fn begin(&mut self, path: &str, size: u64, start: &[u8]) {
        self.keep = match Keep::of(path) {
            Keep::Whole | Keep::Package if size > keep::CONTENT_LIMIT => Keep::Nothing,
            keep => keep,
        };
        self.gzipped.begin(start);
        self.head.clear();
        self.content.clear();
        self.certificates.0.clear();
        self.certificates.1 = 0;
        self.is_elf = start.starts_with(b"\x7fELF");
        if self.is_elf {
            self.elf.begin(size);
            self.shells.clear();
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.searching {
            self.needles.push(bytes);
            self.gzipped.push(bytes);
        }
        if self.is_elf {
            self.elf.push(bytes);
            self.shells.push(bytes);
        } else if self.head.len() < SHEBANG {
            let room = SHEBANG - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        match self.keep {
            Keep::Nothing => {}
            Keep::Whole | Keep::Package => self.content.extend_from_slice(bytes),
            Keep::Certificates => {
                let (tail, count) = &mut self.certificates;
                tail.each(bytes, |part| {
                    *count += memchr::memmem::find_iter(part, keep::CERTIFICATE).count();
                });
            }
        }
    }

    /// Ends the file: its facts, and the needles found in it.
    pub(super) fn finish(&mut self) -> (FileFacts, Vec<usize>) {
        let mut facts = FileFacts::default();
        if self.is_elf {
            facts.elf = self.elf.finish();
            facts.shell = self.shells.verdict();
        } else if let Some(line) = self.head.strip_prefix(b"#!") {
            let line = line.split(|b| *b == b'\n').next().unwrap_or_default();
            facts.interpreter = Some(String::from_utf8_lossy(line).trim().to_owned());
        }
        match self.keep {
            Keep::Nothing => {}
            Keep::Whole => facts.content = Some(std::mem::take(&mut self.content)),
            Keep::Package => facts.content = keep::package(&self.content),
            Keep::Certificates => facts.certificates = self.certificates.1,
        }
        let mut found = self.needles.take();
        found.extend(self.gzipped.finish());
        (facts, found)
    }

    /// The needles in some bytes that are no file's content, such as a name.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Vec<usize> {
        if !self.searching {
            return Vec::new();
        }
        self.needles.push(bytes);
        self.needles.take()
    }
}

/// Looks for the strings of [`SIGNATURES`] in a program.
#[derive(Debug)]
struct ShellSearch {
    tail: Tail,
    seen: Vec<bool>,
    left: usize,
}

struct ShellStrings {
    patterns: Patterns,
    /// For each signature, the patterns that must be there.
    wanted: Vec<Vec<usize>>,
}

fn shell_strings() -> &'static ShellStrings {
    static STRINGS: OnceLock<ShellStrings> = OnceLock::new();
    STRINGS.get_or_init(|| {
        let mut all: Vec<Vec<u8>> = SIGNATURES.iter().flat_map(Signature::strings).collect();
        all.sort_unstable();
        all.dedup();
        let place = |string: Vec<u8>| all.partition_point(|known| *known < string);
        let wanted = SIGNATURES.iter().map(|s| s.strings().map(place).collect());
        ShellStrings {
            wanted: wanted.collect(),
            patterns: Patterns::new(all),
        }
    })
}

impl ShellSearch {
    fn new() -> Self {
        let patterns = &shell_strings().patterns;
        Self {
            tail: Tail::new(patterns.longest()),
            seen: vec![false; patterns.len()],
            left: patterns.len(),
        }
    }

    fn clear(&mut self) {
        self.tail.clear();
        self.seen.fill(false);
        self.left = self.seen.len();
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.left == 0 {
            return;
        }
        let (seen, left) = (&mut self.seen, &mut self.left);
        self.tail.each(bytes, |part| {
            shell_strings().patterns.each(part, |pattern| {
                *left -= usize::from(!seen[pattern]);
                seen[pattern] = true;
            });
        });
    }

    fn verdict(&self) -> Option<Shell> {
        let has_all = |wanted: &Vec<usize>| wanted.iter().all(|&pattern| self.seen[pattern]);
        let found = shell_strings().wanted.iter().position(has_all)?;
        Some(SIGNATURES[found].shell())
    }
}
