//! One layer's tar stream made into facts, which are all that is kept of it.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::super::tree::FileFacts;
use super::entries::{Header, Kind, TarReader};
use super::error::ReadError;
use super::limits::Limits;
use super::needles::Needles;
use super::scan::Scanner;
use super::stream::Stream;

/// What is known of one layer, whatever image it is in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerFacts {
    /// Digest of the layer as it is stored, `sha256:…`.
    pub digest: String,
    /// Digest of its uncompressed tar.
    pub diff_id: String,
    /// Bytes as a registry sends it; `None` for a layer that is stored uncompressed and was not compressed to know.
    pub compressed_bytes: Option<u64>,
    /// Its entries in order.
    pub entries: Vec<LayerEntry>,
    /// Which values of [`LayerFacts::needles_key`] are in which path.
    pub needles: Vec<(usize, String)>,
    /// [`Needles::key`] of the values that were searched for.
    pub needles_key: String,
}

/// One entry of a layer's tar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerEntry {
    /// Its path without a leading slash; of a whiteout, the path that it removes.
    pub path: String,
    /// What it is.
    pub kind: LayerEntryKind,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
}

/// What an entry of a layer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LayerEntryKind {
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
        /// What its content showed; `None` for nothing.
        facts: Option<Box<FileFacts>>,
    },
    /// A directory.
    Directory,
    /// A symbolic link with its target as stored.
    Symlink(String),
    /// Another name of the file at this path.
    Hardlink(String),
    /// A device, FIFO or socket.
    Special,
    /// The path is removed from the layers below (`.wh.NAME`).
    Whiteout,
    /// The directory shows nothing of the layers below (`.wh..wh..opq`).
    Opaque,
}

/// What is left of the limits that hold over all layers.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) entries: u64,
    pub(super) metadata_bytes: u64,
    pub(super) unpacked_bytes: u64,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            entries: limits.entries,
            metadata_bytes: limits.metadata_bytes,
            unpacked_bytes: limits.unpacked_bytes,
        }
    }
}

/// Bytes that an entry takes beside its strings, counted against [`Limits::metadata_bytes`].
const ENTRY_BYTES: u64 = 400;

/// A layer's entries and the needles in them.
pub(super) type Scanned = (Vec<LayerEntry>, Vec<(usize, String)>);

/// Reads a decompressed layer to the end of its entries. Digests are the caller's to fill in.
pub(super) fn scan<R: Read>(
    stream: Stream<R>,
    what: &str,
    limits: &Limits,
    needles: &Needles,
    budget: &mut Budget,
) -> Result<(Scanned, Stream<R>), ReadError> {
    let mut tar = TarReader::new(stream, what, limits);
    let mut scanner = Scanner::new(needles);
    let mut entries = Vec::new();
    let mut found = Vec::new();
    while let Some(header) = tar.next()? {
        let path = entry_path(&header.name, what, limits)?;
        budget.entries = budget.entries.checked_sub(1).ok_or_else(|| {
            ReadError::limit(what, format!("{} entries over all layers", limits.entries))
        })?;
        let mut hits = scanner.find(path.as_bytes());
        hits.extend(scanner.find(&header.link));
        hits.extend(scanner.find(tar.extended()));
        let kind = kind(
            &mut tar,
            &header,
            &path,
            what,
            limits,
            &mut scanner,
            &mut hits,
        )?;
        hits.sort_unstable();
        hits.dedup();
        found.extend(hits.into_iter().map(|needle| (needle, path.clone())));
        let Some((path, kind)) = whiteout(path, kind) else {
            continue;
        };
        let entry = LayerEntry {
            path,
            kind,
            mode: header.mode,
            uid: header.uid,
            gid: header.gid,
        };
        budget.metadata_bytes = budget
            .metadata_bytes
            .checked_sub(weight(&entry))
            .ok_or_else(|| {
                ReadError::limit(
                    what,
                    format!("{} bytes of names and kept content", limits.metadata_bytes),
                )
            })?;
        entries.push(entry);
    }
    Ok(((entries, found), tar.stream))
}

