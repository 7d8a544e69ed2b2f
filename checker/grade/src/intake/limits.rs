//! How much of anybody's submission is looked at. Passing a limit is that submission's finding, and nobody else's.

/// Limits for one submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an archive as it was handed in.
    pub archive_bytes: u64,
    /// Bytes that come out of an archive.
    pub unpacked_bytes: u64,
    /// How many bytes may come out of one byte of an archive.
    pub ratio: u64,
    /// Bytes that come out before the ratio counts: small archives of text are packed well.
    pub ratio_from: u64,
    /// Files, folders and links.
    pub entries: usize,
    /// Folders inside each other.
    pub depth: usize,
    /// Bytes of one path.
    pub path_bytes: usize,
    /// Bytes of one file that counts.
    pub file_bytes: u64,
    /// Bytes of all files that count.
    pub total_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 64 << 20,
            unpacked_bytes: 512 << 20,
            ratio: 200,
            ratio_from: 16 << 20,
            entries: 50_000,
            depth: 64,
            path_bytes: 4096,
            file_bytes: 1 << 20,
            total_bytes: 4 << 20,
        }
    }
}
