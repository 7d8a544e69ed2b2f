//! An image read as it streams: config, layers and the final filesystem, never unpacked to disk.

mod assemble;
pub mod cache;
mod config;
pub mod fixture;
mod glob;
pub mod inspect;
mod keep;
mod read;
mod resolve;
mod shell;
mod tree;

pub use config::{Config, Healthcheck, HistoryEntry, Platform};
pub use keep::CONTENT_LIMIT;
pub use read::{
    ConfigDocument, LayerCache, LayerEntry, LayerEntryKind, LayerFacts, Limits, Needles, NoCache,
    ReadError, ReadOptions, parse_config, read_archive,
};
pub use resolve::normalize;
pub use tree::{
    Elf, Entry, EntryKind, FileFacts, FileTree, Image, Layer, ResolveError, Resolved, Shell,
};
