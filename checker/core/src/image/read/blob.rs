//! One file of an archive: told apart by its first bytes, and read as a layer where it is one.

use std::io::{self, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::archive::ReadOptions;
use super::entries::{BLOCK, looks_like_tar};
use super::error::ReadError;
use super::layer::{Budget, LayerFacts, Scanned, scan};
use super::stream::{Bound, Stream, Tally, Tap, digest};

/// Bytes of a file that [`Form::of`] wants to see.
pub(super) const SNIFF: usize = BLOCK;

/// What a file of an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Tar,
    Gzip,
    Zstd,
    /// Nothing that is read here; with what it seems to be.
    Other(&'static str),
}

impl Form {
    /// Judges by the first bytes.
    pub(super) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or the skippable frame that some writers begin with.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Self::Other("compressed with xz"),
            [b'B', b'Z', b'h', ..] => Self::Other("compressed with bzip2"),
            [] => Self::Other("empty"),
            _ if looks_like_tar(start) => Self::Tar,
            _ => match start.trim_ascii_start().first() {
                Some(b'{' | b'[') => Self::Json,
                _ => Self::Other("neither a tar stream nor JSON"),
            },
        }
    }
}

/// Reads a layer from its stored bytes, to the very last one.
pub(super) fn read_layer(
    stored: impl Read,
    form: Form,
    size: u64,
    path: &str,
    options: &ReadOptions,
    budget: &mut Budget,
) -> Result<LayerFacts, ReadError> {
    let what = format!("layer {path}");
    let mut outside = Tally::default();
    let mut inside = Tally::default();
    let mut stored = Tap::new(stored, &mut outside);
    let mut counter = Counter::default();

    let plain: Box<dyn Read + '_> = match form {
        Form::Gzip => Box::new(Tap::new(MultiGzDecoder::new(&mut stored), &mut inside)),
        Form::Zstd => {
            let decoder = zstd::stream::read::Decoder::new(&mut stored)
                .map_err(|e| ReadError::from_io(e, &what))?;
            Box::new(Tap::new(decoder, &mut inside))
        }
        _ if options.compressed_sizes => Box::new(Compressing {
            inner: &mut stored,
            encoder: Some(GzEncoder::new(&mut counter, flate2::Compression::default())),
        }),
        _ => Box::new(&mut stored),
    };
    let ratio = (form != Form::Tar).then_some((size, options.limits.compression_ratio));
    let (entries, needles) = scan_bounded(plain, &what, ratio, options, budget)?;
    io::copy(&mut stored, &mut io::sink()).map_err(|e| ReadError::from_io(e, &what))?;

    let stored_digest = digest(outside.hash);
    Ok(LayerFacts {
        diff_id: if form == Form::Tar {
            stored_digest.clone()
        } else {
            digest(inside.hash)
        },
        digest: stored_digest,
        compressed_bytes: match form {
            Form::Tar if options.compressed_sizes => Some(counter.0),
            Form::Tar => None,
            _ => Some(outside.bytes),
        },
        entries,
        needles,
        needles_key: options.needles.key().to_owned(),
    })
}

fn scan_bounded(
    plain: Box<dyn Read + '_>,
    what: &str,
    ratio: Option<(u64, u64)>,
    options: &ReadOptions,
    budget: &mut Budget,
) -> Result<Scanned, ReadError> {
    let mut left = budget.unpacked_bytes;
    let bounded = Bound {
        inner: plain,
        what,
        left: &mut left,
        seen: 0,
        ratio,
    };
    let (scanned, mut rest) = scan(
        Stream::new(bounded),
        what,
        &options.limits,
        &options.needles,
        budget,
    )?;
    rest.drain().map_err(|e| ReadError::from_io(e, what))?;
    drop(rest);
    budget.unpacked_bytes = left;
    Ok(scanned)
}

/// Compresses what passes as a registry's client would, and keeps only the length of it.
struct Compressing<'c, R> {
    inner: R,
    encoder: Option<GzEncoder<&'c mut Counter>>,
}

impl<R: Read> Read for Compressing<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        if n == 0 && !out.is_empty() {
            if let Some(encoder) = self.encoder.take() {
                encoder.finish()?;
            }
        } else if let Some(encoder) = &mut self.encoder {
            encoder.write_all(&out[..n])?;
        }
        Ok(n)
    }
}

#[derive(Debug, Default)]
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
