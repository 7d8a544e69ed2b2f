//! What the fuzz targets begin with, and that what they ask for holds for it. The seeds of `image` are small archives
//! and layers, made from a description.
//!
//! `MSLAB_BLESS=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

#[path = "../../../fuzz/src/dockerfile.rs"]
mod dockerfile;
#[path = "../../../fuzz/src/image.rs"]
mod image;

use mslab_core::image::fixture::{ArchiveFormat, Fixture, LayerCompression};
use mslab_core::image::{NoCache, ReadOptions, read_archive};

/// Some of everything that a layer can hold, in few bytes.
const DESCRIPTION: &str = r#"
    user 65532
    entrypoint ["/server"]
    env PATH=/bin
    healthcheck ["CMD", "/server", "health"]

    history ARG X
    layer ADD rootfs.tar / # buildkit
    dir / 0755
    file /bin/busybox 0755 busybox size=700
    link /bin/sh -> busybox
    hardlink /bin/ash -> /bin/busybox
    special /dev/null
    file /etc/passwd 0644 text root:x:0:0:root:/root:/bin/sh
    file /app/node_modules/x/package.json 0644 text {"version": "1.0.0", "name": "x"}
    file /a/very/long/path/that/does/not/fit/into/the/hundred/bytes/of/the/name/field/of/a/tar/header/at/all/file 0644 text x

    layer COPY server / # buildkit
    file /server 4755 elf-dynamic needed=libc.so.6 uid=65532
    file /run.sh 0755 script /usr/bin/env

    layer RUN tidy # buildkit
    whiteout /bin/ash
    opaque /etc
    file /etc/group 0644 text root:x:0:
"#;

const FORMATS: [(&str, ArchiveFormat, LayerCompression); 4] = [
    ("docker", ArchiveFormat::Docker, LayerCompression::None),
    ("podman", ArchiveFormat::Podman, LayerCompression::Mixed),
    (
        "docker-oci",
        ArchiveFormat::DockerOci,
        LayerCompression::Gzip,
    ),
    ("oci", ArchiveFormat::Oci, LayerCompression::Zstd),
];

/// Archives by name, and the layers of one of them: plain, gzip and zstd.
fn seeds() -> BTreeMap<String, Vec<u8>> {
    let fixture = Fixture::parse(DESCRIPTION).unwrap();
    let mut seeds = BTreeMap::new();
    for (name, format, compression) in FORMATS {
        let bytes = fixture.archive(format, compression).unwrap();
        seeds.insert(format!("archive-{name}"), bytes);
    }
    let mut count = 0;
    let mut archive = tar::Archive::new(seeds["archive-podman"].as_slice());
    let mut layers = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry
            .path()
            .unwrap()
            .extension()
            .is_some_and(|e| e == "tar")
        {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            layers.push((format!("layer-{count}"), bytes));
            count += 1;
        }
    }
    seeds.extend(layers);
    seeds.insert("layer-pax".to_owned(), pax());
    seeds
}

/// A layer whose names and sizes stand in extended headers.
fn pax() -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    let records = [
        ("path", &b"long/name"[..]),
        ("size", b"3"),
        ("uid", b"70000"),
    ];
    out.append_pax_extensions(records).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(3);
    header.set_mode(0o644);
    out.append_data(&mut header, "short", &b"abc"[..]).unwrap();
    out.into_inner().unwrap()
}

#[test]
fn the_image_fuzzers_seeds_are_there_and_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/image");
    let seeds = seeds();
    if std::env::var_os("MSLAB_BLESS").is_some() {
        std::fs::create_dir_all(&root).unwrap();
        for (name, bytes) in &seeds {
            std::fs::write(root.join(name), bytes).unwrap();
        }
    }
    let stored: BTreeSet<String> = std::fs::read_dir(&root)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: BTreeSet<String> = seeds.keys().cloned().collect();
    assert_eq!(stored, wanted, "the files of fuzz/seeds/image");
    let described = Fixture::parse(DESCRIPTION).unwrap().image();
    for (name, _, _) in FORMATS {
        let bytes = std::fs::read(root.join(format!("archive-{name}"))).unwrap();
        let image = read_archive(bytes.as_slice(), &ReadOptions::default(), &mut NoCache);
        let image = image.unwrap_or_else(|e| panic!("archive-{name}: {e}"));
        assert_eq!(image.tree, described.tree, "archive-{name}");
    }
}

#[test]
fn what_the_fuzzers_ask_for_holds_for_their_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    for (folder, holds) in [
        ("dockerfile", dockerfile::holds as fn(&[u8])),
        ("image", image::holds),
    ] {
        let mut count = 0;
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            holds(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 5, "{folder}");
    }
}