fn kind<R: Read>(
    tar: &mut TarReader<'_, R>,
    header: &Header,
    path: &str,
    what: &str,
    limits: &Limits,
    scanner: &mut Scanner<'_>,
    hits: &mut Vec<usize>,
) -> Result<LayerEntryKind, ReadError> {
    let named = || format!("{what}: /{path}");
    if path.is_empty() && header.kind != Kind::Directory {
        return Err(ReadError::malformed(what, "an entry has no name"));
    }
    if header.link.len() > limits.link_bytes {
        let limit = format!("{} bytes in a link's target", limits.link_bytes);
        return Err(ReadError::limit(named(), limit));
    }
    Ok(match header.kind {
        Kind::Directory => LayerEntryKind::Directory,
        Kind::Special => LayerEntryKind::Special,
        Kind::Symlink => LayerEntryKind::Symlink(printable(&header.link)),
        Kind::Hardlink => {
            let target = entry_path(&header.link, what, limits).map_err(|e| match e {
                ReadError::Escapes { .. } => ReadError::Escapes {
                    what: named(),
                    problem: format!(
                        "a hard link to {}, which is outside of the image",
                        printable(&header.link)
                    ),
                },
                other => other,
            })?;
            LayerEntryKind::Hardlink(target)
        }
        Kind::File => {
            scanner.begin(path, header.size, tar.peek(4)?);
            loop {
                let bytes = tar.chunk()?;
                let n = bytes.len();
                if n == 0 {
                    break;
                }
                scanner.push(bytes);
                tar.consume(n);
            }
            let (facts, needles) = scanner.finish();
            hits.extend(needles);
            LayerEntryKind::File {
                size: header.size,
                facts: (facts != FileFacts::default()).then(|| Box::new(facts)),
            }
        }
    })
}

/// A name as stored made into a path inside the image, or refused.
pub(super) fn entry_path(name: &[u8], what: &str, limits: &Limits) -> Result<String, ReadError> {
    let shown = || {
        let mut shown = printable(name);
        if shown.len() > 200 {
            let cut = (0..=200).rev().find(|i| shown.is_char_boundary(*i));
            shown.truncate(cut.unwrap_or(0));
            shown.push('…');
        }
        format!("{what}: {shown}")
    };
    if name.len() > limits.path_bytes {
        let limit = format!("{} bytes in a path", limits.path_bytes);
        return Err(ReadError::limit(shown(), limit));
    }
    let text = printable(name);
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(ReadError::Escapes {
                        what: shown(),
                        problem: "a name that leads outside of the image".to_owned(),
                    });
                }
            }
            _ => parts.push(part),
        }
    }
    if parts.len() > limits.depth {
        let limit = format!("{} directories deep", limits.depth);
        return Err(ReadError::limit(shown(), limit));
    }
    Ok(parts.join("/"))
}

/// Text of bytes that may not be UTF-8: such a byte is written `\xNN`, so that two names never become one.
fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// Names of the form `.wh.NAME` take something away; what else begins with `.wh..wh.` is bookkeeping of old drivers.
fn whiteout(mut path: String, kind: LayerEntryKind) -> Option<(String, LayerEntryKind)> {
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    let name = &path[name_at..];
    if name == ".wh..wh..opq" {
        path.truncate(name_at.saturating_sub(1));
        return Some((path, LayerEntryKind::Opaque));
    }
    if path.starts_with(".wh..wh.") || path.contains("/.wh..wh.") {
        return None;
    }
    match name.strip_prefix(".wh.") {
        Some("" | "." | "..") => None,
        Some(removed) => {
            let removed = format!("{}{removed}", &path[..name_at]);
            Some((removed, LayerEntryKind::Whiteout))
        }
        None => Some((path, kind)),
    }
}

fn weight(entry: &LayerEntry) -> u64 {
    let more = match &entry.kind {
        LayerEntryKind::Symlink(target) | LayerEntryKind::Hardlink(target) => target.len(),
        LayerEntryKind::File {
            facts: Some(facts), ..
        } => {
            let elf = facts.elf.as_ref();
            facts.content.as_ref().map_or(0, Vec::len)
                + elf.map_or(0, |e| e.needed.iter().map(|n| n.len() + 24).sum())
        }
        _ => 0,
    };
    ENTRY_BYTES + (entry.path.len() + more) as u64
}
