//! One image's bytes, summed up.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::tree::{EntryKind, FileTree, Image};
use super::SCHEMA;

/// Where an image's bytes are. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Inspection {
    /// `mslab/inspect/v1`.
    pub schema: String,
    /// The image's id.
    pub id: String,
    /// `OS/ARCHITECTURE`.
    pub platform: String,
    /// The size: regular files over all layers.
    pub unpacked_bytes: u64,
    /// What a registry would send, where that is known.
    pub compressed_bytes: Option<u64>,
    /// Bytes that later layers overwrite or remove.
    pub wasted_bytes: u64,
    /// The layers, lowest first.
    pub layers: Vec<LayerSummary>,
    /// The instructions that made layers, those that cost most first. The base image is one.
    pub instructions: Vec<StepSummary>,
    /// The largest files of the final filesystem.
    pub largest_files: Vec<PathSize>,
    /// The largest directories of the final filesystem; none of them lies in another.
    pub largest_directories: Vec<PathSize>,
}

/// What made a layer, as far as is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LayerSource {
    /// The instruction, or the builder's line of history.
    pub text: String,
    /// The instruction's line in the Dockerfile, from 1.
    pub line: Option<usize>,
    /// Whether it came with the base image.
    pub base: bool,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LayerSummary {
    /// Its place, from 1 for the lowest.
    pub number: usize,
    /// Digest of the uncompressed layer.
    pub diff_id: String,
    /// What made it.
    pub source: LayerSource,
    /// Entries in it.
    pub entries: u64,
    /// Bytes of its files.
    pub unpacked_bytes: u64,
    /// Bytes that a registry would send, where that is known.
    pub compressed_bytes: Option<u64>,
    /// Bytes of its files that later layers overwrite or remove.
    pub wasted_bytes: u64,
    /// Its largest files that the final filesystem still has.
    pub largest: Vec<PathSize>,
}

/// All layers that one instruction made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepSummary {
    /// The instruction. For the base image, its `FROM`.
    pub source: LayerSource,
    /// How many layers.
    pub layers: usize,
    /// Bytes of their files.
    pub unpacked_bytes: u64,
    /// Bytes of their files that later layers overwrite or remove.
    pub wasted_bytes: u64,
}

/// A path and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PathSize {
    /// With a leading slash.
    pub path: String,
    /// Bytes of the file, or of all files below the directory.
    pub bytes: u64,
    /// Number of the layer that put it there, from 1; of a directory's entry itself.
    pub layer: usize,
}

/// Sums an image up, with the `top` largest of each kind.
///
/// `sources` says what made each layer; without them, it is the image's history that does.
#[must_use]
pub fn inspect(image: &Image, sources: Option<&[LayerSource]>, top: usize) -> Inspection {
    let source = |index: usize| -> LayerSource {
        if let Some(known) = sources.and_then(|s| s.get(index)) {
            return known.clone();
        }
        let history = image.layers[index]
            .history
            .and_then(|h| image.history.get(h));
        LayerSource {
            text: history.map_or_else(String::new, |h| h.created_by.clone()),
            ..LayerSource::default()
        }
    };
    let mut by_layer: Vec<Vec<PathSize>> = vec![Vec::new(); image.layers.len()];
    for file in files(&image.tree) {
        if let Some(own) = by_layer.get_mut(file.layer - 1) {
            own.push(file);
        }
    }
    let mut largest_files: Vec<PathSize> = Vec::new();
    let layers: Vec<LayerSummary> = image
        .layers
        .iter()
        .zip(by_layer)
        .enumerate()
        .map(|(i, (layer, own))| {
            let largest = largest(own, top);
            largest_files.extend(largest.iter().cloned());
            LayerSummary {
                number: i + 1,
                diff_id: layer.diff_id.clone(),
                source: source(i),
                entries: layer.entries,
                unpacked_bytes: layer.unpacked_bytes,
                compressed_bytes: layer.compressed_bytes,
                wasted_bytes: layer.wasted_bytes,
                largest,
            }
        })
        .collect();
    Inspection {
        schema: SCHEMA.to_owned(),
        id: image.id.clone(),
        platform: format!("{}/{}", image.platform.os, image.platform.architecture),
        unpacked_bytes: image.unpacked_bytes(),
        compressed_bytes: image.compressed_bytes(),
        wasted_bytes: image.wasted_bytes(),
        instructions: instructions(&layers),
        layers,
        largest_files: largest(largest_files, top),
        largest_directories: directories(&image.tree, top),
    }
}

