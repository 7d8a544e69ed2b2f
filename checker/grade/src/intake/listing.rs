//! What a submission holds, before anything of it is taken.

use std::collections::BTreeMap;
use std::io;

use super::Limits;
use crate::text::shown;

/// Folders that are not looked into: what tools leave behind, and no exercise asks for.
const PASSED_OVER: [&str; 6] = [
    ".git",
    ".mslab",
    ".venv",
    "__MACOSX",
    "__pycache__",
    "node_modules",
];

/// Why a submission cannot be looked at.
#[derive(Debug)]
pub(super) enum Fault {
    /// It breaks a rule: the learner's finding.
    Refused(String),
    /// It cannot be read: damaged, or the machine stands in the way. Nobody's finding, and not graded.
    Unreadable(String),
}

impl Fault {
    pub(super) fn io(what: &str, error: &io::Error) -> Self {
        Self::Unreadable(format!("{what}: {error}"))
    }
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file of so many bytes.
    File(u64),
    Directory,
    /// A symbolic or hard link.
    Link,
    /// A device, FIFO or socket.
    Special,
}

/// Every path with what it is. Only names that can be part of an exercise are here.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) entries: BTreeMap<String, Kind>,
    /// Names that lead out, or are no text: never taken.
    pub(super) odd: Vec<String>,
    seen: usize,
}

impl Listing {
    /// Takes note of a path; `bytes` are its name's as it stands in the submission, with `/` between the parts.
    /// Whether a folder of that name is to be looked into.
    pub(super) fn add(&mut self, bytes: &[u8], kind: Kind, limits: &Limits) -> Result<bool, Fault> {
        let Some(path) = plain(bytes) else {
            self.count(limits)?;
            self.odd.push(shown(&bytes[..bytes.len().min(200)]));
            return Ok(false);
        };
        if path.is_empty() {
            return Ok(true);
        }
        if passed_over(&path) {
            return Ok(false);
        }
        self.count(limits)?;
        if path.len() > limits.path_bytes {
            return Err(Fault::Refused(format!(
                "a path has {} bytes; {} are taken at most",
                path.len(),
                limits.path_bytes
            )));
        }
        let depth = path.matches('/').count();
        if depth >= limits.depth {
            return Err(Fault::Refused(format!(
                "there are more than {} folders inside each other",
                limits.depth
            )));
        }
        // An archive need not name the folders of its files.
        for (at, _) in path.match_indices('/') {
            if !self.entries.contains_key(&path[..at]) {
                self.entries.insert(path[..at].to_owned(), Kind::Directory);
            }
        }
        self.entries.insert(path, kind);
        Ok(true)
    }

    fn count(&mut self, limits: &Limits) -> Result<(), Fault> {
        self.seen += 1;
        if self.seen > limits.entries {
            return Err(Fault::Refused(format!(
                "it holds more than {} files and folders",
                limits.entries
            )));
        }
        Ok(())
    }

    /// The names directly below `base` (empty, or ending in a slash), with what they are.
    pub(super) fn below<'a>(&'a self, base: &'a str) -> impl Iterator<Item = (&'a str, Kind)> {
        self.within(base).filter(|(rest, _)| !rest.contains('/'))
    }

    /// All paths below `base`, relative to it.
    pub(super) fn within<'a>(&'a self, base: &'a str) -> impl Iterator<Item = (&'a str, Kind)> {
        self.entries
            .range(base.to_owned()..)
            .take_while(move |(path, _)| path.starts_with(base))
            .map(move |(path, kind)| (&path[base.len()..], *kind))
            .filter(|(rest, _)| !rest.is_empty())
    }
}

/// A path without `./` and a slash at its end; `None` where it leads out of the submission or is no text that an
/// exercise could ask for.
pub(super) fn plain(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.starts_with('/') || text.contains(['\\', '\0']) || text.chars().any(char::is_control) {
        return None;
    }
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a path lies in a folder that is not looked into.
pub(super) fn passed_over(path: &str) -> bool {
    path.split('/').any(|part| PASSED_OVER.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_are_never_entries() {
        for bad in [
            &b"../x"[..],
            b"/etc/passwd",
            b"a/../../b",
            b"a\\..\\b",
            b"a\0b",
            b"\xff",
            b"a\x1bb",
        ] {
            assert_eq!(plain(bad), None, "{bad:?}");
        }
        assert_eq!(plain(b"./a//b/").as_deref(), Some("a/b"));
    }

    #[test]
    fn limits_hold() {
        let limits = Limits {
            entries: 2,
            depth: 2,
            ..Limits::default()
        };
        let mut listing = Listing::default();
        listing.add(b"a/b", Kind::File(1), &limits).unwrap();
        assert!(matches!(
            Listing::default().add(b"a/b/c", Kind::File(1), &limits),
            Err(Fault::Refused(_))
        ));
        // What tools leave behind does not count.
        assert!(
            !listing
                .add(b"node_modules", Kind::Directory, &limits)
                .unwrap()
        );
        listing.add(b"../b", Kind::File(1), &limits).unwrap();
        assert!(listing.add(b"c", Kind::File(1), &limits).is_err());
        assert_eq!(listing.odd, ["../b"]);
        assert_eq!(listing.below("").map(|e| e.0).collect::<Vec<_>>(), ["a"]);
        assert_eq!(listing.within("a/").count(), 1);
    }
}
