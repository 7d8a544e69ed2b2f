//! The reader against descriptions, and against archives that mean harm.

use super::super::fixture::{ArchiveFormat, Fixture, LayerCompression};
use super::super::{EntryKind, Image};
use super::*;

const EXAMPLE: &str = r#"
    platform linux/arm64/v8
    user 65532:65532
    entrypoint ["/server", "--port=8080"]
    cmd []
    env PATH=/usr/bin
    expose 8080/tcp
    label a=b
    workdir /app
    stopsignal SIGTERM
    volume /data
    healthcheck ["CMD", "/server", "health"]
    shell ["/bin/sh", "-c"]
    onbuild RUN true

    history ARG X
    layer ADD rootfs.tar / # buildkit
    dir / 0755
    file /bin/busybox 0755 busybox
    link /bin/sh -> /bin/busybox
    hardlink /bin/ash -> /bin/busybox
    file /usr/bin/bash 0755 bash size=900000
    file /usr/bin/tool 0755 elf-dynamic arch=arm64 needed=libc.so.6,libm.so.6
    file /usr/lib/libx.so 0644 elf-library arch=arm64 needed=libc.so.6
    file /usr/bin/script 4755 script /usr/bin/env uid=3 gid=4
    file /etc/passwd 0644 <<EOF
    root:x:0:0:root:/root:/bin/sh
    EOF
    file /etc/ssl/certs/ca-certificates.crt 0644 certificates size=140
    special /dev/null
    file /app/node_modules/x/package.json 0644 text {"version": "1.0.0", "name": "x", "main": "i.js"}
    file /app/package.json 0644 text {"name": "app"}
    file /var/cache/big 0644 zeros size=3000000
    file /a/very/long/path/that/does/not/fit/into/the/hundred/bytes/of/the/name/field/of/a/tar/header/at/all/file 0644 text x

    history CMD x
    layer COPY server / # buildkit
    file /server 0755 elf-static arch=arm64 size=1200000 uid=65532
    file /server-pie 0755 elf-static-pie arch=arm64
    whiteout /bin/ash
    opaque /etc
    file /etc/group 0644 text root:x:0:

    layer RUN rm -rf /var/cache/big # buildkit
    whiteout /var/cache/big
    file /bin/busybox 0644 text gone
    file /dev 0644 text now a file
"#;

fn read(bytes: &[u8]) -> Result<Image, ReadError> {
    read_archive(bytes, &ReadOptions::default(), &mut NoCache)
}

/// What cannot be known from a description is taken out.
fn comparable(mut image: Image) -> Image {
    image.id.clear();
    for layer in &mut image.layers {
        layer.diff_id.clear();
        layer.compressed_bytes = None;
    }
    image
}

#[test]
fn every_format_reads_as_what_it_describes() {
    let fixture = Fixture::parse(EXAMPLE).unwrap();
    let expected = fixture.image();
    for format in ArchiveFormat::ALL {
        for compression in LayerCompression::ALL {
            let bytes = fixture.archive(format, compression).unwrap();
            let image = read(&bytes).unwrap_or_else(|e| panic!("{format:?} {compression:?}: {e}"));
            assert!(image.id.starts_with("sha256:"));
            let known = image.layers.iter().all(|l| l.compressed_bytes.is_some());
            let compressed = matches!(compression, LayerCompression::Gzip | LayerCompression::Zstd);
            assert_eq!(known, compressed);
            let image = comparable(image);
            assert_eq!(image.config, expected.config);
            assert_eq!(image.layers, expected.layers, "{format:?} {compression:?}");
            assert_eq!(image.tree, expected.tree, "{format:?} {compression:?}");
            assert_eq!(image.platform, expected.platform);
            assert_eq!(image.history, expected.history);
        }
    }
}

#[test]
fn pieces_of_any_size_read_the_same() {
    struct Slow<'a>(&'a [u8], usize);
    impl std::io::Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(out.len());
            std::io::Read::read(&mut self.0, &mut out[..n])
        }
    }
    let fixture = Fixture::parse(EXAMPLE).unwrap();
    let bytes = fixture
        .archive(ArchiveFormat::DockerOci, LayerCompression::Mixed)
        .unwrap();
    let expected = read(&bytes).unwrap();
    for size in [7, 511, 100_003] {
        let slow = Slow(&bytes, size);
        let image = read_archive(slow, &ReadOptions::default(), &mut NoCache).unwrap();
        assert_eq!(image.tree, expected.tree);
        assert_eq!(image.id, expected.id);
    }
}

