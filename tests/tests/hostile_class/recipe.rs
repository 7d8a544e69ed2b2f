//! A hostile submission as it is committed: a few lines that say how to make it, and what must come of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// One submission.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    /// What it is, for whoever reads the recipe.
    #[allow(dead_code, reason = "read by people")]
    about: String,
    /// The student's id; the recipe's name if there is none.
    pub(crate) student: Option<String>,
    /// `zip`, `tar` or `tar.gz`; a folder if there is none.
    archive: Option<String>,
    pub(crate) expect: Expect,
    /// Files with their text.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// What has to be made.
    #[serde(default)]
    make: Vec<Make>,
}

/// What must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The state, as `grades.json` has it.
    pub(crate) state: String,
    /// Words that the grade must contain.
    #[serde(default)]
    pub(crate) says: String,
    /// Words that no report may contain.
    pub(crate) never: Option<String>,
}

/// Something that cannot be stored as it is, or would be too large to.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Make {
    /// A link, to be followed by nobody.
    Link {
        path: String,
        to: String,
    },
    Fifo {
        path: String,
    },
    Socket {
        path: String,
    },
    /// A file with a hole of this length and nothing else.
    Hole {
        path: String,
        bytes: u64,
    },
    /// So many empty files.
    Many {
        path: String,
        count: usize,
    },
    /// So many folders inside each other.
    Deep {
        path: String,
        count: usize,
    },
    /// Text with a line so many times; `{n}` in it is the number, `{n1}` the next.
    Repeat {
        path: String,
        #[serde(default)]
        head: String,
        line: String,
        #[serde(default)]
        tail: String,
        count: usize,
    },
    /// An `ENV` whose value has so many variables inside each other.
    Nested {
        path: String,
        count: usize,
    },
    /// Bytes, in hexadecimal digits.
    Bytes {
        path: String,
        hex: String,
    },
    /// Files whose names are no text, or orders to a terminal or a shell.
    OddNames {
        path: String,
    },
    /// In an archive: so many zeros.
    Zeros {
        path: String,
        bytes: u64,
    },
    /// In an archive: a file by exactly this name.
    Entry {
        path: String,
    },
    /// In a tar: a hard link.
    HardLink {
        path: String,
        to: String,
    },
    /// In a tar: a device.
    Device {
        path: String,
    },
}

impl Recipe {
    /// Makes the submission in the folder that holds them all.
    pub(crate) fn lay_out(&self, student: &str, class: &Path) {
        match self.archive.as_deref() {
            None => self.folder(&class.join(student)),
            Some("zip") => self.zip(&class.join(format!("{student}.zip"))),
            Some("tar") => {
                let file = File::create(class.join(format!("{student}.tar"))).unwrap();
                self.tar(file);
            }
            Some("tar.gz") => {
                let file = File::create(class.join(format!("{student}.tar.gz"))).unwrap();
                self.tar(flate2::write::GzEncoder::new(
                    file,
                    flate2::Compression::best(),
                ));
            }
            Some(other) => panic!("no archive is a {other}"),
        }
    }

    fn folder(&self, dir: &Path) {
        fs::create_dir(dir).unwrap();
        for (path, text) in &self.files {
            fs::write(dir.join(path), text).unwrap();
        }
        for make in &self.make {
            make.on_disk(dir);
        }
    }

