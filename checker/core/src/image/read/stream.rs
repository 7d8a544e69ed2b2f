//! Bytes on their way: buffered, counted, hashed, and stopped at a limit.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::error::ReadError;

/// Large enough that system calls do not count, small enough for the processor's cache.
const BUFFER: usize = 128 * 1024;

/// A buffered reader whose buffer can be looked at.
pub(super) struct Stream<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> Stream<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// The bytes at hand, at least one unless the stream has ended.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = self.read_some(0)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Marks bytes of [`Stream::fill`] as used.
    pub(super) fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }

    /// At least the next `n` bytes without using them; fewer only at the end. `n` is at most the buffer.
    pub(super) fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        if self.end - self.start < n {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < n.min(BUFFER) {
                match self.read_some(self.end)? {
                    0 => break,
                    more => self.end += more,
                }
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Fills `out` and says how much of it, which is less only at the end.
    pub(super) fn read_full(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < out.len() {
            let at_hand = self.fill()?;
            if at_hand.is_empty() {
                break;
            }
            let n = at_hand.len().min(out.len() - done);
            out[done..done + n].copy_from_slice(&at_hand[..n]);
            self.consume(n);
            done += n;
        }
        Ok(done)
    }

    /// Uses up all that is left.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        loop {
            let n = self.fill()?.len();
            if n == 0 {
                return Ok(());
            }
            self.consume(n);
        }
    }

    fn read_some(&mut self, at: usize) -> io::Result<usize> {
        loop {
            match self.inner.read(&mut self.buffer[at..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && out.len() >= BUFFER {
            return self.inner.read(out);
        }
        let at_hand = self.fill()?;
        let n = at_hand.len().min(out.len());
        out[..n].copy_from_slice(&at_hand[..n]);
        self.consume(n);
        Ok(n)
    }
}

/// The name of a SHA-256 digest as OCI writes it.
pub(super) fn digest(hash: Sha256) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(71);
    out.push_str("sha256:");
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The digest of bytes at hand.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    digest(Sha256::new_with_prefix(bytes))
}

/// What a [`Tap`] has seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) hash: Sha256,
    pub(super) bytes: u64,
}

/// A reader that hashes and counts what passes.
pub(super) struct Tap<'a, R> {
    inner: R,
    tally: &'a mut Tally,
}

impl<'a, R: Read> Tap<'a, R> {
    pub(super) fn new(inner: R, tally: &'a mut Tally) -> Self {
        Self { inner, tally }
    }
}

impl<R: Read> Read for Tap<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.tally.hash.update(&out[..n]);
        self.tally.bytes += n as u64;
        Ok(n)
    }
}

/// Decompressed bytes before a ratio means anything.
const RATIO_FROM: u64 = 256 << 20;

/// A reader of decompressed bytes that stops a layer which has too many of them.
pub(super) struct Bound<'a, R> {
    pub(super) inner: R,
    pub(super) what: &'a str,
    /// How many more bytes may come, over all layers.
    pub(super) left: &'a mut u64,
    pub(super) seen: u64,
    /// The compressed size and the highest ratio, for a compressed layer.
    pub(super) ratio: Option<(u64, u64)>,
}

impl<R: Read> Read for Bound<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.seen += n as u64;
        *self.left = self
            .left
            .checked_sub(n as u64)
            .ok_or_else(|| ReadError::limit(self.what, "the bytes that all layers may have"))?;
        if let Some((stored, highest)) = self.ratio
            && self.seen > RATIO_FROM
            && self.seen / stored.max(1) > highest
        {
            return Err(ReadError::limit(
                self.what,
                format!("{highest} bytes from each stored one"),
            )
            .into());
        }
        Ok(n)
    }
}
