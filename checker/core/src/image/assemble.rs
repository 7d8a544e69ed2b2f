//! Layers laid on each other: the final filesystem, and what each layer still gives to it.
//!
//! Follows the OCI image spec's "Applying Changesets": whiteouts concern the layers below only, and of two entries of
//! one name the last counts.

use std::collections::BTreeMap;

use super::read::{LayerEntry, LayerEntryKind, LayerFacts, ReadError};
use super::tree::{Entry, EntryKind, FileTree, Layer};

/// An entry and the file behind it, which its hard links share.
struct Node {
    entry: Entry,
    inode: Option<usize>,
}

/// A regular file, however many names it has.
struct Inode {
    layer: usize,
    size: u64,
    names: u64,
}

#[derive(Default)]
struct Assembly {
    nodes: BTreeMap<String, Node>,
    inodes: Vec<Inode>,
}

/// Lays the layers on each other, lowest first.
///
/// # Errors
///
/// A hard link to nothing, named with its layer.
pub(super) fn assemble(facts: Vec<LayerFacts>) -> Result<(Vec<Layer>, FileTree), ReadError> {
    let mut assembly = Assembly::default();
    let mut layers: Vec<Layer> = Vec::with_capacity(facts.len());
    for (index, facts) in facts.into_iter().enumerate() {
        let first_inode = assembly.inodes.len();
        let count = facts.entries.len() as u64;
        for entry in &facts.entries {
            match entry.kind {
                LayerEntryKind::Whiteout => assembly.remove(&entry.path),
                LayerEntryKind::Opaque => assembly.remove_below(&entry.path),
                _ => {}
            }
        }
        for entry in facts.entries {
            assembly.add(entry, index, &facts.diff_id)?;
        }
        let own = &assembly.inodes[first_inode..];
        layers.push(Layer {
            unpacked_bytes: own.iter().filter(|i| i.names > 0).map(|i| i.size).sum(),
            diff_id: facts.diff_id,
            compressed_bytes: facts.compressed_bytes,
            entries: count,
            wasted_bytes: 0,
            needles: facts.needles,
            history: None,
        });
        // What the layer itself overwrote was never in it for anyone, and is no waste either.
        for inode in &mut assembly.inodes[first_inode..] {
            if inode.names == 0 {
                inode.size = 0;
            }
        }
    }
    for inode in assembly.inodes.iter().filter(|i| i.names == 0) {
        layers[inode.layer].wasted_bytes += inode.size;
    }
    let entries = assembly
        .nodes
        .into_iter()
        .map(|(path, node)| (path, node.entry))
        .collect();
    Ok((layers, FileTree { entries }))
}

impl Assembly {
    fn add(&mut self, item: LayerEntry, layer: usize, diff_id: &str) -> Result<(), ReadError> {
        let mut inode = None;
        let (mut mode, mut uid, mut gid) = (item.mode, item.uid, item.gid);
        let kind = match item.kind {
            LayerEntryKind::Whiteout => return Ok(()),
            LayerEntryKind::Opaque => {
                // The marker says nothing about the directory's own mode.
                self.ensure_directory(&item.path, layer);
                return Ok(());
            }
            LayerEntryKind::Directory => {
                self.ensure_directory(&item.path, layer);
                EntryKind::Directory
            }
            LayerEntryKind::Symlink(target) => EntryKind::Symlink(target),
            LayerEntryKind::Special => EntryKind::Special,
            LayerEntryKind::File { size, facts } => {
                self.inodes.push(Inode {
                    layer,
                    size,
                    names: 0,
                });
                inode = Some(self.inodes.len() - 1);
                EntryKind::File {
                    size,
                    facts: facts.map_or_else(Default::default, |f| *f),
                }
            }
            LayerEntryKind::Hardlink(target) => {
                let same = self.nodes.get(&target);
                let same = same.filter(|n| n.entry.kind != EntryKind::Directory);
                let same = same.ok_or_else(|| {
                    ReadError::malformed(
                        format!("layer {diff_id}: /{}", item.path),
                        format!("a hard link to /{target}, which is not there"),
                    )
                })?;
                if target == item.path {
                    return Ok(());
                }
                inode = same.inode;
                (mode, uid, gid) = (same.entry.mode, same.entry.uid, same.entry.gid);
                same.entry.kind.clone()
            }
        };
        if kind != EntryKind::Directory {
            // First, because the parents of a name can be in the way of it.
            if let Some(inode) = inode {
                self.inodes[inode].names += 1;
            }
            self.ensure_parents(&item.path, layer);
            self.remove(&item.path);
        }
        let entry = Entry {
            kind,
            mode,
            uid,
            gid,
            layer,
        };
        self.nodes.insert(item.path, Node { entry, inode });
        Ok(())
    }

    /// Makes every directory above a path that is not there, or is something else.
    fn ensure_parents(&mut self, path: &str, layer: usize) {
        let mut parent = path;
        while let Some(slash) = parent.rfind('/') {
            parent = &parent[..slash];
            let is_directory = self
                .nodes
                .get(parent)
                .is_some_and(|n| n.entry.kind == EntryKind::Directory);
            if is_directory {
                return;
            }
            self.insert_directory(parent, layer);
        }
    }

    fn ensure_directory(&mut self, path: &str, layer: usize) {
        self.ensure_parents(path, layer);
        let is_directory = self
            .nodes
            .get(path)
            .is_some_and(|n| n.entry.kind == EntryKind::Directory);
        if !is_directory {
            self.insert_directory(path, layer);
        }
    }

    fn insert_directory(&mut self, path: &str, layer: usize) {
        self.remove(path);
        let entry = Entry {
            kind: EntryKind::Directory,
            mode: 0o755,
            uid: 0,
            gid: 0,
            layer,
        };
        self.nodes
            .insert(path.to_owned(), Node { entry, inode: None });
    }

    fn remove(&mut self, path: &str) {
        if let Some(node) = self.nodes.remove(path) {
            self.release(&node);
            if node.entry.kind == EntryKind::Directory {
                self.remove_below(path);
            }
        }
    }

    fn remove_below(&mut self, path: &str) {
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let below: Vec<String> = self
            .nodes
            .range(prefix.clone()..)
            .map(|(p, _)| p)
            .take_while(|p| p.starts_with(&prefix))
            .filter(|p| !p.is_empty())
            .cloned()
            .collect();
        for path in below {
            if let Some(node) = self.nodes.remove(&path) {
                self.release(&node);
            }
        }
    }

    fn release(&mut self, node: &Node) {
        if let Some(inode) = node.inode {
            self.inodes[inode].names -= 1;
        }
    }
}
