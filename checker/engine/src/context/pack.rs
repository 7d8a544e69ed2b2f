//! A context made into the tar that is sent.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use bytes::Bytes;
use tar::{EntryType, Header};

use super::archive::Spool;
use super::{Archive, Content, Context, ContextError, Entry, Kind};

/// Where the context goes when the Dockerfile must stay outside it.
const CONTEXT: &str = "context";
/// Where the Dockerfile goes then.
const DOCKERFILE: &str = "dockerfile/Dockerfile";

/// What the Dockerfile is called inside of a context that it must not be part of.
const WITHIN: &str = ".mslab.Dockerfile";
/// Where an engine looks for what it must not copy.
const IGNORE_FILE: &str = ".dockerignore";

/// Packs a context with the Dockerfile `text`, which is `path` in the learner's folder.
///
/// A Dockerfile that the context holds is used from there. One that an ignore file keeps out of the context (or that
/// differs from the one in it) travels beside it, so that `COPY . .` does not copy it, as with Docker's own client.
/// The same context makes the same bytes: paths are sorted, owners are 0. Large ones go to a temporary file.
///
/// # Errors
/// A file cannot be read or has changed since the scan, or the temporary file cannot be written.
pub fn pack(context: &Context, path: &str, text: &[u8]) -> Result<Archive, ContextError> {
    let inside = match context.get(path) {
        Some(entry) => same(path, entry, text)?,
        None => false,
    };
    let mut tar = Tar(tar::Builder::new(Spool::new()));
    if inside {
        for (path, entry) in context.entries() {
            tar.add(path, path, entry)?;
        }
        return tar.finish(path, text, None);
    }
    tar.add(DOCKERFILE, path, &memory(text))?;
    let root = Entry {
        kind: Kind::Directory,
        mode: 0o755,
        mtime: 0,
    };
    tar.add(CONTEXT, CONTEXT, &root)?;
    for (path, entry) in context.entries() {
        tar.add(&format!("{CONTEXT}/{path}"), path, entry)?;
    }
    tar.finish(DOCKERFILE, text, Some(CONTEXT))
}

/// The same archive for an engine that takes the whole tar for the context (Podman): a Dockerfile that travelled beside
/// the context lies in it under a name of its own, and a last line of the ignore file keeps both out of every COPY. So did
/// Docker's own client before BuildKit.
pub(crate) fn for_one_folder(archive: &Archive) -> Result<Archive, ContextError> {
    let Some(folder) = archive.context_dir() else {
        return Ok(archive.clone());
    };
    let packing = |e| ContextError::io("cannot pack the build context anew", e);
    let mut tar = Tar(tar::Builder::new(Spool::new()));
    let mut ignored = Vec::new();
    let mut packed = tar::Archive::new(archive.reader().map_err(packing)?);
    for entry in packed.entries().map_err(packing)? {
        let mut entry = entry.map_err(packing)?;
        let path = entry.path().map_err(packing)?.into_owned();
        let Ok(path) = path.strip_prefix(folder) else {
            continue;
        };
        if path == Path::new(IGNORE_FILE) {
            entry.read_to_end(&mut ignored).map_err(packing)?;
        } else if path != Path::new("") {
            let mut header = entry.header().clone();
            let added = match entry.link_name().map_err(packing)?.map(Cow::into_owned) {
                Some(target) => tar.0.append_link(&mut header, path, target),
                None => tar.0.append_data(&mut header, path, &mut entry),
            };
            added.map_err(packing)?;
        }
    }
    if ignored.is_empty() {
        ignored.extend(IGNORE_FILE.bytes());
    }
    ignored.extend(format!("\n{WITHIN}\n").bytes());
    tar.add(IGNORE_FILE, IGNORE_FILE, &memory(&ignored))?;
    tar.add(WITHIN, WITHIN, &memory(archive.text()))?;
    tar.finish(WITHIN, archive.text(), None)
}

fn memory(text: &[u8]) -> Entry {
    Entry {
        kind: Kind::File {
            size: text.len() as u64,
            content: Content::Memory(Bytes::copy_from_slice(text)),
        },
        mode: 0o644,
        mtime: 0,
    }
}

/// Whether an entry is a file of exactly this content.
fn same(path: &str, entry: &Entry, text: &[u8]) -> Result<bool, ContextError> {
    let Kind::File { size, content } = &entry.kind else {
        return Ok(false);
    };
    if *size != text.len() as u64 {
        return Ok(false);
    }
    let mut found = Vec::with_capacity(text.len());
    open(path, content)?
        .take(*size)
        .read_to_end(&mut found)
        .map_err(|e| ContextError::io(format!("cannot read {path}"), e))?;
    Ok(found == text)
}

struct Tar(tar::Builder<Spool>);

impl Tar {
    /// Adds an entry as `name`; messages call it `path`.
    fn add(&mut self, name: &str, path: &str, entry: &Entry) -> Result<(), ContextError> {
        let mut header = Header::new_gnu();
        header.set_mode(entry.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(entry.mtime);
        header.set_size(0);
        let packing = |e| ContextError::io(format!("cannot pack {path}"), e);
        match &entry.kind {
            Kind::Directory => {
                header.set_entry_type(EntryType::Directory);
                self.0
                    .append_data(&mut header, format!("{name}/"), io::empty())
                    .map_err(packing)
            }
            Kind::Symlink(target) => {
                header.set_entry_type(EntryType::Symlink);
                self.0
                    .append_link(&mut header, name, target)
                    .map_err(packing)
            }
            Kind::File { size, content } => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(*size);
                let mut reader = open(path, content)?.take(*size);
                self.0
                    .append_data(&mut header, name, &mut reader)
                    .map_err(packing)?;
                if reader.limit() > 0 {
                    return Err(ContextError::Changed(path.to_owned()));
                }
                Ok(())
            }
        }
    }

