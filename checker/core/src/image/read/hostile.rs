//! Archives that mean harm, or that no tar would write: every one an error that names the thing, none a panic.

use proptest::prelude::*;

use super::super::fixture::{
    ArchiveFormat, Content, Fixture, FixtureLayer, Item, ItemKind, LayerCompression,
};
use super::super::{HistoryEntry, Image};
use super::stream::digest_of;
use super::*;

/// A tar header with a right checksum.
struct Raw([u8; 512]);

impl Raw {
    fn new(name: &[u8], flag: u8, size: usize) -> Self {
        let mut raw = Self([0; 512]);
        raw.set(0, &name[..name.len().min(100)]);
        raw.set(100, b"0000644\0");
        raw.set(108, b"0000000\0");
        raw.set(116, b"0000000\0");
        raw.set(124, format!("{size:011o}\0").as_bytes());
        raw.set(257, b"ustar\x0000");
        raw.0[156] = flag;
        raw
    }

    fn set(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn link(mut self, target: &[u8]) -> Self {
        self.set(157, target);
        self
    }

    fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.set(at, bytes);
        self
    }

    fn bytes(mut self, content: &[u8]) -> Vec<u8> {
        self.set(148, b"        ");
        let sum: u32 = self.0.iter().map(|b| u32::from(*b)).sum();
        self.set(148, format!("{sum:06o}\0 ").as_bytes());
        let mut out = self.0.to_vec();
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
        out
    }
}

/// An archive of one image with this one layer, which is taken as it is.
fn archive(layer: &[u8]) -> Vec<u8> {
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"diff_ids": [digest_of(layer)]},
    })
    .to_string();
    let manifest = r#"[{"Config": "c.json", "Layers": ["layer.tar"]}]"#;
    let files: [(&str, &[u8]); 3] = [
        ("layer.tar", layer),
        ("c.json", config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ];
    let entries = files
        .iter()
        .flat_map(|(name, content)| Raw::new(name.as_bytes(), b'0', content.len()).bytes(content));
    entries.chain([0; 1024]).collect()
}

fn layer(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = entries.concat();
    out.extend([0; 1024]);
    out
}

fn read_with(bytes: &[u8], limits: Limits) -> Result<Image, ReadError> {
    let options = ReadOptions {
        limits,
        ..ReadOptions::default()
    };
    read_archive(bytes, &options, &mut NoCache)
}

fn read(entries: &[Vec<u8>]) -> Result<Image, ReadError> {
    read_with(&archive(&layer(entries)), Limits::default())
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let length = (1..9)
            .map(|digits| rest.len() + digits)
            .find(|l| l.to_string().len() + rest.len() == *l)
            .unwrap();
        body.extend_from_slice(format!("{length}{rest}").as_bytes());
    }
    Raw::new(b"pax", b'x', body.len()).bytes(&body)
}

#[test]
fn an_honest_layer_of_this_kind_reads() {
    let image = read(&[
        Raw::new(b"./", b'5', 0).bytes(b""),
        Raw::new(b"/absolute", b'0', 2).bytes(b"hi"),
        pax(&[("path", "a/long/name"), ("size", "3"), ("uid", "70000")]),
        Raw::new(b"short", b'0', 0).bytes(b"abc"),
        Raw::new(b"bin\xff", b'0', 0).bytes(b""),
        Raw::new(b"a/../b", b'2', 0).link(b"/../../x").bytes(b""),
        Raw::new(b"twice", b'0', 1).bytes(b"1"),
        Raw::new(b"twice", b'0', 2).bytes(b"22"),
        Raw::new(b"big", b'0', 0)
            .with(124, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5])
            .bytes(b"12345"),
    ])
    .unwrap();
    let paths: Vec<_> = image.tree.iter().map(|(p, _)| p).collect();
    let expected = [
        "",
        "a",
        "a/long",
        "a/long/name",
        "absolute",
        "b",
        "big",
        "bin\\xff",
        "twice",
    ];
    assert_eq!(paths, expected);
    assert_eq!(image.tree.get("a/long/name").unwrap().uid, 70000);
    assert_eq!(
        image.unpacked_bytes(),
        2 + 3 + 2 + 5,
        "of a name the last counts"
    );
    assert_eq!(image.wasted_bytes(), 0);
}

#[test]
fn what_leads_outside_is_refused() {
    for entry in [
        Raw::new(b"../etc/passwd", b'0', 0),
        Raw::new(b"a/../../x", b'5', 0),
        Raw::new(b"/..", b'0', 0),
        Raw::new(b"h", b'1', 0).link(b"../../etc/shadow"),
    ] {
        let error = read(&[entry.bytes(b"")]).unwrap_err();
        assert!(matches!(error, ReadError::Escapes { .. }), "{error}");
        assert!(
            error.to_string().starts_with("layer layer.tar: "),
            "{error}"
        );
    }
    let nowhere = Raw::new(b"h", b'1', 0).link(b"nothing").bytes(b"");
    let error = read(&[nowhere]).unwrap_err().to_string();
    assert!(
        error.ends_with("/h: a hard link to /nothing, which is not there"),
        "{error}"
    );
}

