//! A submission that is a folder on disk. No link is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileType, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Limits;
use super::listing::{Fault, Kind, Listing};
use super::source::Content;
use crate::text::name_bytes;

/// Lists a folder.
pub(super) fn list(root: &Path, limits: &Limits) -> Result<Listing, Fault> {
    let mut listing = Listing::default();
    let mut todo: Vec<(PathBuf, Vec<u8>)> = vec![(root.to_owned(), Vec::new())];
    while let Some((dir, below)) = todo.pop() {
        let cannot = |e| Fault::io("a folder of it cannot be read", &e);
        for entry in fs::read_dir(&dir).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let mut name = below.clone();
            name.extend(name_bytes(&entry.file_name()));
            let kind = kind(entry.file_type().map_err(cannot)?, || {
                entry.metadata().map_or(0, |m| m.len())
            });
            if listing.add(&name, kind, limits)? && kind == Kind::Directory {
                name.push(b'/');
                todo.push((entry.path(), name));
            }
        }
    }
    Ok(listing)
}

/// Reads files that [`list`] named. One that is no regular file any more is left out.
pub(super) fn read(
    root: &Path,
    wanted: &BTreeSet<String>,
    limits: &Limits,
) -> Result<BTreeMap<String, Content>, Fault> {
    let mut found = BTreeMap::new();
    for path in wanted {
        let full = root.join(path);
        let cannot = |e| Fault::io(&format!("{path} cannot be read"), &e);
        let metadata = fs::symlink_metadata(&full).map_err(cannot)?;
        if !metadata.is_file() || leads_through_a_link(root, path) {
            continue;
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&full).map_err(cannot)?;
        file.take(limits.file_bytes + 1)
            .read_to_end(&mut bytes)
            .map_err(cannot)?;
        found.insert(
            path.clone(),
            Content {
                bytes,
                executable: executable(&metadata),
            },
        );
    }
    Ok(found)
}

fn leads_through_a_link(root: &Path, path: &str) -> bool {
    path.match_indices('/').any(|(at, _)| {
        fs::symlink_metadata(root.join(&path[..at])).is_ok_and(|m| m.file_type().is_symlink())
    })
}

fn kind(file_type: FileType, size: impl FnOnce() -> u64) -> Kind {
    if file_type.is_symlink() {
        Kind::Link
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_file() {
        Kind::File(size())
    } else {
        Kind::Special
    }
}

#[cfg(unix)]
fn executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn executable(_: &Metadata) -> bool {
    false
}
