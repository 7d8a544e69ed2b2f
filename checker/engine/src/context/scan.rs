//! Listing a folder as an engine's client does, without following a link.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::{Content, Context, ContextError, Entry, Kind, Limits, directory};

/// What to leave out, and where to stop.
pub struct ScanOptions<'a> {
    /// Whether a path (relative, with `/`; and whether it is a directory) is left out.
    pub ignored: &'a dyn Fn(&str, bool) -> bool,
    /// Whether something below an ignored directory can be wanted all the same: an ignore file with `!`.
    pub exceptions: bool,
    /// Limits.
    pub limits: Limits,
}

impl Default for ScanOptions<'_> {
    fn default() -> Self {
        Self {
            ignored: &|_, _| false,
            exceptions: false,
            limits: Limits::default(),
        }
    }
}

/// Lists what is sent of the folder `root`.
///
/// # Errors
/// Something in it cannot be sent, a limit is passed, or the folder cannot be read.
pub fn scan(root: &Path, options: &ScanOptions<'_>) -> Result<Context, ContextError> {
    let mut scan = Scan {
        options,
        entries: BTreeMap::new(),
        bytes: 0,
    };
    scan.folder(root, "", 0, false)?;
    Ok(Context {
        entries: scan.entries,
        limits: options.limits,
    })
}

struct Scan<'a> {
    options: &'a ScanOptions<'a>,
    entries: BTreeMap<String, Entry>,
    bytes: u64,
}

