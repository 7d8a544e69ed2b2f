//! The build context: what is really sent to the engine, scanned and packed on mslab's side.
//!
//! [`Sent`] is what an ignore file leaves of a folder, [`Context`] lets a lab lay its own files over the learner's without a
//! copy on disk, and [`pack`] makes the tar. No symbolic link is ever followed.

mod archive;
mod pack;
mod scan;
mod sent;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use mslab_core::evidence::ContextEvidence;

pub use archive::Archive;
pub(crate) use pack::for_one_folder;
pub use pack::pack;
pub use scan::{ScanOptions, scan};
pub use sent::Sent;

/// How large a context may be. Passing one is an error that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries: files, directories and links.
    pub entries: usize,
    /// Bytes of all files.
    pub bytes: u64,
    /// Directories inside each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            bytes: 2 << 30,
            depth: 128,
        }
    }
}

/// Why a context cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A device, FIFO or socket, which no build can use.
    #[error("{0} is a device, a FIFO or a socket, and cannot be part of a build context")]
    Special(String),
    /// A name that is no UTF-8.
    #[error("{0} has a name that is not UTF-8, which engines do not take")]
    Name(String),
    /// A path that leads out of the context.
    #[error("{0:?} leads out of the build context")]
    Escapes(String),
    /// An ignore file that engines refuse.
    #[error("line {line} of {file}: {message}")]
    Ignore {
        /// The ignore file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A limit was passed.
    #[error("the build context has more than {limit} {of}")]
    TooLarge {
        /// The limit.
        limit: u64,
        /// Of what: `bytes`, `entries`, `directories inside each other`.
        of: &'static str,
    },
    /// A file is not what it was when the context was scanned.
    #[error("{0} changed while the build context was being packed")]
    Changed(String),
    /// There is no file to append to.
    #[error("{0} is not a file of the build context")]
    NoFile(String),
    /// A file or folder cannot be read, or the archive not written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The operating system's message.
        source: io::Error,
    },
}

impl ContextError {
    fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source,
        }
    }

    /// Whether the learner's or submission's own files are at fault, rather than the machine.
    #[must_use]
    pub fn is_learners(&self) -> bool {
        !matches!(self, Self::Changed(_) | Self::Io { .. })
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Special(_) | Self::Name(_) => "Remove it, or name it in .dockerignore.",
            Self::TooLarge { .. } => {
                "Name what the build does not need in .dockerignore: .git, node_modules, build results."
            }
            Self::Ignore { .. } => "Mend that line, or take it out: engines build nothing with it.",
            Self::Escapes(_) | Self::NoFile(_) => "Name a file inside the exercise's folder.",
            Self::Changed(_) => "Run the same command again.",
            Self::Io { .. } => "Check the path, its permissions, and the free space.",
        }
    }
}

/// One path of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits: `0o7777` at most.
    pub mode: u32,
    /// When it was changed, in seconds since 1970.
    pub mtime: u64,
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file: its length in bytes, and where its content is.
    File {
        /// Length in bytes.
        size: u64,
        /// Content.
        content: Content,
    },
    /// A directory.
    Directory,
    /// A symbolic link with its target as stored.
    Symlink(String),
}

/// Where a file's content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// On disk, read when the context is packed.
    Disk(PathBuf),
    /// In memory.
    Memory(Bytes),
    /// On disk, with bytes after it.
    Appended(PathBuf, Bytes),
}

/// What will be sent: every path relative to the context's root, with `/` between the parts, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    entries: BTreeMap<String, Entry>,
    limits: Limits,
}

