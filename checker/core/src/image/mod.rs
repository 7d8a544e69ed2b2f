//! An image read as it streams: config, layers and the final filesystem, never unpacked to disk.

mod config;
mod tree;

pub use config::{Config, Healthcheck, HistoryEntry, Platform};
pub use tree::{
    Elf, Entry, EntryKind, FileFacts, FileTree, Image, Layer, ResolveError, Resolved, Shell,
};
