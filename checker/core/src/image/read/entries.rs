//! Tar entries one after another, with everything that a header claims checked before it is believed.
//!
//! Reads what engines write: ustar, PAX and GNU long names and numbers. Sparse files are refused, because no engine
//! writes them. Where formats are vague, this does what Go's `archive/tar` does, since engines unpack with it.

use std::io::Read;

use super::error::ReadError;
use super::limits::Limits;
use super::stream::Stream;

pub(super) const BLOCK: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Hardlink,
    Symlink,
    Special,
    Directory,
}

/// An entry's header.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// The name as stored, not yet checked.
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    /// Bytes of content that follow; 0 for all but files.
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// A link's target as stored.
    pub(super) link: Vec<u8>,
}

/// A tar stream.
pub(super) struct TarReader<'a, R> {
    pub(super) stream: Stream<R>,
    /// What messages call it.
    what: &'a str,
    limits: &'a Limits,
    /// Bytes of the current entry's content that are still to come, and the padding after them.
    remaining: u64,
    padding: u64,
    /// The raw extended headers of the current entry.
    extended: Vec<u8>,
}

/// Extended headers collected for the entry that follows them.
#[derive(Default)]
struct Pending {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
}

impl<'a, R: Read> TarReader<'a, R> {
    pub(super) fn new(stream: Stream<R>, what: &'a str, limits: &'a Limits) -> Self {
        Self {
            stream,
            what,
            limits,
            remaining: 0,
            padding: 0,
            extended: Vec::new(),
        }
    }

    /// The next entry, or `None` at the end. What is left of the last one's content is passed over.
    pub(super) fn next(&mut self) -> Result<Option<Header>, ReadError> {
        self.extended.clear();
        let mut pending = Pending::default();
        loop {
            self.finish_entry()?;
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            let raw = RawHeader(&block);
            if !raw.checksum_holds() {
                return Err(self.malformed("a tar header's checksum is wrong"));
            }
            let size = match pending.size {
                Some(size) if !matches!(raw.type_flag(), b'x' | b'g' | b'L' | b'K') => size,
                _ => raw
                    .number(124..136)
                    .ok_or_else(|| self.malformed("a tar header has no valid size"))?,
            };
            let kind = match raw.type_flag() {
                b'x' => {
                    let records = self.extended_header(size)?;
                    self.pax(&records, &mut pending)?;
                    continue;
                }
                b'g' => {
                    self.extended_header(size)?;
                    continue;
                }
                b'L' => {
                    pending.name = Some(until_nul(&self.extended_header(size)?).to_vec());
                    continue;
                }
                b'K' => {
                    pending.link = Some(until_nul(&self.extended_header(size)?).to_vec());
                    continue;
                }
                b'0' | 0 | b'7' => Kind::File,
                b'1' => Kind::Hardlink,
                b'2' => Kind::Symlink,
                b'3' | b'4' | b'6' => Kind::Special,
                b'5' => Kind::Directory,
                b'S' => {
                    return Err(self.malformed("holds a sparse file, which engines never write"));
                }
                other => {
                    return Err(self.malformed(&format!(
                        "holds an entry of the unknown type {:?}",
                        char::from(other)
                    )));
                }
            };
            return self.header(&raw, kind, size, pending).map(Some);
        }
    }

    /// Some more of the current entry's content; empty when there is no more.
    pub(super) fn chunk(&mut self) -> Result<&[u8], ReadError> {
        if self.remaining == 0 {
            return Ok(&[]);
        }
        let (what, remaining) = (self.what, self.remaining);
        let at_hand = self
            .stream
            .fill()
            .map_err(|e| ReadError::from_io(e, what))?;
        if at_hand.is_empty() {
            return Err(ReadError::Truncated(what.to_owned()));
        }
        let n = usize::try_from(remaining).map_or(at_hand.len(), |r| r.min(at_hand.len()));
        Ok(&at_hand[..n])
    }

    /// Marks bytes of [`TarReader::chunk`] as used.
    pub(super) fn consume(&mut self, n: usize) {
        let n = n.min(usize::try_from(self.remaining).unwrap_or(n));
        self.stream.consume(n);
        self.remaining -= n as u64;
    }

