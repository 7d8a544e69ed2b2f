//! References of images: their parts, and how people shorten them.

/// A reference taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// Registry and name, as written.
    pub(super) name: &'a str,
    /// The tag, if one is written.
    pub(super) tag: Option<&'a str>,
    /// The digest, if one is written.
    pub(super) digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Takes a reference apart. A colon before the last slash belongs to the registry's port.
    pub(super) fn parse(text: &'a str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let last = rest.rfind('/').map_or(0, |i| i + 1);
        let (name, tag) = match rest[last..].rfind(':') {
            Some(i) => (&rest[..last + i], Some(&rest[last + i + 1..])),
            None => (rest, None),
        };
        Self { name, tag, digest }
    }

    /// The name without what Docker adds by itself: `docker.io/library/node` is `node`.
    pub(super) fn short_name(&self) -> &'a str {
        let name = ["docker.io/", "index.docker.io/"]
            .iter()
            .find_map(|p| self.name.strip_prefix(p))
            .unwrap_or(self.name);
        name.strip_prefix("library/").unwrap_or(name)
    }

    /// Whether it names one fixed release: by digest, or by a tag other than `latest`.
    pub(super) fn is_pinned(&self) -> bool {
        self.digest.is_some() || self.tag.is_some_and(|t| !t.is_empty() && t != "latest")
    }

    /// As people write it: short name and tag, without the digest.
    pub(super) fn familiar(&self) -> String {
        match self.tag {
            Some(tag) => format!("{}:{tag}", self.short_name()),
            None => self.short_name().to_owned(),
        }
    }
}

/// Whether people mean Docker Hub's own image of that name when they write it, and not a stage or a named context.
pub(super) fn is_well_known(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "alpine", "busybox", "caddy", "composer", "debian", "docker", "fedora", "golang", "gradle",
        "haproxy", "httpd", "maven", "mongo", "mysql", "nginx", "node", "perl", "php", "postgres",
        "python", "redis", "ruby", "rust", "traefik", "ubuntu",
    ];
    NAMES.contains(&Reference::parse(name).short_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        for (text, short, tag, pinned) in [
            ("node", "node", None, false),
            ("node:latest", "node", Some("latest"), false),
            ("node:24-alpine", "node", Some("24-alpine"), true),
            ("docker.io/library/node:24", "node", Some("24"), true),
            ("localhost:5000/node", "localhost:5000/node", None, false),
            (
                "localhost:5000/node:1",
                "localhost:5000/node",
                Some("1"),
                true,
            ),
            ("node:latest@sha256:ab", "node", Some("latest"), true),
            (
                "gcr.io/distroless/static",
                "gcr.io/distroless/static",
                None,
                false,
            ),
            ("node:", "node", Some(""), false),
        ] {
            let r = Reference::parse(text);
            assert_eq!(
                (r.short_name(), r.tag, r.is_pinned()),
                (short, tag, pinned),
                "{text}"
            );
        }
    }
}
