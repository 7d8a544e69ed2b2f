//! A submission in a tar archive, plain or gzipped, read from its beginning to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::Limits;
use super::listing::{Fault, Kind, Listing, plain};
use super::metered::{self, Metered};
use super::source::Content;

/// Lists an archive.
pub(super) fn list(path: &Path, gzip: bool, limits: &Limits) -> Result<Listing, Fault> {
    let mut listing = Listing::default();
    walk(path, gzip, limits, &mut |name, kind, _| {
        listing.add(name, kind, limits).map(drop)
    })?;
    Ok(listing)
}

/// Reads files that [`list`] named. Of several with one name the last counts, as when an archive is unpacked.
pub(super) fn read(
    path: &Path,
    gzip: bool,
    wanted: &BTreeSet<String>,
    limits: &Limits,
) -> Result<BTreeMap<String, Content>, Fault> {
    let mut found = BTreeMap::new();
    walk(path, gzip, limits, &mut |name, kind, (entry, mode)| {
        let Some(path) = plain(name).filter(|p| wanted.contains(p)) else {
            return Ok(());
        };
        found.remove(&path);
        if let Kind::File(_) = kind {
            let mut bytes = Vec::new();
            entry
                .take(limits.file_bytes + 1)
                .read_to_end(&mut bytes)
                .map_err(|e| Fault::io("the archive is damaged", &e))?;
            let executable = mode & 0o111 != 0;
            found.insert(path, Content { bytes, executable });
        }
        Ok(())
    })?;
    Ok(found)
}

type Visit<'a> = &'a mut dyn FnMut(&[u8], Kind, (&mut dyn Read, u32)) -> Result<(), Fault>;

fn walk(path: &Path, gzip: bool, limits: &Limits, visit: Visit<'_>) -> Result<(), Fault> {
    let (file, packed) = metered::open(path, limits)?;
    let file = BufReader::new(file);
    let inner: Box<dyn Read> = if gzip {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let (reader, verdict) = Metered::new(inner, packed, limits);
    let mut archive = tar::Archive::new(reader);
    let fault = |e: io::Error| verdict.fault(&e);
    let mut long_name = None;
    let mut headers = 0;
    // Headers one by one: long names are read here, within limits, and not by the library.
    for entry in archive.entries().map_err(fault)?.raw(true) {
        let mut entry = entry.map_err(fault)?;
        headers += 1;
        if headers > limits.entries * 4 {
            let message = format!("the archive has more than {} headers", limits.entries * 4);
            return Err(Fault::Refused(message));
        }
        let entry_type = entry.header().entry_type();
        match entry_type {
            EntryType::GNULongName => {
                let mut name = text(&mut entry, limits).map_err(|e| e.fault(&verdict))?;
                name.retain(|b| *b != 0);
                long_name = Some(name);
                continue;
            }
            EntryType::XHeader => {
                let records = text(&mut entry, limits).map_err(|e| e.fault(&verdict))?;
                if let Some(path) = pax_path(&records)? {
                    long_name = Some(path);
                }
                continue;
            }
            EntryType::XGlobalHeader | EntryType::GNULongLink => continue,
            EntryType::GNUSparse => {
                let message = "the archive holds a sparse file, which no exercise needs";
                return Err(Fault::Refused(message.into()));
            }
            _ => {}
        }
        let name = match long_name.take() {
            Some(name) => name,
            None => entry.header().path_bytes().into_owned(),
        };
        let kind = match entry_type {
            EntryType::Regular | EntryType::Continuous => {
                Kind::File(entry.header().entry_size().map_err(fault)?)
            }
            EntryType::Directory => Kind::Directory,
            EntryType::Link | EntryType::Symlink => Kind::Link,
            _ => Kind::Special,
        };
        let mode = entry.header().mode().unwrap_or(0o644);
        visit(&name, kind, (&mut entry, mode)).map_err(|f| match f {
            Fault::Unreadable(what) => verdict.fault(&io::Error::other(what)),
            refused @ Fault::Refused(_) => refused,
        })?;
    }
    Ok(())
}

enum Trouble {
    Long,
    Io(io::Error),
}

impl Trouble {
    fn fault(self, verdict: &metered::Verdict) -> Fault {
        match self {
            Self::Long => Fault::Refused("a name in the archive is longer than is taken".into()),
            Self::Io(e) => verdict.fault(&e),
        }
    }
}

/// What a header that holds a name says.
fn text(entry: &mut impl Read, limits: &Limits) -> Result<Vec<u8>, Trouble> {
    let most = limits.path_bytes as u64 * 4;
    let mut bytes = Vec::new();
    entry
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(Trouble::Io)?;
    if bytes.len() as u64 > most {
        return Err(Trouble::Long);
    }
    Ok(bytes)
}

/// The `path` of a pax header: records of `LENGTH KEY=VALUE\n`, the length counting all of it.
fn pax_path(mut records: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let damaged = || Fault::Unreadable("the archive is damaged: a pax header is no list".into());
    let mut path = None;
    while !records.is_empty() {
        let blank = records.iter().position(|b| *b == b' ');
        let blank = blank.ok_or_else(damaged)?;
        let length = std::str::from_utf8(&records[..blank])
            .ok()
            .and_then(|t| t.parse::<usize>().ok())
            .filter(|n| *n > blank + 1 && *n <= records.len())
            .ok_or_else(damaged)?;
        let record = &records[blank + 1..length - 1];
        let equals = record.iter().position(|b| *b == b'=');
        let (key, value) = record.split_at(equals.ok_or_else(damaged)?);
        match key {
            b"path" => path = Some(value[1..].to_vec()),
            b"size" => {
                let message = "the archive holds a file of more than 8 GB";
                return Err(Fault::Refused(message.into()));
            }
            _ => {}
        }
        records = &records[length..];
    }
    Ok(path)
}
