//! Bundles of certificate authorities: where programs look for them, and which bases carry one.

use crate::image::{EntryKind, Image};
use crate::stages::{Base, Stage};

use super::mend::{Text, name_and_tag};
use super::started::facts;

/// Where Debian and Alpine keep the bundle, and where Go looks first.
pub(super) const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The files that Go's `crypto/x509` (`root_linux.go`) tries, in its order; OpenSSL's own places are among them.
pub(super) const FILES: &[&str] = &[
    BUNDLE,
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The folders that it reads besides.
pub(super) const FOLDERS: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// A file with certificates in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bundle {
    /// As programs ask for it, with a leading slash.
    pub(super) path: String,
    /// How many certificates it holds.
    pub(super) certificates: usize,
    /// The layer of the file at the end of the links.
    pub(super) layer: usize,
}

/// The file at `path`, whether it holds a certificate or not; `None` where nothing is there.
pub(super) fn at(image: &Image, path: &str) -> Option<Bundle> {
    let end = image.tree.resolve(path).ok()?;
    let facts = facts(end.entry)?;
    Some(Bundle {
        path: path.to_owned(),
        certificates: facts.certificates,
        layer: end.entry.layer,
    })
}

/// The files directly in a folder that hold a certificate.
pub(super) fn in_folder(image: &Image, folder: &str) -> Vec<Bundle> {
    let Ok(end) = image.tree.resolve(folder) else {
        return Vec::new();
    };
    if end.entry.kind != EntryKind::Directory {
        return Vec::new();
    }
    image
        .tree
        .children(end.path)
        .filter_map(|(name, _)| at(image, &format!("{}/{name}", folder.trim_end_matches('/'))))
        .filter(|b| b.certificates > 0)
        .collect()
}

/// Every bundle in the usual places that holds a certificate.
pub(super) fn bundles(image: &Image) -> Vec<Bundle> {
    let files = FILES.iter().filter_map(|f| at(image, f));
    let folders = FOLDERS.iter().flat_map(|f| in_folder(image, f));
    files
        .filter(|b| b.certificates > 0)
        .chain(folders)
        .collect()
}

/// A stage before the target whose base is known to carry [`BUNDLE`]; one that the target copies from, if there is
/// one. It must have a name that `COPY --from` can use.
pub(super) fn stage_with_bundle<'a>(text: &Text<'a>) -> Option<&'a Stage> {
    let graph = &text.source.graph;
    let reachable = graph.reachable(text.target.index);
    let earlier = graph.stages.iter().filter(|s| {
        s.index < text.target.index && s.name.is_some() && reachable.contains(&s.index)
    });
    earlier.rev().find(|s| carries_bundle(text, s))
}

/// Whether the image at the bottom of the stage is known to carry [`BUNDLE`].
pub(super) fn carries_bundle(text: &Text<'_>, stage: &Stage) -> bool {
    let stages = &text.source.graph.stages;
    let mut at = stage;
    while let Base::Stage(i) = at.base {
        match stages.get(i) {
            Some(next) if next.index < at.index => at = next,
            _ => return false,
        }
    }
    let Base::Image(base) = &at.base else {
        return false;
    };
    image_carries_bundle(base)
}

/// Whether the image of that reference is known to carry [`BUNDLE`]: the official ones that are made for fetching, and
/// everything on Alpine, whose base has it.
pub(super) fn image_carries_bundle(reference: &str) -> bool {
    let (name, tag) = name_and_tag(reference);
    match name {
        "alpine" | "golang" | "rust" | "python" | "buildpack-deps" | "curl" => true,
        "node" | "ruby" | "php" => !tag.contains("slim"),
        _ => tag.contains("alpine"),
    }
}