    fn zip(&self, path: &Path) {
        let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        for (path, text) in &self.files {
            zip.start_file(path.as_str(), options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        for make in &self.make {
            match make {
                Make::Zeros { path, bytes } => {
                    zip.start_file(path.as_str(), options).unwrap();
                    io::copy(&mut io::repeat(0).take(*bytes), &mut zip).unwrap();
                }
                Make::Entry { path } => {
                    zip.start_file(path.as_str(), options).unwrap();
                    zip.write_all(b"was here\n").unwrap();
                }
                other => panic!("no zip holds {other:?}"),
            }
        }
        zip.finish().unwrap();
    }

    fn tar(&self, out: impl Write) {
        let mut tar = tar::Builder::new(out);
        for (path, text) in &self.files {
            add(
                &mut tar,
                path,
                tar::EntryType::Regular,
                text.len() as u64,
                text.as_bytes(),
                "",
            );
        }
        for make in &self.make {
            match make {
                Make::Zeros { path, bytes } => {
                    let zeros = io::repeat(0).take(*bytes);
                    add(&mut tar, path, tar::EntryType::Regular, *bytes, zeros, "");
                }
                Make::Entry { path } => {
                    let text = b"was here\n";
                    let size = text.len() as u64;
                    add(&mut tar, path, tar::EntryType::Regular, size, &text[..], "");
                }
                Make::HardLink { path, to } => {
                    add(&mut tar, path, tar::EntryType::Link, 0, io::empty(), to);
                }
                Make::Device { path } => {
                    add(&mut tar, path, tar::EntryType::Block, 0, io::empty(), "");
                }
                other => panic!("no tar holds {other:?}"),
            }
        }
        tar.into_inner().unwrap();
    }
}

/// An entry whose names are taken as they are: the library's own way would mend them.
fn add<W: Write>(
    tar: &mut tar::Builder<W>,
    path: &str,
    kind: tar::EntryType,
    size: u64,
    content: impl Read,
    link: &str,
) {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    let fields = header.as_ustar_mut().unwrap();
    fields.name[..path.len()].copy_from_slice(path.as_bytes());
    fields.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    tar.append(&header, content).unwrap();
}

impl Make {
    fn on_disk(&self, dir: &Path) {
        match self {
            Self::Link { path, to } => symlink(to, dir.join(path)).unwrap(),
            Self::Fifo { path } => {
                let made = Command::new("mkfifo").arg(dir.join(path)).status();
                assert!(made.expect("mkfifo can be run").success());
            }
            // The socket stays when its listener goes.
            Self::Socket { path } => drop(UnixListener::bind(dir.join(path)).unwrap()),
            Self::Hole { path, bytes } => {
                File::create(dir.join(path))
                    .unwrap()
                    .set_len(*bytes)
                    .unwrap();
            }
            Self::Many { path, count } => {
                let many = dir.join(path);
                fs::create_dir(&many).unwrap();
                for n in 0..*count {
                    File::create(many.join(n.to_string())).unwrap();
                }
            }
            Self::Deep { path, count } => {
                let deep = vec![path.as_str(); *count].join("/");
                fs::create_dir_all(dir.join(deep)).unwrap();
            }
            Self::Repeat {
                path,
                head,
                line,
                tail,
                count,
            } => {
                let mut text = head.clone();
                for n in 0..*count {
                    let line = line.replace("{n1}", &(n + 1).to_string());
                    text.push_str(&line.replace("{n}", &n.to_string()));
                }
                fs::write(dir.join(path), text + tail).unwrap();
            }
            Self::Nested { path, count } => {
                let (open, close) = ("${B:-".repeat(*count), "}".repeat(*count));
                let text = format!("FROM alpine:3.22\nENV A={open}x{close}\n");
                fs::write(dir.join(path), text).unwrap();
            }
            Self::Bytes { path, hex } => {
                let byte = |n| u8::from_str_radix(&hex[n..n + 2], 16).unwrap();
                let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
                fs::write(dir.join(path), bytes).unwrap();
            }
            Self::OddNames { path } => {
                let names: [&[u8]; 6] = [
                    b"\xff\xfe",
                    b"a\nb",
                    b"\x1b[2J",
                    b"; touch was-here",
                    b"$(touch was-here)",
                    "\u{202e}gnp.exe".as_bytes(),
                ];
                for name in names {
                    let name = OsStr::from_bytes(name);
                    fs::write(dir.join(path).join(name), "").unwrap();
                }
            }
            other => panic!("a folder does not hold {other:?}"),
        }
    }
}