#[test]
fn every_cut_is_an_error() {
    let fixture = Fixture::parse("layer x\nfile /a 0755 elf-static\nlayer y\nfile /b 0644 text b");
    let fixture = fixture.unwrap();
    for format in ArchiveFormat::ALL {
        let bytes = fixture.archive(format, LayerCompression::Gzip).unwrap();
        // Without the two blocks of zeros at the end an archive is still whole.
        let end = bytes.len() - 1024;
        let mut failures = 0;
        for cut in (0..end).step_by(97) {
            match read(&bytes[..cut]) {
                Err(_) => failures += 1,
                Ok(image) => assert_eq!(image.layers.len(), 2),
            }
        }
        assert!(failures > 10, "{format:?}");
        assert!(read(&bytes[..bytes.len() / 2]).is_err());
    }
}

#[test]
fn a_flipped_byte_in_a_layer_is_noticed() {
    let fixture = Fixture::parse("layer x\nfile /a 0644 text MARKER-MARKER").unwrap();
    for format in ArchiveFormat::ALL {
        let mut bytes = fixture.archive(format, LayerCompression::None).unwrap();
        let at = bytes.windows(6).position(|w| w == b"MARKER").unwrap();
        bytes[at] = b'W';
        let error = read(&bytes).unwrap_err();
        assert!(
            matches!(error, ReadError::Digest { .. }),
            "{format:?} {error}"
        );
        assert!(error.help().is_some());
    }
}

#[test]
fn needles_are_found_wherever_they_are() {
    let secret = "s3cr3t-canary-0123456789";
    let text = format!(
        "env TOKEN={secret}
         history RUN echo {secret}
         layer x
         file /gone 0644 text a {secret} b
         file /bin/{secret}/x 0644 text x
         link /l -> {secret}
         layer y
         whiteout /gone
         file /hex 0644 text 7333637233742d63616e6172792d30313233343536373839
         file /clean 0644 text nothing"
    );
    let fixture = Fixture::parse(&text).unwrap();
    let options = ReadOptions {
        needles: Needles::new(["absent-value", secret]),
        ..ReadOptions::default()
    };
    for compression in LayerCompression::ALL {
        let bytes = fixture
            .archive(ArchiveFormat::DockerOci, compression)
            .unwrap();
        let image = read_archive(&bytes[..], &options, &mut NoCache).unwrap();
        let found: Vec<Vec<&str>> = image
            .layers
            .iter()
            .map(|l| l.needles.iter().map(|(_, p)| p.as_str()).collect())
            .collect();
        let in_name = format!("bin/{secret}/x");
        assert_eq!(found, [vec!["gone", in_name.as_str(), "l"], vec!["hex"]]);
        assert!(
            image
                .layers
                .iter()
                .flat_map(|l| &l.needles)
                .all(|(n, _)| *n == 1)
        );
        let outside = [(1, "config".to_owned()), (1, "history".to_owned())];
        assert_eq!(image.needles, outside);
    }
}

#[test]
fn compressed_size_is_computed_only_when_asked_for() {
    let fixture = Fixture::parse("layer x\nfile /a 0644 zeros size=1000000").unwrap();
    let bytes = fixture
        .archive(ArchiveFormat::Docker, LayerCompression::None)
        .unwrap();
    assert_eq!(read(&bytes).unwrap().compressed_bytes(), None);
    let options = ReadOptions {
        compressed_sizes: true,
        ..ReadOptions::default()
    };
    let image = read_archive(&bytes[..], &options, &mut NoCache).unwrap();
    let compressed = image.compressed_bytes().unwrap();
    assert!((500..5000).contains(&compressed), "{compressed}");
}

#[test]
fn a_remembered_layer_is_not_read_again_but_still_verified() {
    #[derive(Default)]
    struct Memory(Vec<LayerFacts>, usize);
    impl LayerCache for Memory {
        fn get(&mut self, digest: &str, _: &str) -> Option<LayerFacts> {
            let hit = self.0.iter().find(|f| f.digest == digest).cloned();
            self.1 += usize::from(hit.is_some());
            hit
        }
        fn put(&mut self, facts: &LayerFacts) {
            self.0.push(facts.clone());
        }
    }
    let fixture = Fixture::parse(EXAMPLE).unwrap();
    let mut bytes = fixture
        .archive(ArchiveFormat::DockerOci, LayerCompression::None)
        .unwrap();
    let mut memory = Memory::default();
    let options = ReadOptions::default();
    let first = read_archive(&bytes[..], &options, &mut memory).unwrap();
    assert_eq!(memory.1, 0);
    let second = read_archive(&bytes[..], &options, &mut memory).unwrap();
    assert_eq!(memory.1, 3);
    assert_eq!(first.tree, second.tree);
    assert_eq!(first.layers, second.layers);

    let other = ReadOptions {
        needles: Needles::new(["a needle of another search"]),
        ..ReadOptions::default()
    };
    read_archive(&bytes[..], &other, &mut memory).unwrap();
    assert_eq!(memory.0.len(), 6, "facts of another search do not count");

    let at = bytes.windows(4).position(|w| w == b"gone").unwrap();
    bytes[at] = b'G';
    assert!(matches!(
        read_archive(&bytes[..], &options, &mut memory),
        Err(ReadError::Digest { .. })
    ));
}

