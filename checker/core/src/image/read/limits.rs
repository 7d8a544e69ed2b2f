//! How much an archive may ask of its reader before it is refused.

/// Limits on an archive. The defaults are far above what honest images need, and keep a hostile one from costing more
/// than time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries over all layers and the archive itself.
    pub entries: u64,
    /// Layers and other files in the archive.
    pub blobs: u64,
    /// Bytes of all layers, decompressed.
    pub unpacked_bytes: u64,
    /// Decompressed bytes for each compressed one, judged after the first 256 MiB of a layer. Gzip cannot exceed 1032.
    pub compression_ratio: u64,
    /// Bytes of a path, as in Linux's `PATH_MAX`.
    pub path_bytes: usize,
    /// Directories above an entry.
    pub depth: usize,
    /// Bytes of a symbolic or hard link's target.
    pub link_bytes: usize,
    /// Bytes of one entry's extended headers (PAX records, GNU long names).
    pub header_bytes: u64,
    /// Bytes of one JSON document; larger ones are passed over, and are an error only where one is needed.
    pub json_bytes: u64,
    /// Bytes of all JSON documents.
    pub total_json_bytes: u64,
    /// Bytes of memory that paths, link targets and kept contents may take over all layers.
    pub metadata_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 1_000_000,
            blobs: 10_000,
            unpacked_bytes: 64 << 30,
            compression_ratio: 1200,
            path_bytes: 4096,
            depth: 256,
            link_bytes: 4096,
            header_bytes: 1 << 20,
            json_bytes: 8 << 20,
            total_json_bytes: 64 << 20,
            metadata_bytes: 1 << 30,
        }
    }
}
