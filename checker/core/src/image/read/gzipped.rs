//! What is inside a gzip-compressed file, searched while the file streams by.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use super::needles::{Needles, Search};

/// What a file begins with that is gzip-compressed.
const MAGIC: &[u8] = b"\x1f\x8b\x08";

/// How much is unpacked over all files of a layer. Far more than people compress, and an end for a file that unpacks
/// without one.
const LIMIT: u64 = 1 << 30;

/// Looks for values in compressed files, one after the other.
#[derive(Debug)]
pub(super) struct Gzipped<'n> {
    needles: &'n Needles,
    /// The decoder of the file that streams by, where it is such a file and nothing went wrong yet.
    decoder: Option<MultiGzDecoder<Inside<'n>>>,
    found: Vec<usize>,
    left: u64,
}

impl<'n> Gzipped<'n> {
    pub(super) fn new(needles: &'n Needles) -> Self {
        Self {
            needles,
            decoder: None,
            found: Vec::new(),
            left: LIMIT,
        }
    }

    /// Begins a file; `start` is its first bytes, which come again with [`Gzipped::push`].
    pub(super) fn begin(&mut self, start: &[u8]) {
        let is_gzip = !self.needles.is_empty() && start.starts_with(MAGIC);
        self.decoder = is_gzip.then(|| {
            MultiGzDecoder::new(Inside {
                search: Search::new(self.needles),
                left: self.left,
            })
        });
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let Some(decoder) = &mut self.decoder
            && decoder.write_all(bytes).is_err()
        {
            // Damaged, or over: what came until then was looked at.
            self.end();
        }
    }

    /// Ends the file: the values that were found in it.
    pub(super) fn finish(&mut self) -> Vec<usize> {
        self.end();
        std::mem::take(&mut self.found)
    }

    fn end(&mut self) {
        if let Some(mut decoder) = self.decoder.take() {
            // A file that was cut off may still have something to give.
            let _ = decoder.try_finish();
            let inside = decoder.get_mut();
            self.left = inside.left;
            self.found.extend(inside.search.take());
        }
    }
}

/// What comes out of the decoder: it is searched, and forgotten.
#[derive(Debug)]
struct Inside<'n> {
    search: Search<'n>,
    left: u64,
}

impl Write for Inside<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| io::Error::other("more than is looked at"))?;
        self.search.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const VALUE: &str = "mslab-canary-7f3a9c01";

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn found(file: &[u8], piece: usize) -> Vec<usize> {
        let needles = Needles::new(["another", VALUE]);
        let mut search = Gzipped::new(&needles);
        search.begin(&file[..file.len().min(4)]);
        for piece in file.chunks(piece) {
            search.push(piece);
        }
        search.finish()
    }

    #[test]
    fn a_compressed_file_hides_nothing() {
        let file = packed(&format!("{}{VALUE}{}", "a b ".repeat(500), "c".repeat(90)));
        assert!(Needles::new([VALUE]).find(&file).is_empty());
        for piece in [1, 7, 4096] {
            assert_eq!(found(&file, piece), [1]);
        }
        let two = [packed("nothing"), packed(VALUE)].concat();
        assert_eq!(found(&two, 10), [1], "one after the other in one file");
        assert!(found(&packed("nothing"), 10).is_empty());
    }

    #[test]
    fn what_is_not_whole_is_searched_as_far_as_it_goes() {
        let mut file = packed(&format!("{VALUE}{}", "x".repeat(100)));
        file.truncate(file.len() - 6);
        assert_eq!(found(&file, 5), [1]);
        assert!(found(b"\x1f\x8b\x08\xff\xff\xff\xff", 3).is_empty());
        assert!(found(VALUE.as_bytes(), 3).is_empty(), "not compressed");
    }

    #[test]
    fn a_file_without_an_end_has_one() {
        let file = packed(&"x".repeat(1_000_000));
        let needles = Needles::new([VALUE]);
        let mut search = Gzipped::new(&needles);
        search.left = 1_000;
        search.begin(&file);
        search.push(&file);
        assert!(search.decoder.is_none());
        assert!(search.finish().is_empty());
    }
}
