//! Where a submission is: a folder, or an archive that is read as a stream and never unpacked to disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::listing::{Fault, Listing};
use super::{Limits, folder, tarball, zipped};

/// A file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// Its bytes, one more than [`Limits::file_bytes`] at most: a longer file is seen to be too long.
    pub(super) bytes: Vec<u8>,
    pub(super) executable: bool,
}

/// Where a submission is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Folder(PathBuf),
    Tar(PathBuf),
    TarGz(PathBuf),
    Zip(PathBuf),
}

/// The end of an archive's name, and what it makes of a path.
type End = (&'static str, fn(PathBuf) -> Source);

/// The ends of archives' names.
const ENDS: [End; 4] = [
    (".tar.gz", Source::TarGz),
    (".tgz", Source::TarGz),
    (".tar", Source::Tar),
    (".zip", Source::Zip),
];

impl Source {
    /// The archive at `path`, with the part of its name before the end; `None` where the name is no archive's.
    pub(super) fn archive(path: &Path, name: &str) -> Option<(String, Self)> {
        let lower = name.to_ascii_lowercase();
        ENDS.iter().find_map(|(end, make)| {
            let stem = &name[..lower.strip_suffix(end)?.len()];
            (!stem.is_empty()).then(|| (stem.to_owned(), make(path.to_owned())))
        })
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(p) | Self::Tar(p) | Self::TarGz(p) | Self::Zip(p) => p,
        }
    }

    pub(super) fn list(&self, limits: &Limits) -> Result<Listing, Fault> {
        match self {
            Self::Folder(path) => folder::list(path, limits),
            Self::Tar(path) => tarball::list(path, false, limits),
            Self::TarGz(path) => tarball::list(path, true, limits),
            Self::Zip(path) => zipped::list(path, limits),
        }
    }

    /// Reads files that [`Source::list`] named.
    pub(super) fn read(
        &self,
        wanted: &BTreeSet<String>,
        limits: &Limits,
    ) -> Result<BTreeMap<String, Content>, Fault> {
        match self {
            Self::Folder(path) => folder::read(path, wanted, limits),
            Self::Tar(path) => tarball::read(path, false, wanted, limits),
            Self::TarGz(path) => tarball::read(path, true, wanted, limits),
            Self::Zip(path) => zipped::read(path, wanted, limits),
        }
    }
}