    /// At least `n` bytes of the content without using them, where there are so many.
    pub(super) fn peek(&mut self, n: usize) -> Result<&[u8], ReadError> {
        let (what, remaining) = (self.what, self.remaining);
        let n = usize::try_from(remaining).map_or(n, |r| r.min(n));
        let at_hand = self
            .stream
            .peek(n)
            .map_err(|e| ReadError::from_io(e, what))?;
        if at_hand.len() < n {
            return Err(ReadError::Truncated(what.to_owned()));
        }
        let most = usize::try_from(remaining).map_or(at_hand.len(), |r| r.min(at_hand.len()));
        Ok(&at_hand[..most])
    }

    /// The extended headers of the entry that [`TarReader::next`] gave: they can hold values of extended attributes.
    pub(super) fn extended(&self) -> &[u8] {
        &self.extended
    }

    /// A reader of the current entry's content.
    pub(super) fn content(&mut self) -> Content<'_, 'a, R> {
        Content(self)
    }

    fn finish_entry(&mut self) -> Result<(), ReadError> {
        loop {
            let n = self.chunk()?.len();
            if n == 0 {
                break;
            }
            self.consume(n);
        }
        self.remaining = std::mem::take(&mut self.padding);
        while self.remaining > 0 {
            let n = self.chunk()?.len();
            self.consume(n);
        }
        Ok(())
    }

