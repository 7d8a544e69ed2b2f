//! What one image has that another has not.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::tree::{Entry, EntryKind, Image};
use super::SCHEMA;

/// How two images differ. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Comparison {
    /// `mslab/inspect/v1`.
    pub schema: String,
    /// The image that is compared.
    pub before: Side,
    /// The image that it is compared with.
    pub after: Side,
    /// Every path of the final filesystems that is not the same, the largest difference first.
    pub changes: Vec<Change>,
    /// How many paths are the same in both.
    pub unchanged: usize,
}

/// One of the two images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Side {
    /// Its id.
    pub id: String,
    /// The size: regular files over all layers.
    pub unpacked_bytes: u64,
    /// What a registry would send, where that is known.
    pub compressed_bytes: Option<u64>,
    /// Bytes that later layers overwrite or remove.
    pub wasted_bytes: u64,
    /// How many layers.
    pub layers: usize,
    /// How many paths.
    pub paths: usize,
}

/// A path that is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// With a leading slash.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Bytes before; 0 for what is no file.
    pub bytes_before: u64,
    /// Bytes after; 0 for what is no file.
    pub bytes_after: u64,
}

impl Change {
    /// How many bytes more there are now; negative for fewer.
    #[must_use]
    pub fn difference(&self) -> i128 {
        i128::from(self.bytes_after) - i128::from(self.bytes_before)
    }
}

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Only the second image has it.
    Added,
    /// Only the first image has it.
    Removed,
    /// A file with more bytes.
    Bigger,
    /// A file with fewer bytes.
    Smaller,
    /// Something else about it: what it is, its mode or owner, a link's target, what its content shows.
    Changed,
}

/// Compares the final filesystems of two images.
///
/// Of a file's content only the size and the facts are known: an edit that changes neither is not seen.
#[must_use]
pub fn compare(before: &Image, after: &Image) -> Comparison {
    let mut changes = Vec::new();
    let mut unchanged = 0;
    let mut old = before.tree.iter().peekable();
    let mut new = after.tree.iter().peekable();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let a = order.is_le().then(|| old.next()).flatten();
        let b = order.is_ge().then(|| new.next()).flatten();
        let Some((path, _)) = a.or(b) else { break };
        match kind(a.map(|(_, e)| e), b.map(|(_, e)| e)) {
            None => unchanged += 1,
            Some(kind) => changes.push(Change {
                path: format!("/{path}"),
                kind,
                bytes_before: a.map_or(0, |(_, e)| size(e)),
                bytes_after: b.map_or(0, |(_, e)| size(e)),
            }),
        }
    }
    changes.sort_by(|a: &Change, b: &Change| {
        let by_size = b.difference().abs().cmp(&a.difference().abs());
        by_size.then_with(|| a.path.cmp(&b.path))
    });
    Comparison {
        schema: SCHEMA.to_owned(),
        before: side(before),
        after: side(after),
        changes,
        unchanged,
    }
}

fn side(image: &Image) -> Side {
    Side {
        id: image.id.clone(),
        unpacked_bytes: image.unpacked_bytes(),
        compressed_bytes: image.compressed_bytes(),
        wasted_bytes: image.wasted_bytes(),
        layers: image.layers.len(),
        paths: image.tree.entries.len(),
    }
}

fn kind(before: Option<&Entry>, after: Option<&Entry>) -> Option<ChangeKind> {
    let (before, after) = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => return Some(ChangeKind::Added),
        (Some(_), None) => return Some(ChangeKind::Removed),
        (Some(before), Some(after)) => (before, after),
    };
    if let (EntryKind::File { size: a, .. }, EntryKind::File { size: b, .. }) =
        (&before.kind, &after.kind)
    {
        match a.cmp(b) {
            std::cmp::Ordering::Less => return Some(ChangeKind::Bigger),
            std::cmp::Ordering::Greater => return Some(ChangeKind::Smaller),
            std::cmp::Ordering::Equal => {}
        }
    }
    let about = |e: &Entry| (e.mode, e.uid, e.gid);
    let same = before.kind == after.kind && about(before) == about(after);
    (!same).then_some(ChangeKind::Changed)
}

fn size(entry: &Entry) -> u64 {
    match entry.kind {
        EntryKind::File { size, .. } => size,
        _ => 0,
    }
}