fn files(tree: &FileTree) -> impl Iterator<Item = PathSize> {
    tree.iter().filter_map(|(path, entry)| match entry.kind {
        EntryKind::File { size, .. } => Some(PathSize {
            path: format!("/{path}"),
            bytes: size,
            layer: entry.layer + 1,
        }),
        _ => None,
    })
}

fn largest(mut all: Vec<PathSize>, top: usize) -> Vec<PathSize> {
    all.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    all.truncate(top);
    all
}

/// The files of the root directory itself, where it has any; the layer is that of the newest.
fn root_files(tree: &FileTree) -> Option<PathSize> {
    let own: Vec<PathSize> = files(tree).filter(|f| !f.path[1..].contains('/')).collect();
    Some(PathSize {
        path: "/".to_owned(),
        bytes: own.iter().map(|f| f.bytes).sum(),
        layer: own.iter().map(|f| f.layer).max()?,
    })
}

fn instructions(layers: &[LayerSummary]) -> Vec<StepSummary> {
    let mut out: Vec<StepSummary> = Vec::new();
    for layer in layers {
        let same = out.iter_mut().find(|s| {
            let both_base = s.source.base && layer.source.base;
            both_base || (layer.source.line.is_some() && s.source == layer.source)
        });
        if let Some(step) = same {
            step.layers += 1;
            step.unpacked_bytes += layer.unpacked_bytes;
            step.wasted_bytes += layer.wasted_bytes;
        } else {
            out.push(StepSummary {
                source: layer.source.clone(),
                layers: 1,
                unpacked_bytes: layer.unpacked_bytes,
                wasted_bytes: layer.wasted_bytes,
            });
        }
    }
    out.sort_by_key(|s| std::cmp::Reverse(s.unpacked_bytes));
    out
}

/// The directories that say most: large ones, as deep as possible while most of their bytes are still in them. For the
/// root its own files count, without those of its folders.
fn directories(tree: &FileTree, top: usize) -> Vec<PathSize> {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for (path, entry) in tree.iter() {
        let EntryKind::File { size, .. } = entry.kind else {
            continue;
        };
        let mut at = path;
        while let Some(slash) = at.rfind('/') {
            at = &at[..slash];
            *totals.entry(at).or_default() += size;
        }
    }
    // A directory most of whose bytes are in one directory below says less than that one.
    let mut largest_child: BTreeMap<&str, u64> = BTreeMap::new();
    for (path, bytes) in &totals {
        if let Some(slash) = path.rfind('/') {
            let child = largest_child.entry(&path[..slash]).or_default();
            *child = (*child).max(*bytes);
        }
    }
    let mut candidates: Vec<PathSize> = totals
        .iter()
        .filter(|(path, bytes)| largest_child.get(*path).is_none_or(|c| c * 2 < **bytes))
        .map(|(path, bytes)| PathSize {
            path: format!("/{path}"),
            bytes: *bytes,
            layer: tree.get(path).map_or(0, |e| e.layer + 1),
        })
        .collect();
    candidates.extend(root_files(tree));
    let mut out: Vec<PathSize> = Vec::new();
    for one in largest(candidates, usize::MAX) {
        let nested = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|r| r.starts_with('/'));
        if out.len() < top
            && !out
                .iter()
                .any(|o| nested(&one.path, &o.path) || nested(&o.path, &one.path))
        {
            out.push(one);
        }
    }
    out
}
