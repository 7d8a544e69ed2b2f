//! An image archive read in one pass: what `docker save` and `podman save` write, and OCI layouts as tar streams.
//!
//! The configuration comes after the layers in most archives, so that every file of the archive is looked at as it
//! passes: JSON is kept, and whatever is a tar stream (plain, gzip or zstd) is read as a layer, of which only facts stay.
//! Memory grows with the number of paths, not with their bytes. Nothing is written anywhere.
//!
//! Files that no chosen image names may be anything. Digests are always checked: those in a blob's name, and the
//! configuration's `diff_ids` over the uncompressed layers.

mod archive;
mod blob;
mod config;
mod elf;
mod entries;
mod error;
mod gzipped;
#[cfg(test)]
mod hostile;
mod layer;
mod limits;
mod manifest;
mod needles;
mod scan;
mod search;
mod stream;

#[cfg(test)]
mod tests;

pub use archive::{ReadOptions, read_archive};
pub use config::{ConfigDocument, parse_config};
pub use error::ReadError;
pub use layer::{LayerEntry, LayerEntryKind, LayerFacts};
pub use limits::Limits;
pub use needles::Needles;

/// Remembers what is known of layers from one reading to the next.
pub trait LayerCache {
    /// What is known of the layer of this digest, found with needles of this key.
    fn get(&mut self, digest: &str, needles_key: &str) -> Option<LayerFacts>;

    /// Keeps what was learned. Failing to is no error of the reader's.
    fn put(&mut self, facts: &LayerFacts);
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCache;

impl LayerCache for NoCache {
    fn get(&mut self, _: &str, _: &str) -> Option<LayerFacts> {
        None
    }

    fn put(&mut self, _: &LayerFacts) {}
}