    /// The next header's block; `None` at the end of the archive, which two blocks of zeros mark, or the stream's end.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, ReadError> {
        let mut zeros = 0;
        loop {
            let mut block = [0; BLOCK];
            let what = self.what;
            let n = self
                .stream
                .read_full(&mut block)
                .map_err(|e| ReadError::from_io(e, what))?;
            match n {
                0 => return Ok(None),
                BLOCK => {}
                _ => return Err(ReadError::Truncated(what.to_owned())),
            }
            if block.iter().any(|b| *b != 0) {
                if zeros > 0 {
                    return Err(self.malformed("has a block of zeros between two entries"));
                }
                return Ok(Some(block));
            }
            zeros += 1;
            if zeros == 2 {
                return Ok(None);
            }
        }
    }

    fn extended_header(&mut self, size: u64) -> Result<Vec<u8>, ReadError> {
        let limit = self.limits.header_bytes;
        if size > limit || self.extended.len() as u64 + size > limit {
            return Err(ReadError::limit(
                self.what,
                format!("{limit} bytes of extended tar headers for one entry"),
            ));
        }
        let mut bytes = vec![0; size as usize];
        let what = self.what;
        let n = self
            .stream
            .read_full(&mut bytes)
            .map_err(|e| ReadError::from_io(e, what))?;
        if n < bytes.len() {
            return Err(ReadError::Truncated(what.to_owned()));
        }
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        // A header without a byte of content still counts, so that a chain of them ends.
        self.extended.extend_from_slice(&bytes);
        self.extended.push(b'\n');
        Ok(bytes)
    }

    fn pax(&self, mut records: &[u8], pending: &mut Pending) -> Result<(), ReadError> {
        let wrong = || self.malformed("a PAX record is malformed");
        while !records.is_empty() {
            let space = records.iter().position(|b| *b == b' ').ok_or_else(wrong)?;
            let length: usize = std::str::from_utf8(&records[..space])
                .ok()
                .and_then(|s| s.parse().ok())
                .filter(|n| *n > space + 1 && *n <= records.len())
                .ok_or_else(wrong)?;
            let (record, rest) = records.split_at(length);
            records = rest;
            let record = record[space + 1..].strip_suffix(b"\n").ok_or_else(wrong)?;
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(wrong)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            let number = || {
                std::str::from_utf8(value)
                    .ok()
                    .and_then(|v| v.parse::<u64>().ok())
                    .ok_or_else(wrong)
            };
            match key {
                b"path" if !value.contains(&0) => pending.name = Some(value.to_vec()),
                b"linkpath" if !value.contains(&0) => pending.link = Some(value.to_vec()),
                b"path" | b"linkpath" => return Err(wrong()),
                b"size" => pending.size = Some(number()?),
                b"uid" => pending.uid = Some(number()?),
                b"gid" => pending.gid = Some(number()?),
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(self.malformed("holds a sparse file, which engines never write"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn header(
        &mut self,
        raw: &RawHeader<'_>,
        mut kind: Kind,
        size: u64,
        pending: Pending,
    ) -> Result<Header, ReadError> {
        let name = pending.name.unwrap_or_else(|| raw.name());
        let link = pending
            .link
            .unwrap_or_else(|| until_nul(&raw.0[157..257]).to_vec());
        if kind == Kind::File && raw.type_flag() != b'7' && name.ends_with(b"/") {
            kind = Kind::Directory;
        }
        let size = if kind == Kind::File { size } else { 0 };
        let padded = size
            .checked_next_multiple_of(BLOCK as u64)
            .ok_or_else(|| self.malformed("a tar header has no valid size"))?;
        self.remaining = size;
        self.padding = padded - size;
        let numbers = (
            raw.number(100..108),
            pending.uid.or_else(|| raw.number(108..116)),
            pending.gid.or_else(|| raw.number(116..124)),
        );
        let (Some(mode), Some(uid), Some(gid)) = numbers else {
            return Err(self.malformed(&format!(
                "the mode or owner of {} is no number",
                String::from_utf8_lossy(&name)
            )));
        };
        Ok(Header {
            name,
            kind,
            size,
            mode: (mode & 0o7777) as u32,
            uid,
            gid,
            link,
        })
    }

    fn malformed(&self, problem: &str) -> ReadError {
        ReadError::malformed(self.what, problem)
    }
}

/// Whether these bytes begin a tar stream: a header whose checksum holds, or the block of zeros of an empty one.
pub(super) fn looks_like_tar(bytes: &[u8]) -> bool {
    bytes.get(..BLOCK).is_some_and(|block| {
        let mut header = [0; BLOCK];
        header.copy_from_slice(block);
        block.iter().all(|b| *b == 0) || RawHeader(&header).checksum_holds()
    })
}

/// Reads the content of a tar reader's current entry.
pub(super) struct Content<'t, 'a, R>(&'t mut TarReader<'a, R>);

impl<R: Read> Read for Content<'_, '_, R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let at_hand = self.0.chunk()?;
        let n = at_hand.len().min(out.len());
        out[..n].copy_from_slice(&at_hand[..n]);
        self.0.consume(n);
        Ok(n)
    }
}

struct RawHeader<'a>(&'a [u8; BLOCK]);

impl RawHeader<'_> {
    fn type_flag(&self) -> u8 {
        self.0[156]
    }

    /// The sum of all bytes, the checksum itself taken as spaces. Some old writers added signed bytes.
    fn checksum_holds(&self) -> bool {
        let Some(stored) = self.number(148..156) else {
            return false;
        };
        let (mut unsigned, mut signed) = (0i64, 0i64);
        for (i, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&i) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        i64::try_from(stored).is_ok_and(|s| s == unsigned || s == signed)
    }

    /// An octal number, or GNU's binary form; `None` for a negative one or nonsense. Blank is 0.
    fn number(&self, at: std::ops::Range<usize>) -> Option<u64> {
        let field = &self.0[at];
        if field[0] & 0x80 != 0 {
            if field[0] != 0x80 {
                return None;
            }
            return field[1..].iter().try_fold(0u64, |value, byte| {
                value.checked_mul(256)?.checked_add(u64::from(*byte))
            });
        }
        let text = until_nul(field).trim_ascii();
        text.iter().try_fold(0u64, |value, byte| {
            if !(b'0'..=b'7').contains(byte) {
                return None;
            }
            value.checked_mul(8)?.checked_add(u64::from(byte - b'0'))
        })
    }

    /// The name, with ustar's prefix where there is one. GNU's old format has other things in the prefix's place.
    fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.0[..100]);
        let prefix = until_nul(&self.0[345..500]);
        if &self.0[257..263] == b"ustar\0" && !prefix.is_empty() {
            [prefix, b"/", name].concat()
        } else {
            name.to_vec()
        }
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    &bytes[..end]
}