impl Scan<'_> {
    fn folder(
        &mut self,
        dir: &Path,
        prefix: &str,
        depth: usize,
        ignored: bool,
    ) -> Result<(), ContextError> {
        if depth > self.options.limits.depth {
            return Err(ContextError::TooLarge {
                limit: self.options.limits.depth as u64,
                of: "directories inside each other",
            });
        }
        let cannot = |e| ContextError::io(format!("cannot read {}", dir.display()), e);
        let mut names = Vec::new();
        for item in fs::read_dir(dir).map_err(cannot)? {
            names.push(item.map_err(cannot)?.file_name());
        }
        names.sort();
        for name in names {
            let path = dir.join(&name);
            let Some(name) = name.to_str() else {
                // What is ignored by its folder does not matter.
                if ignored && !self.options.exceptions {
                    continue;
                }
                return Err(ContextError::Name(path.display().to_string()));
            };
            let relative = if prefix.is_empty() {
                name.to_owned()
            } else {
                format!("{prefix}/{name}")
            };
            let meta = match fs::symlink_metadata(&path) {
                Ok(meta) => meta,
                // Editors' temporary files come and go.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => {
                    return Err(ContextError::io(
                        format!("cannot read {}", path.display()),
                        e,
                    ));
                }
            };
            self.entry(&path, relative, &meta, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        path: &Path,
        relative: String,
        meta: &Metadata,
        depth: usize,
    ) -> Result<(), ContextError> {
        let kind = meta.file_type();
        let ignored = (self.options.ignored)(&relative, kind.is_dir());
        if kind.is_dir() {
            if !ignored {
                self.parents(&relative)?;
                self.add(relative.clone(), entry(meta, Kind::Directory))?;
            } else if !self.options.exceptions {
                return Ok(());
            }
            return self.folder(path, &relative, depth + 1, ignored);
        }
        if ignored {
            return Ok(());
        }
        let kind = if kind.is_symlink() {
            let target = fs::read_link(path)
                .map_err(|e| ContextError::io(format!("cannot read {}", path.display()), e))?;
            let target = target
                .to_str()
                .ok_or_else(|| ContextError::Name(relative.clone()))?;
            Kind::Symlink(target.replace('\\', "/"))
        } else if kind.is_file() {
            Kind::File {
                size: meta.len(),
                content: Content::Disk(path.to_owned()),
            }
        } else {
            return Err(ContextError::Special(relative));
        };
        self.parents(&relative)?;
        self.add(relative, entry(meta, kind))
    }

    /// What an exception brings back brings the directories above it with it.
    fn parents(&mut self, path: &str) -> Result<(), ContextError> {
        if self.options.exceptions {
            for (at, _) in path.match_indices('/') {
                if !self.entries.contains_key(&path[..at]) {
                    self.add(path[..at].to_owned(), directory())?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, path: String, entry: Entry) -> Result<(), ContextError> {
        let limits = self.options.limits;
        if let Kind::File { size, .. } = entry.kind {
            self.bytes = self.bytes.saturating_add(size);
        }
        self.entries.insert(path, entry);
        if self.bytes > limits.bytes {
            return Err(ContextError::TooLarge {
                limit: limits.bytes,
                of: "bytes",
            });
        }
        if self.entries.len() > limits.entries {
            return Err(ContextError::TooLarge {
                limit: limits.entries as u64,
                of: "entries",
            });
        }
        Ok(())
    }
}

fn entry(meta: &Metadata, kind: Kind) -> Entry {
    let mtime = meta
        .modified()
        .ok()
        .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |d| d.as_secs());
    Entry {
        mode: mode(meta),
        kind,
        mtime,
    }
}

#[cfg(unix)]
fn mode(meta: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o7777
}

/// Windows has no such bits; Docker's own client makes everything executable there.
#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0o755
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let p = dir.path();
        fs::create_dir_all(p.join("node_modules/x")).unwrap();
        fs::create_dir_all(p.join("empty")).unwrap();
        fs::write(p.join("node_modules/x/keep.txt"), "k").unwrap();
        fs::write(p.join("Dockerfile"), "FROM scratch\n").unwrap();
        symlink("/etc", p.join("outside")).unwrap();
        dir
    }

    fn paths(c: &Context) -> Vec<String> {
        c.entries().map(|(p, _)| p.to_owned()).collect()
    }

    #[test]
    fn links_are_entries_and_ignored_folders_are_passed_over() {
        let dir = folder();
        let context = scan(
            dir.path(),
            &ScanOptions {
                ignored: &|p, _| p.starts_with("node_modules"),
                ..ScanOptions::default()
            },
        )
        .unwrap();
        assert_eq!(paths(&context), ["Dockerfile", "empty", "outside"]);
        assert_eq!(
            context.get("outside").unwrap().kind,
            Kind::Symlink("/etc".into())
        );
        assert_eq!(
            context.evidence(None).files,
            [("Dockerfile".to_owned(), 13)]
        );
    }

    #[test]
    fn an_exception_below_an_ignored_folder_is_found() {
        let dir = folder();
        let context = scan(
            dir.path(),
            &ScanOptions {
                ignored: &|p, _| p.starts_with("node_modules") && !p.ends_with("keep.txt"),
                exceptions: true,
                ..ScanOptions::default()
            },
        )
        .unwrap();
        assert_eq!(
            paths(&context),
            [
                "Dockerfile",
                "empty",
                "node_modules",
                "node_modules/x",
                "node_modules/x/keep.txt",
                "outside"
            ]
        );
    }

    #[test]
    fn sockets_are_refused_unless_ignored() {
        let dir = folder();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s.sock")).unwrap();
        let error = scan(dir.path(), &ScanOptions::default()).unwrap_err();
        assert!(matches!(&error, ContextError::Special(p) if p == "s.sock"));
        assert!(error.is_learners());
        let ignoring = ScanOptions {
            ignored: &|p, _| p == "s.sock",
            ..ScanOptions::default()
        };
        assert!(scan(dir.path(), &ignoring).is_ok());
    }

    #[test]
    fn limits_stop_the_scan() {
        let dir = folder();
        for (limits, what) in [
            (
                Limits {
                    entries: 2,
                    ..Limits::default()
                },
                "entries",
            ),
            (
                Limits {
                    bytes: 5,
                    ..Limits::default()
                },
                "bytes",
            ),
            (
                Limits {
                    depth: 0,
                    ..Limits::default()
                },
                "directories inside each other",
            ),
        ] {
            let options = ScanOptions {
                limits,
                ..ScanOptions::default()
            };
            let error = scan(dir.path(), &options).unwrap_err();
            assert!(
                matches!(error, ContextError::TooLarge { of, .. } if of == what),
                "{error}"
            );
        }
    }
}