    fn finish(
        self,
        dockerfile: &str,
        text: &[u8],
        context_dir: Option<&str>,
    ) -> Result<Archive, ContextError> {
        let writing = |e| ContextError::io("cannot write the packed build context", e);
        let mut spool = self.0.into_inner().map_err(writing)?;
        spool.flush().map_err(writing)?;
        Ok(spool.into_archive(dockerfile, text, context_dir))
    }
}

fn open<'a>(path: &str, content: &'a Content) -> Result<Box<dyn Read + 'a>, ContextError> {
    Ok(match content {
        Content::Memory(bytes) => Box::new(&bytes[..]),
        Content::Disk(file) => Box::new(open_file(path, file)?),
        Content::Appended(file, more) => Box::new(open_file(path, file)?.chain(&more[..])),
    })
}

/// Opens a file of the context, and nothing that was put in its place since the scan.
fn open_file(path: &str, file: &Path) -> Result<File, ContextError> {
    let cannot = |e| ContextError::io(format!("cannot read {path}"), e);
    let before = std::fs::symlink_metadata(file).map_err(cannot)?;
    if !before.is_file() {
        return Err(ContextError::Changed(path.to_owned()));
    }
    let opened = File::open(file).map_err(cannot)?;
    let after = opened.metadata().map_err(cannot)?;
    if !same_file(&before, &after) {
        return Err(ContextError::Changed(path.to_owned()));
    }
    Ok(opened)
}

#[cfg(unix)]
fn same_file(a: &std::fs::Metadata, b: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &std::fs::Metadata, b: &std::fs::Metadata) -> bool {
    b.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{ScanOptions, scan};

    async fn listing(archive: &Archive) -> Vec<(String, u32, String)> {
        let bytes = archive.read_all().await.unwrap();
        tar::Archive::new(&bytes[..])
            .entries()
            .unwrap()
            .map(|e| {
                let mut e = e.unwrap();
                let mut text = String::new();
                e.read_to_string(&mut text).unwrap();
                let path = e.path().unwrap().to_string_lossy().into_owned();
                (path, e.header().mode().unwrap(), text)
            })
            .collect()
    }

    fn names(listing: &[(String, u32, String)]) -> Vec<&str> {
        listing.iter().map(|(n, _, _)| n.as_str()).collect()
    }

    #[tokio::test]
    async fn a_dockerfile_in_the_context_is_used_from_there() {
        let mut context = Context::empty();
        context.put("Dockerfile", "FROM scratch\n", 0o600).unwrap();
        context.put("run.sh", "#!/bin/sh\n", 0o755).unwrap();
        let archive = pack(&context, "Dockerfile", b"FROM scratch\n").unwrap();
        assert_eq!(
            (archive.dockerfile(), archive.context_dir()),
            ("Dockerfile", None)
        );
        let listing = listing(&archive).await;
        assert_eq!(names(&listing), ["Dockerfile", "run.sh"]);
        assert_eq!(listing[1].1, 0o755);
    }

    #[tokio::test]
    async fn a_dockerfile_outside_travels_beside_the_context() {
        let mut context = Context::empty();
        context.put("a/b", "x", 0o644).unwrap();
        let archive = pack(&context, "Dockerfile", b"FROM scratch\n").unwrap();
        assert_eq!(archive.context_dir(), Some("context"));
        assert_eq!(
            names(&listing(&archive).await),
            [
                "dockerfile/Dockerfile",
                "context/",
                "context/a/",
                "context/a/b"
            ]
        );
    }

    #[tokio::test]
    async fn where_all_of_the_tar_is_the_context_an_ignore_file_hides_the_dockerfile() {
        let mut context = Context::empty();
        context.put("a/run.sh", "x", 0o755).unwrap();
        let archive = pack(&context, "Dockerfile", b"FROM scratch\n").unwrap();
        let archive = for_one_folder(&archive).unwrap();
        assert_eq!(
            (archive.dockerfile(), archive.context_dir()),
            (WITHIN, None)
        );
        let listing = listing(&archive).await;
        assert_eq!(names(&listing), ["a", "a/run.sh", ".dockerignore", WITHIN]);
        assert_eq!(listing[1].1, 0o755);
        assert_eq!(listing[2].2, format!(".dockerignore\n{WITHIN}\n"));
        assert_eq!(listing[3].2, "FROM scratch\n");
    }

    #[tokio::test]
    async fn large_contexts_are_spooled_and_the_same_bytes_come_out() {
        let mut context = Context::empty();
        context.put("Dockerfile", "FROM scratch\n", 0o644).unwrap();
        context.put("big", vec![7; 40 << 20], 0o644).unwrap();
        let archive = pack(&context, "Dockerfile", b"FROM scratch\n").unwrap();
        assert!(archive.is_spooled());
        let bytes = archive.read_all().await.unwrap();
        assert_eq!(bytes.len() as u64, archive.len());
        let again = pack(&context, "Dockerfile", b"FROM scratch\n").unwrap();
        assert_eq!(again.read_all().await.unwrap(), bytes);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_became_a_link_or_shrank_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("data");
        std::fs::write(&file, "0123456789").unwrap();
        let context = scan(dir.path(), &ScanOptions::default()).unwrap();
        std::fs::write(&file, "0").unwrap();
        let error = pack(&context, "Dockerfile", b"").unwrap_err();
        assert!(
            matches!(&error, ContextError::Changed(p) if p == "data"),
            "{error}"
        );
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
        assert!(matches!(
            pack(&context, "Dockerfile", b""),
            Err(ContextError::Changed(_))
        ));
    }
}
