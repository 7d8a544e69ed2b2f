//! Paths of a filesystem by pattern: `*`, `?`, `[a-z]` within a name, and `**` across directories.

use std::collections::BTreeMap;

use super::resolve::normalize;
use super::tree::{EntryKind, FileTree, Resolved};

impl FileTree {
    /// Every path that the pattern names, in order.
    ///
    /// A leading slash may be there or not. `*` and `?` stay within a name, `[a-z]` and `[!a-z]` are sets, a backslash
    /// takes the next character as it is, and a part that is exactly `**` stands for any number of directories, none
    /// included. Links on the way to the last part are followed, so that `/bin/sh` is found where `/bin` leads to
    /// `usr/bin`; `**` does not follow any, and the last part is the entry itself, be it a link or not.
    #[must_use]
    pub fn matching(&self, pattern: &str) -> Vec<Resolved<'_>> {
        let parts: Vec<&str> = pattern
            .split('/')
            .filter(|p| !p.is_empty() && *p != ".")
            .collect();
        let mut found = BTreeMap::new();
        let mut at = vec![String::new()];
        for (i, part) in parts.iter().enumerate() {
            let last = i + 1 == parts.len();
            let mut next = BTreeMap::new();
            for directory in &at {
                self.step(directory, part, last, &mut next);
            }
            if last {
                found = next;
                break;
            }
            at = next.into_keys().map(str::to_owned).collect();
        }
        found.into_values().collect()
    }

    /// Adds to `found` what `part` names in `directory`, which is a path with no link in it.
    fn step<'a>(
        &'a self,
        directory: &str,
        part: &str,
        last: bool,
        found: &mut BTreeMap<&'a str, Resolved<'a>>,
    ) {
        if part == "**" {
            self.descend(directory, last, found);
            return;
        }
        if part == ".." {
            let up = normalize(&format!("{directory}/.."));
            self.add(&up, last, found);
        } else if has_wildcard(part) {
            let names: Vec<_> = self
                .children(directory)
                .filter(|(name, _)| matches_name(part, name))
                .map(|(_, r)| r.path)
                .collect();
            for path in names {
                self.add(path, last, found);
            }
        } else {
            self.add(&format!("{directory}/{part}"), last, found);
        }
    }

    /// `**`: the directory and all below it; at the end of a pattern all that lies below, files too.
    fn descend<'a>(
        &'a self,
        directory: &str,
        last: bool,
        found: &mut BTreeMap<&'a str, Resolved<'a>>,
    ) {
        if !last && let Ok(r) = self.resolve(directory) {
            found.insert(r.path, r);
        }
        let prefix = if directory.is_empty() {
            String::new()
        } else {
            format!("{directory}/")
        };
        for (path, entry) in self.entries.range(prefix.clone()..) {
            if !path.starts_with(&prefix) {
                break;
            }
            if !path.is_empty() && (last || entry.kind == EntryKind::Directory) {
                found.insert(path, Resolved { path, entry });
            }
        }
    }

    fn add<'a>(&'a self, path: &str, last: bool, found: &mut BTreeMap<&'a str, Resolved<'a>>) {
        let resolved = if last {
            self.resolve_no_follow(path)
        } else {
            self.resolve(path)
        };
        if let Ok(r) = resolved
            && (last || r.entry.kind == EntryKind::Directory)
        {
            found.insert(r.path, r);
        }
    }
}

fn has_wildcard(part: &str) -> bool {
    part.contains(['*', '?', '[', '\\'])
}

/// Whether one name matches one part of a pattern. A `[` with no end stands for itself.
pub(super) fn matches_name(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to try again: after the last star, with one character more given to it.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() || p < pattern.len() {
        if p < pattern.len() {
            if pattern[p] == '*' {
                retry = Some((p, n));
                p += 1;
                continue;
            }
            if n < name.len()
                && let Some(width) = matches_one(&pattern[p..], name[n])
            {
                p += width;
                n += 1;
                continue;
            }
        }
        match retry {
            Some((star, from)) if from < name.len() => {
                retry = Some((star, from + 1));
                p = star + 1;
                n = from + 1;
            }
            _ => return false,
        }
    }
    true
}

/// How many characters of the pattern stand for `c`, or `None` where they do not.
fn matches_one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == c).then_some(2),
        ['[', ..] => match set(pattern) {
            Some((width, negated, ranges)) => {
                let inside = ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
                (inside != negated).then_some(width)
            }
            None => (c == '[').then_some(1),
        },
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

type Set = (usize, bool, Vec<(char, char)>);

/// A `[…]` at the pattern's start: its width, whether it is negated, its ranges. A `]` in first place is a member.
fn set(pattern: &[char]) -> Option<Set> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let first = if negated { 2 } else { 1 };
    let mut at = first;
    let mut ranges = Vec::new();
    loop {
        match pattern.get(at)? {
            ']' if at > first => return Some((at + 1, negated, ranges)),
            from => match (pattern.get(at + 1), pattern.get(at + 2)) {
                (Some('-'), Some(to)) if *to != ']' => {
                    ranges.push((*from, *to));
                    at += 3;
                }
                _ => {
                    ranges.push((*from, *from));
                    at += 1;
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn found(tree: &FileTree, pattern: &str) -> Vec<String> {
        tree.matching(pattern)
            .iter()
            .map(|r| r.path.to_owned())
            .collect()
    }

    #[test]
    fn names_match_as_a_shell_would_match_them() {
        for (pattern, name, expected) in [
            ("*.js", "a.js", true),
            ("*.js", "a.jsx", false),
            ("a*b*c", "aXbYbZc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("lib[a-c].so", "libb.so", true),
            ("lib[!a-c].so", "libb.so", false),
            ("[]x]", "]", true),
            ("[ab", "[ab", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*", "", true),
            ("é?", "éa", true),
        ] {
            assert_eq!(matches_name(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_walk_the_final_filesystem() {
        let tree = fixture::image(
            "layer x
             file /usr/bin/sh 0755 dash
             link /bin -> usr/bin
             file /app/node_modules/a/package.json 0644 text {}
             file /app/node_modules/a/node_modules/b/package.json 0644 text {}
             file /app/src/main.ts 0644 text x",
        )
        .unwrap()
        .tree;
        assert_eq!(found(&tree, "/bin/sh"), ["usr/bin/sh"]);
        assert_eq!(found(&tree, "bin"), ["bin"]);
        assert_eq!(found(&tree, "**/*.ts"), ["app/src/main.ts"]);
        assert_eq!(found(&tree, "/app/**/package.json").len(), 2);
        assert_eq!(
            found(&tree, "app/*/main.ts"),
            ["app/src/main.ts"],
            "a star stays within one name"
        );
        assert!(found(&tree, "/app/*.ts").is_empty());
        assert_eq!(
            found(&tree, "/app/src/**"),
            ["app/src/main.ts"],
            "the directory itself is not below itself"
        );
        assert_eq!(found(&tree, "/app/src"), ["app/src"]);
        assert_eq!(found(&tree, "/**/bin/sh"), ["usr/bin/sh"]);
        assert!(found(&tree, "/").is_empty());
    }
}
