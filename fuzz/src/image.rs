//! Any bytes at all as an image archive and as a layer: no panic, no hang, and an image that is whole where one is read.
//!
//! The fuzz target calls it, and so do the tests, with the seeds.

use mslab_core::image::{
    EntryKind, Image, Limits, NoCache, Platform, ReadError, ReadOptions, inspect, read_archive,
};
use sha2::{Digest, Sha256};

/// Bytes of a tar's block.
const BLOCK: usize = 512;

/// What holds for any bytes.
pub(crate) fn holds(bytes: &[u8]) {
    for archive in [
        bytes.to_vec(),
        summed(bytes),
        around(bytes),
        around(&summed(bytes)),
    ] {
        if let Ok(image) = read(&archive) {
            whole(&image);
        }
    }
}

/// Small limits, so that what asks for much is refused before it takes long.
fn read(bytes: &[u8]) -> Result<Image, ReadError> {
    let options = ReadOptions {
        limits: Limits {
            entries: 2_000,
            blobs: 100,
            unpacked_bytes: 8 << 20,
            json_bytes: 1 << 20,
            total_json_bytes: 2 << 20,
            metadata_bytes: 16 << 20,
            ..Limits::default()
        },
        platform: Some(Platform {
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
            variant: None,
        }),
        ..ReadOptions::default()
    };
    read_archive(bytes, &options, &mut NoCache)
}

/// What holds for every image that could be read, and what checks ask of it.
fn whole(image: &Image) {
    assert!(
        image.wasted_bytes() <= image.unpacked_bytes(),
        "wasted more than there is"
    );
    for (path, entry) in image.tree.iter() {
        assert!(!path.starts_with('/') && !path.ends_with('/'), "{path:?}");
        assert!(
            path.split('/').all(|part| !matches!(part, "." | "..")),
            "{path:?}"
        );
        let parent = path.rfind('/').map_or("", |slash| &path[..slash]);
        let parent = image.tree.get(parent).expect("a folder around it");
        assert_eq!(
            parent.kind,
            EntryKind::Directory,
            "{path:?} lies in no folder"
        );
        assert!(
            entry.layer < image.layers.len().max(1),
            "{path:?} comes from no layer"
        );
        assert!(image.tree.resolve_no_follow(path).is_ok(), "{path:?}");
        let _ = image.tree.resolve(path);
    }
    for pattern in ["**", "*", "/bin/*sh", "**/node_modules/*"] {
        let _ = image.tree.matching(pattern);
    }
    let _ = inspect::inspect(image, None, 5).human("fuzz");
}

/// The bytes with the right checksum in every tar header, so that what lies behind it is met too.
fn summed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + BLOCK) {
        if header.iter().any(|b| *b != 0) {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        let digits: String = header[124..136]
            .iter()
            .map(|b| char::from(*b))
            .filter(|c| ('0'..='7').contains(c))
            .collect();
        let size = usize::from_str_radix(&digits, 8).unwrap_or(0);
        at = at
            .saturating_add(BLOCK)
            .saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
        if at > bytes.len() {
            break;
        }
    }
    bytes
}

/// An honest archive of an image that has the bytes as its one layer.
fn around(layer: &[u8]) -> Vec<u8> {
    let hex: String = Sha256::digest(layer)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"diff_ids":["sha256:{hex}"]}}}}"#
    );
    let manifest = r#"[{"Config":"c.json","Layers":["layer.tar"]}]"#;
    let files: [(&str, &[u8]); 3] = [
        ("layer.tar", layer),
        ("c.json", config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ];
    let mut out = Vec::new();
    for (name, content) in files {
        let mut header = [0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[108..115].copy_from_slice(b"0000000");
        header[116..123].copy_from_slice(b"0000000");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        out.extend_from_slice(&header);
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    summed(&out)
}