#[test]
fn headers_that_lie_are_refused() {
    let wrong_sum = {
        let mut bytes = Raw::new(b"x", b'0', 0).bytes(b"");
        bytes[0] = b'y';
        bytes
    };
    let first = || Raw::new(b"first", b'0', 0).bytes(b"");
    for (what, entries) in [
        ("checksum", vec![first(), wrong_sum]),
        (
            "size",
            vec![
                Raw::new(b"x", b'0', 0)
                    .with(124, b"99999999999\0")
                    .bytes(b""),
            ],
        ),
        (
            "size",
            vec![Raw::new(b"x", b'0', 0).with(124, &[0xff; 12]).bytes(b"")],
        ),
        (
            "size",
            vec![
                Raw::new(b"x", b'0', 0)
                    .with(
                        124,
                        &[
                            0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                        ],
                    )
                    .bytes(b""),
            ],
        ),
        (
            "owner",
            vec![Raw::new(b"x", b'0', 0).with(108, b"what?").bytes(b"")],
        ),
        ("soon", vec![Raw::new(b"x", b'0', 1 << 30).bytes(b"short")]),
        ("sparse", vec![Raw::new(b"x", b'S', 0).bytes(b"")]),
        ("sparse", vec![pax(&[("GNU.sparse.major", "1")]), first()]),
        ("unknown type", vec![Raw::new(b"x", b'Z', 0).bytes(b"")]),
        ("no name", vec![Raw::new(b"", b'0', 0).bytes(b"")]),
        (
            "PAX",
            vec![Raw::new(b"p", b'x', 9).bytes(b"999 a=b\n\n"), first()],
        ),
        (
            "PAX",
            vec![Raw::new(b"p", b'x', 6).bytes(b"0 a=b\n"), first()],
        ),
        ("PAX", vec![pax(&[("size", "-1")]), first()]),
        ("PAX", vec![pax(&[("path", "a\0b")]), first()]),
        ("zeros", vec![first(), vec![0; 512], first()]),
    ] {
        let error = read(&entries).unwrap_err().to_string();
        assert!(
            error.contains(what) && error.contains("layer.tar"),
            "{what}: {error}"
        );
    }
}

#[test]
fn limits_hold() {
    let small = Limits {
        entries: 10,
        path_bytes: 50,
        depth: 5,
        link_bytes: 20,
        header_bytes: 2000,
        unpacked_bytes: 100_000,
        json_bytes: 1000,
        metadata_bytes: 20_000,
        ..Limits::default()
    };
    let refused = |entries: &[Vec<u8>]| {
        let error = read_with(&archive(&layer(entries)), small.clone()).unwrap_err();
        assert!(matches!(error, ReadError::Limit { .. }), "{error}");
    };
    refused(&[Raw::new(&[b'a'; 60], b'0', 0).bytes(b"")]);
    refused(&[Raw::new(b"a/b/c/d/e/f", b'0', 0).bytes(b"")]);
    refused(&[Raw::new(b"l", b'2', 0).link(&[b'x'; 30]).bytes(b"")]);
    refused(&[Raw::new(b"n", b'L', 3000).bytes(&[b'x'; 3000])]);
    refused(&vec![pax(&[("comment", &"x".repeat(400))]); 8]);
    refused(&vec![Raw::new(b"p", b'g', 0).bytes(b""); 2500]);
    refused(&vec![Raw::new(b"e", b'0', 0).bytes(b""); 11]);
    refused(&[Raw::new(b"big", b'0', 200_000).bytes(&[0; 200_000])]);
    let passwd = Raw::new(b"passwd", b'0', 30_000).bytes(&[b'x'; 30_000]);
    refused(&[passwd]);
}

#[test]
fn bombs_are_stopped_while_they_unpack() {
    let fixture = Fixture::parse("layer x\nfile /zeros 0644 zeros size=20000000").unwrap();
    let limits = Limits {
        unpacked_bytes: 1_000_000,
        ..Limits::default()
    };
    for compression in [LayerCompression::Gzip, LayerCompression::Zstd] {
        let bytes = fixture.archive(ArchiveFormat::Oci, compression).unwrap();
        assert!(bytes.len() < 1_000_000);
        let error = read_with(&bytes, limits.clone()).unwrap_err();
        assert!(matches!(error, ReadError::Limit { .. }), "{error}");
    }
    let mut left = u64::MAX;
    let mut bound = super::stream::Bound {
        inner: std::io::repeat(0),
        what: "layer x",
        left: &mut left,
        seen: 300 << 20,
        ratio: Some((1000, 1200)),
    };
    let error = std::io::Read::read(&mut bound, &mut [0; 10]).unwrap_err();
    let error = ReadError::from_io(error, "x").to_string();
    assert_eq!(error, "layer x: more than 1200 bytes from each stored one");
}