impl Context {
    /// A context with nothing in it.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every entry by its path.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(p, e)| (p.as_str(), e))
    }

    /// The entry at a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries
            .values()
            .map(|e| match e.kind {
                Kind::File { size, .. } => size,
                _ => 0,
            })
            .sum()
    }

    /// The context as checks see it. `ignore_file` names the ignore file in force.
    #[must_use]
    pub fn evidence(&self, ignore_file: Option<String>) -> ContextEvidence {
        let files = self.entries.iter().filter_map(|(path, e)| match e.kind {
            Kind::File { size, .. } => Some((path.clone(), size)),
            _ => None,
        });
        ContextEvidence {
            files: files.collect(),
            ignore_file,
        }
    }

    /// Puts a file at `path`, in the place of what is there; directories above it come with it.
    ///
    /// # Errors
    /// The path leads out of the context, or a limit is passed.
    pub fn put(
        &mut self,
        path: &str,
        bytes: impl Into<Bytes>,
        mode: u32,
    ) -> Result<(), ContextError> {
        let bytes = bytes.into();
        let kind = Kind::File {
            size: bytes.len() as u64,
            content: Content::Memory(bytes),
        };
        self.insert(
            path,
            Entry {
                kind,
                mode,
                mtime: 0,
            },
        )
    }

    /// Appends bytes to the file at `path`.
    ///
    /// # Errors
    /// No file is there, or a limit is passed.
    pub fn append(&mut self, path: &str, more: &[u8]) -> Result<(), ContextError> {
        let entry = self
            .entries
            .get_mut(path)
            .ok_or_else(|| ContextError::NoFile(path.into()))?;
        let Kind::File { size, content } = &mut entry.kind else {
            return Err(ContextError::NoFile(path.into()));
        };
        *size += more.len() as u64;
        let joined = |first: &Bytes| Bytes::from([first, more].concat());
        *content = match &*content {
            Content::Disk(file) => Content::Appended(file.clone(), Bytes::copy_from_slice(more)),
            Content::Memory(first) => Content::Memory(joined(first)),
            Content::Appended(file, first) => Content::Appended(file.clone(), joined(first)),
        };
        self.check()
    }

    /// Takes a path out, and all that is below it. Whether something was there.
    pub fn remove(&mut self, path: &str) -> bool {
        let below = format!("{path}/");
        let before = self.entries.len();
        self.entries
            .retain(|p, _| p != path && !p.starts_with(&below));
        self.entries.len() < before
    }

    /// Lays another context over this one: its files take the place of what has the same path.
    ///
    /// # Errors
    /// A limit is passed.
    pub fn overlay(&mut self, other: &Self) -> Result<(), ContextError> {
        for (path, entry) in &other.entries {
            let directory_stays = entry.kind == Kind::Directory
                && self
                    .entries
                    .get(path)
                    .is_some_and(|e| e.kind == Kind::Directory);
            if !directory_stays {
                self.insert(path, entry.clone())?;
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: &str, entry: Entry) -> Result<(), ContextError> {
        let inside = !path.is_empty()
            && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
            && !path.contains(['\0', '\\']);
        if !inside {
            return Err(ContextError::Escapes(path.into()));
        }
        for (at, _) in path.match_indices('/') {
            let parent = &path[..at];
            if self
                .entries
                .get(parent)
                .is_none_or(|e| e.kind != Kind::Directory)
            {
                self.remove(parent);
                self.entries.insert(parent.to_owned(), directory());
            }
        }
        if entry.kind != Kind::Directory {
            self.remove(path);
        }
        self.entries.insert(path.to_owned(), entry);
        self.check()
    }

    fn check(&self) -> Result<(), ContextError> {
        let too_large = |limit, of| Err(ContextError::TooLarge { limit, of });
        if self.entries.len() > self.limits.entries {
            return too_large(self.limits.entries as u64, "entries");
        }
        if self.bytes() > self.limits.bytes {
            return too_large(self.limits.bytes, "bytes");
        }
        Ok(())
    }
}

fn directory() -> Entry {
    Entry {
        kind: Kind::Directory,
        mode: 0o755,
        mtime: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(c: &Context) -> Vec<&str> {
        c.entries().map(|(p, _)| p).collect()
    }

    #[test]
    fn files_can_be_laid_over_others() {
        let mut context = Context::empty();
        context.put("src/app.js", "a", 0o644).unwrap();
        context.put("test", "a file", 0o644).unwrap();
        let mut sabotage = Context::empty();
        sabotage.put("test/fails.js", "boom", 0o644).unwrap();
        context.overlay(&sabotage).unwrap();
        context.append("src/app.js", b"bc").unwrap();
        assert_eq!(
            paths(&context),
            ["src", "src/app.js", "test", "test/fails.js"]
        );
        assert_eq!(context.bytes(), 7);
        assert!(context.remove("src"));
        assert_eq!(paths(&context), ["test", "test/fails.js"]);
    }

    #[test]
    fn names_that_escape_are_refused() {
        for path in ["../x", "/etc/passwd", "a/../../b", "", "a//b", "a\\b"] {
            let error = Context::empty().put(path, "x", 0o644).unwrap_err();
            assert!(matches!(error, ContextError::Escapes(_)), "{path:?}");
        }
    }

    #[test]
    fn appending_needs_a_file_and_limits_hold() {
        let mut context = Context {
            limits: Limits {
                bytes: 3,
                ..Limits::default()
            },
            ..Context::default()
        };
        assert!(matches!(
            context.append("x", b"y"),
            Err(ContextError::NoFile(_))
        ));
        context.put("x", "123", 0o644).unwrap();
        assert!(matches!(
            context.append("x", b"4"),
            Err(ContextError::TooLarge { of: "bytes", .. })
        ));
    }
}
