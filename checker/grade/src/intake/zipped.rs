//! A submission in a zip archive. Only the files that count are ever unpacked, and those into memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use memchr::memmem;
use zip::ZipArchive;
use zip::result::ZipError;

use super::Limits;
use super::listing::{Fault, Kind, Listing, plain};
use super::metered::{self, too_much};
use super::source::Content;

/// What stands before each entry of the list at a zip's end.
const LISTED: [u8; 4] = *b"PK\x01\x02";
/// A symbolic link, a FIFO and so on in the mode's upper bits.
const FILE_TYPE: u32 = 0o170_000;

/// Lists an archive.
pub(super) fn list(path: &Path, limits: &Limits) -> Result<Listing, Fault> {
    let (mut archive, packed) = open(path, limits)?;
    let mut listing = Listing::default();
    let mut out = 0_u64;
    for n in 0..archive.len() {
        let file = archive.by_index_raw(n).map_err(|e| fault(&e))?;
        out = out.saturating_add(file.size());
        if let Some(what) = too_much(packed, out, limits) {
            return Err(Fault::Refused(what.into()));
        }
        let kind = kind(file.unix_mode(), file.is_dir(), file.size());
        listing.add(file.name_raw(), kind, limits)?;
    }
    Ok(listing)
}

/// Reads files that [`list`] named.
pub(super) fn read(
    path: &Path,
    wanted: &BTreeSet<String>,
    limits: &Limits,
) -> Result<BTreeMap<String, Content>, Fault> {
    let (mut archive, _) = open(path, limits)?;
    let mut found = BTreeMap::new();
    for n in 0..archive.len() {
        let raw = archive.by_index_raw(n).map_err(|e| fault(&e))?;
        let name = plain(raw.name_raw()).filter(|p| wanted.contains(p));
        let (mode, is_dir) = (raw.unix_mode(), raw.is_dir());
        let Some(name) = name else { continue };
        let Kind::File(_) = kind(mode, is_dir, raw.size()) else {
            continue;
        };
        drop(raw);
        let file = archive.by_index(n).map_err(|e| fault(&e))?;
        let mut bytes = Vec::new();
        file.take(limits.file_bytes + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| Fault::io(&format!("{name} in the archive is damaged"), &e))?;
        let executable = mode.is_some_and(|m| m & 0o111 != 0);
        found.insert(name, Content { bytes, executable });
    }
    Ok(found)
}

fn open(path: &Path, limits: &Limits) -> Result<(ZipArchive<BufReader<File>>, u64), Fault> {
    let (file, packed) = metered::open(path, limits)?;
    let mut file = BufReader::new(file);
    let cannot = |e| Fault::io("it cannot be read", &e);
    // The library reads the whole list before anybody can ask how long it is.
    if listed(&mut file).map_err(cannot)? > limits.entries * 2 {
        return Err(Fault::Refused(format!(
            "it holds more than {} files and folders",
            limits.entries
        )));
    }
    file.seek(SeekFrom::Start(0)).map_err(cannot)?;
    let archive = ZipArchive::new(file).map_err(|e| fault(&e))?;
    Ok((archive, packed))
}

/// How many entries the list can have at most.
fn listed(file: &mut impl Read) -> io::Result<usize> {
    let mut count = 0;
    let mut buffer = vec![0; 64 << 10];
    let mut kept = 0;
    loop {
        let n = file.read(&mut buffer[kept..])?;
        if n == 0 {
            return Ok(count);
        }
        let filled = kept + n;
        count += memmem::find_iter(&buffer[..filled], &LISTED).count();
        kept = filled.min(LISTED.len() - 1);
        buffer.copy_within(filled - kept..filled, 0);
    }
}

fn kind(mode: Option<u32>, is_dir: bool, size: u64) -> Kind {
    match mode.unwrap_or(0) & FILE_TYPE {
        0o120_000 => Kind::Link,
        0 | 0o100_000 if !is_dir => Kind::File(size),
        0 | 0o040_000 => Kind::Directory,
        _ if is_dir => Kind::Directory,
        _ => Kind::Special,
    }
}

fn fault(error: &ZipError) -> Fault {
    match error {
        ZipError::UnsupportedArchive(what) => Fault::Unreadable(format!(
            "the archive is packed in a way that is not read here: {what}"
        )),
        e => Fault::Unreadable(format!("the archive is damaged: {e}")),
    }
}
