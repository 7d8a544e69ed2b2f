//! What is known of an image: its layers, and every path of its final filesystem.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::{Config, HistoryEntry, Platform};

/// An image, read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Image {
    /// What the engine calls it: a digest, or empty for an archive without one.
    pub id: String,
    /// What it is for.
    pub platform: Platform,
    /// What its containers run as.
    pub config: Config,
    /// How it was made, empty layers included.
    pub history: Vec<HistoryEntry>,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    /// Its final filesystem.
    pub tree: FileTree,
    /// Canaries found outside the layers: which needle, and `config` or `history`.
    #[serde(default)]
    pub needles: Vec<(usize, String)>,
}

impl Image {
    /// Image size as mslab means it: the regular files' bytes over all layers, a hard link counted once in its layer.
    #[must_use]
    pub fn unpacked_bytes(&self) -> u64 {
        self.layers.iter().map(|l| l.unpacked_bytes).sum()
    }

    /// Bytes that a registry would send: the layers' compressed sizes; `None` where one is not known.
    #[must_use]
    pub fn compressed_bytes(&self) -> Option<u64> {
        self.layers.iter().map(|l| l.compressed_bytes).sum()
    }

    /// Bytes of files in lower layers that a later layer overwrites or removes.
    #[must_use]
    pub fn wasted_bytes(&self) -> u64 {
        self.layers.iter().map(|l| l.wasted_bytes).sum()
    }
}

/// One layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Digest of the uncompressed tar, `sha256:…`.
    pub diff_id: String,
    /// Regular files' bytes, a hard link counted once.
    pub unpacked_bytes: u64,
    /// Bytes of the layer as a registry sends it, where that can be known or computed.
    pub compressed_bytes: Option<u64>,
    /// Entries in the tar.
    pub entries: u64,
    /// Bytes of this layer's files that later layers overwrite or remove.
    pub wasted_bytes: u64,
    /// Canaries found in this layer: which needle, in which path (`needle index`, `path`), deleted files included.
    pub needles: Vec<(usize, String)>,
    /// Index in [`Image::history`] of the step that made it, if that is known.
    pub history: Option<usize>,
}

/// A filesystem: whiteouts and opaque directories applied, links kept as entries.
///
/// Paths have no leading slash; the root is the empty path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTree {
    /// Every entry by its path.
    pub entries: BTreeMap<String, Entry>,
}

/// A path's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Index of the layer that put it there.
    pub layer: usize,
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file. Every name of a hard-linked file is one, with the same facts.
    File {
        /// Length in bytes.
        size: u64,
        /// What its content shows.
        facts: FileFacts,
    },
    /// A directory.
    Directory,
    /// A symbolic link with its target as stored.
    Symlink(String),
    /// A device, FIFO or socket.
    Special,
}

/// What was learned from a file's content as it streamed by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileFacts {
    /// Set for an ELF file.
    pub elf: Option<Elf>,
    /// Set where the content is a shell, whatever the file is called.
    pub shell: Option<Shell>,
    /// The interpreter of a `#!` line, with its arguments.
    pub interpreter: Option<String>,
    /// The content itself, for small files that a check may need (`passwd`, `group`,
    /// `os-release`, `package.json`; of one in `node_modules` only `name` and `version`, as JSON).
    #[serde(default)]
    pub content: Option<Vec<u8>>,
    /// How many PEM certificates the file holds; counted for `.pem`, `.crt` and `.cer` files, and for all files in
    /// `/etc/ssl` and `/etc/pki`.
    #[serde(default)]
    pub certificates: usize,
}

/// Facts of an ELF file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elf {
    /// Machine in Go's spelling (`amd64`, `arm64`, …), or `em-N` for one without a name here.
    pub machine: String,
    /// `PT_INTERP`: the dynamic loader.
    pub interpreter: Option<String>,
    /// `DT_NEEDED`: libraries that the loader must find.
    pub needed: Vec<String>,
    /// Whether it can be executed (`ET_EXEC`, or `ET_DYN` that is a program and no library).
    pub executable: bool,
    /// Whether it is position independent (`ET_DYN`).
    pub pie: bool,
}

impl Elf {
    /// A program that starts with no loader and no library; static-pie counts.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.executable && self.interpreter.is_none() && self.needed.is_empty()
    }
}

/// Why a file counts as a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shell {
    /// `busybox`, `toybox`, `dash`, `bash`, …
    pub kind: String,
    /// What showed it, for the learner: "contains BusyBox's applet table".
    pub evidence: String,
}

/// A path after its links were followed inside the root.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The path at the end of the links.
    pub path: &'a str,
    /// What is there.
    pub entry: &'a Entry,
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nothing is there, or a link on the way dangles.
    #[error("{0} is not in the image")]
    NotFound(String),
    /// More links than the kernel follows (40).
    #[error("{0} leads through too many symbolic links")]
    Loop(String),
}