#[test]
fn platforms_are_chosen() {
    let one = Fixture::parse("platform linux/amd64\nlayer x\nfile /a 0644 text amd64").unwrap();
    let two = Fixture::parse("platform linux/arm64/v8\nlayer x\nfile /a 0644 text arm64").unwrap();
    let bytes = two_platforms(&one, &two);
    let with = |platform: Option<(&str, &str)>| {
        let options = ReadOptions {
            platform: platform.map(|(os, arch)| super::super::Platform {
                os: os.into(),
                architecture: arch.into(),
                variant: None,
            }),
            ..ReadOptions::default()
        };
        read_archive(&bytes[..], &options, &mut NoCache)
    };
    assert!(matches!(with(None), Err(ReadError::Ambiguous(_))));
    let arm = with(Some(("linux", "arm64"))).unwrap();
    assert_eq!(arm.platform.architecture, "arm64");
    let error = with(Some(("windows", "amd64"))).unwrap_err().to_string();
    assert!(error.contains("linux/arm64/v8"), "{error}");
}

/// Puts the blobs of two OCI layouts into one, under one index.
fn two_platforms(one: &Fixture, two: &Fixture) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    let mut manifests = Vec::new();
    for fixture in [one, two] {
        let bytes = fixture
            .archive(ArchiveFormat::Oci, LayerCompression::Gzip)
            .unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            if path == "index.json" {
                let value: serde_json::Value = serde_json::from_slice(&content).unwrap();
                manifests.extend(value["manifests"].as_array().unwrap().clone());
            } else {
                let mut header = entry.header().clone();
                out.append_data(&mut header, path, &content[..]).unwrap();
            }
        }
    }
    let index = serde_json::json!({"manifests": manifests}).to_string();
    let mut header = tar::Header::new_gnu();
    header.set_size(index.len() as u64);
    out.append_data(&mut header, "index.json", index.as_bytes())
        .unwrap();
    out.into_inner().unwrap()
}

#[test]
fn an_archive_that_is_no_image_says_so() {
    let mut out = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    out.append_data(&mut header, "hello", &b"hi"[..]).unwrap();
    let bytes = out.into_inner().unwrap();
    assert!(matches!(read(&bytes), Err(ReadError::NotAnImage)));
    assert!(matches!(read(b""), Err(ReadError::NotAnImage)));
    assert!(read(b"hello").is_err());
}

#[test]
fn every_name_of_a_file_has_its_facts() {
    let fixture = Fixture::parse(EXAMPLE).unwrap();
    let bytes = fixture
        .archive(ArchiveFormat::Podman, LayerCompression::None)
        .unwrap();
    let image = read(&bytes).unwrap();
    let EntryKind::File { facts, .. } = &image.tree.get("/usr/bin/tool").unwrap().kind else {
        panic!("a tool is a file");
    };
    let elf = facts.elf.as_ref().unwrap();
    assert_eq!(elf.needed, ["libc.so.6", "libm.so.6"]);
    assert!(elf.executable && !elf.is_static());
    assert!(image.tree.get("/bin/ash").is_none());
}

#[test]
fn a_shell_is_known_under_any_name_and_a_mention_of_one_is_none() {
    let kinds = [
        "busybox", "toybox", "bash", "zsh", "mksh", "ksh93", "posh", "yash", "fish", "tcsh", "rc",
        "sash", "elvish", "nushell", "dash", "sh",
    ];
    let mut text = "layer x\n".to_owned();
    for kind in kinds {
        text.push_str(&format!(
            "file /app/{kind}-server 0755 {kind} size=400000\n"
        ));
    }
    text.push_str("file /app/go 0755 elf-static size=300000 contains=/bin/sh contains=GNU_bash ");
    text.push_str("contains=OPTIND contains=BASH_VERSINFO contains=ash\n");
    text.push_str("file /notes 0644 text the BusyBox v1 says applet not found\n");
    let fixture = Fixture::parse(&text).unwrap();
    let bytes = fixture
        .archive(ArchiveFormat::Docker, LayerCompression::None)
        .unwrap();
    let image = read(&bytes).unwrap();
    let shell = |path: &str| match &image.tree.get(path).unwrap().kind {
        EntryKind::File { facts, .. } => facts.shell.clone().map(|s| s.kind),
        _ => None,
    };
    for kind in kinds {
        assert_eq!(shell(&format!("/app/{kind}-server")).as_deref(), Some(kind));
    }
    assert_eq!(shell("/app/go"), None);
    assert_eq!(shell("/notes"), None, "only programs are shells");
}