#[test]
fn documents_that_lie_are_refused() {
    let honest = archive(&layer(&[]));
    let with = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = honest
            .windows(from.len())
            .position(|w| w == from.as_bytes())
            .unwrap();
        let mut bytes = honest.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        read_with(&bytes, Limits::default()).unwrap_err()
    };
    assert!(read_with(&honest, Limits::default()).is_ok());
    assert!(matches!(
        with("layer.tar\"]", "other.tar\"]"),
        ReadError::Missing(_)
    ));
    assert!(matches!(
        with("\"c.json\"", "\"d.json\""),
        ReadError::Missing(_)
    ));
    assert!(matches!(
        with("[\"layer.tar\"]", "[           ]"),
        ReadError::Malformed { .. }
    ));
    assert!(matches!(
        with("sha256:", "sha512:"),
        ReadError::Digest { .. }
    ));
    assert!(matches!(
        with("[{\"Config", "{{\"Config"),
        ReadError::Malformed { .. }
    ));
    let tiny = Limits {
        json_bytes: 20,
        ..Limits::default()
    };
    assert!(read_with(&honest, tiny).is_err());
}

/// Entries on a few names, so that they often get into each other's way.
fn item() -> impl Strategy<Value = Item> {
    let name = prop_oneof!["[abc]", "[abc]/[abc]", "[abc]/[abc]/[abc]"];
    let kind = prop_oneof![
        4 => (0u64..50).prop_map(|size| ItemKind::File(Content { size, ..Content::default() })),
        2 => Just(ItemKind::Directory),
        1 => "/?[abc](/[abc])?".prop_map(ItemKind::Symlink),
        1 => Just(ItemKind::Special),
        2 => Just(ItemKind::Whiteout),
        1 => Just(ItemKind::Opaque),
        2 => "[abc]".prop_map(ItemKind::Hardlink),
    ];
    (name, kind, 0u32..0o10000, 0u64..3).prop_map(|(path, kind, mode, uid)| Item {
        path,
        mode,
        uid,
        gid: uid,
        kind,
    })
}

/// A hard link must come after its file, with nothing in between that could have replaced it.
fn with_sound_links(items: Vec<Item>) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::new();
    for mut item in items {
        if let ItemKind::Hardlink(_) = item.kind {
            let Some(last) = out.last() else { continue };
            let below = item.path.starts_with(&format!("{}/", last.path));
            if !matches!(last.kind, ItemKind::File(_)) || below || last.path == item.path {
                continue;
            }
            item.kind = ItemKind::Hardlink(last.path.clone());
        }
        out.push(item);
    }
    out
}

fn fixtures() -> impl Strategy<Value = Fixture> {
    let layer = prop::collection::vec(item(), 0..8).prop_map(|items| FixtureLayer {
        items: with_sound_links(items),
        ..FixtureLayer::default()
    });
    prop::collection::vec(layer, 1..5).prop_map(|layers| Fixture {
        history: vec![HistoryEntry::default(); layers.len()],
        layers,
        ..Fixture::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_layers_make_the_filesystem_that_they_describe(fixture in fixtures()) {
        let bytes = fixture.archive(ArchiveFormat::Podman, LayerCompression::None).unwrap();
        let image = read_with(&bytes, Limits::default()).unwrap();
        prop_assert_eq!(&image.tree, &fixture.image().tree);
        let live: u64 = image.unpacked_bytes() - image.wasted_bytes();
        let names: u64 = image.tree.iter().map(|(_, e)| match e.kind {
            super::super::EntryKind::File { size, .. } => size,
            _ => 0,
        }).sum();
        // A file of several names is in the one sum once, and in the other for each.
        prop_assert!(live <= names);
        for (path, _) in image.tree.iter() {
            let parent = path.rfind('/').map_or("", |slash| &path[..slash]);
            let parent = image.tree.get(parent);
            prop_assert!(parent.is_some_and(|e| e.kind == super::super::EntryKind::Directory));
        }
    }

    #[test]
    fn bytes_of_any_kind_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(read_with(&bytes, Limits::default()).is_err());
        let _ = read_with(&archive(&bytes), Limits::default());
        for magic in [&b"\x1f\x8b\x08\0\0\0\0\0\0\0"[..], b"\x28\xb5\x2f\xfd"] {
            let _ = read_with(&archive(&[magic, &bytes].concat()), Limits::default());
        }
        let _ = read(&[Raw::new(b"elf", b'0', bytes.len() + 4).bytes(&[b"\x7fELF", &bytes[..]].concat())]);
    }

    #[test]
    fn changed_bytes_are_no_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let fixture = Fixture::parse(
            "layer x\nfile /a 0755 elf-dynamic\nlink /b -> a\nhardlink /c -> a\nlayer y\nwhiteout /a",
        ).unwrap();
        let mut bytes = fixture.archive(ArchiveFormat::DockerOci, LayerCompression::Mixed).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read_with(&bytes, Limits::default());
    }
}
