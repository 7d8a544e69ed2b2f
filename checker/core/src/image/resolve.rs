//! Paths inside an image: looked up, and followed through its links without ever leaving its root.

use std::collections::VecDeque;

use super::tree::{Entry, EntryKind, FileTree, ResolveError, Resolved};

/// Links that the kernel follows in one path (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// The root of every filesystem, also of an empty one.
static ROOT: Entry = Entry {
    kind: EntryKind::Directory,
    mode: 0o755,
    uid: 0,
    gid: 0,
    layer: 0,
};

/// A path as [`FileTree::entries`] has it: no leading slash, no `.`, no empty part; `..` ends at the root.
///
/// This is about text alone. Where links matter, use [`FileTree::resolve`].
#[must_use]
pub fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

impl FileTree {
    /// The entry of exactly this path, with no link followed. A leading slash may be there or not.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.key_value(&normalize(path)).map(|(_, entry)| entry)
    }

    /// All entries in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, e)| (path.as_str(), e))
    }

    /// What the path leads to when every link is followed, the last one included.
    ///
    /// Links stay inside the image's root, as they do in a container: an absolute target begins at the root, and
    /// `..` goes no higher.
    ///
    /// # Errors
    ///
    /// [`ResolveError::NotFound`] where nothing is at the end or a part on the way is no directory,
    /// [`ResolveError::Loop`] past 40 links.
    pub fn resolve(&self, path: &str) -> Result<Resolved<'_>, ResolveError> {
        self.walk(path, true)
    }

    /// Like [`FileTree::resolve`], but a link at the very end is itself the answer, as in `lstat`.
    ///
    /// # Errors
    ///
    /// As in [`FileTree::resolve`].
    pub fn resolve_no_follow(&self, path: &str) -> Result<Resolved<'_>, ResolveError> {
        self.walk(path, false)
    }

    /// The names directly inside the directory at exactly this path, with their entries.
    pub fn children<'a>(
        &'a self,
        directory: &str,
    ) -> impl Iterator<Item = (&'a str, Resolved<'a>)> + use<'a> {
        let mut prefix = normalize(directory);
        if !prefix.is_empty() {
            prefix.push('/');
        }
        let mut from = prefix.clone();
        let mut inclusive = true;
        std::iter::from_fn(move || {
            loop {
                let start = if inclusive {
                    std::ops::Bound::Included(from.as_str())
                } else {
                    std::ops::Bound::Excluded(from.as_str())
                };
                let (path, entry) = self
                    .entries
                    .range::<str, _>((start, std::ops::Bound::Unbounded))
                    .next()?;
                let rest = path.strip_prefix(prefix.as_str())?;
                match rest.split_once('/') {
                    // What lies below a child that was seen already: on to the first path that does not.
                    Some((name, _)) => {
                        from = format!("{prefix}{name}0");
                        inclusive = true;
                    }
                    None => {
                        from = path.clone();
                        inclusive = false;
                        if !rest.is_empty() {
                            return Some((rest, Resolved { path, entry }));
                        }
                    }
                }
            }
        })
    }

    fn key_value(&self, path: &str) -> Option<(&str, &Entry)> {
        match self.entries.get_key_value(path) {
            Some((key, entry)) => Some((key, entry)),
            None if path.is_empty() => Some(("", &ROOT)),
            None => None,
        }
    }

    fn walk(&self, path: &str, follow_last: bool) -> Result<Resolved<'_>, ResolveError> {
        let not_found = || ResolveError::NotFound(display(path));
        let mut todo: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut at = String::new();
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    at.truncate(at.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let here = self.key_value(&at).ok_or_else(not_found)?.1;
            if here.kind != EntryKind::Directory {
                return Err(not_found());
            }
            let parent = at.len();
            if !at.is_empty() {
                at.push('/');
            }
            at.push_str(&part);
            let (_, entry) = self.key_value(&at).ok_or_else(not_found)?;
            let EntryKind::Symlink(target) = &entry.kind else {
                continue;
            };
            if !follow_last && todo.is_empty() {
                break;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(ResolveError::Loop(display(path)));
            }
            at.truncate(if target.starts_with('/') { 0 } else { parent });
            for part in target.split('/').rev() {
                todo.push_front(part.to_owned());
            }
        }
        let (path, entry) = self.key_value(&at).ok_or_else(not_found)?;
        Ok(Resolved { path, entry })
    }
}

/// A path as people write it.
fn display(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn tree(text: &str) -> FileTree {
        fixture::image(text).expect("a fixture that parses").tree
    }

    fn leads_to(tree: &FileTree, path: &str) -> Result<String, ResolveError> {
        tree.resolve(path).map(|r| r.path.to_owned())
    }

    #[test]
    fn links_stay_inside_the_root() {
        let t = tree(
            "layer COPY . /
             file /bin/busybox 0755 busybox
             link /bin/sh -> /bin/busybox
             link /usr/bin -> ../bin
             link /escape -> ../../../../bin/sh
             link /up -> ..",
        );
        assert_eq!(leads_to(&t, "/bin/sh").unwrap(), "bin/busybox");
        assert_eq!(leads_to(&t, "usr/bin/sh").unwrap(), "bin/busybox");
        assert_eq!(leads_to(&t, "/escape").unwrap(), "bin/busybox");
        assert_eq!(leads_to(&t, "/up/../bin/./sh").unwrap(), "bin/busybox");
        assert_eq!(leads_to(&t, "/").unwrap(), "");
        assert_eq!(
            t.resolve_no_follow("/usr/bin/sh").unwrap().path,
            "bin/sh",
            "only the last link is left alone"
        );
    }

    #[test]
    fn loops_and_dangling_links_are_told_apart() {
        let t = tree(
            "layer COPY . /
             link /a -> b
             link /b -> /a
             link /gone -> nowhere
             file /f 0644 text x",
        );
        assert_eq!(leads_to(&t, "/a"), Err(ResolveError::Loop("/a".into())));
        assert_eq!(
            leads_to(&t, "gone"),
            Err(ResolveError::NotFound("/gone".into()))
        );
        assert!(leads_to(&t, "/f/x").is_err(), "a file has nothing below it");
        assert_eq!(t.resolve_no_follow("/a").unwrap().path, "a");
    }

    #[test]
    fn forty_links_are_followed_and_no_more() {
        let mut text = "layer x\nfile /l0 0644 text x\n".to_owned();
        for i in 1..=41 {
            text.push_str(&format!("link /l{i} -> l{}\n", i - 1));
        }
        let t = tree(&text);
        assert_eq!(leads_to(&t, "/l40").unwrap(), "l0");
        assert!(matches!(leads_to(&t, "/l41"), Err(ResolveError::Loop(_))));
    }

    #[test]
    fn children_skip_what_lies_deeper() {
        let t = tree(
            "layer x
             file /d/x/deep/file 0644 text x
             file /d/x-y 0644 text x
             file /d/x0 0644 text x
             file /e 0644 text x",
        );
        let names = |d: &str| t.children(d).map(|(n, _)| n.to_owned()).collect::<Vec<_>>();
        assert_eq!(names("/d"), ["x", "x-y", "x0"]);
        assert_eq!(names("/"), ["d", "e"]);
        assert!(names("/d/x0").is_empty());
    }

    #[test]
    fn an_empty_filesystem_has_a_root() {
        let t = FileTree::default();
        assert_eq!(t.get("/").unwrap().kind, EntryKind::Directory);
        assert!(t.get("/bin").is_none());
    }
}
