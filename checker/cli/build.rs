//! Puts the labs, the stand-ins' recipes and the book into the binary: each folder as a compressed archive that keeps which
//! files may be executed. The book is the built one that `MSLAB_BOOK` names; without it the binary carries none.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::DeflateEncoder;

fn main() -> io::Result<()> {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets this");
    let out = env::var("OUT_DIR").expect("cargo sets this");
    for (name, folder) in [("labs", "../../labs"), ("stand_ins", "../engine/stand-ins")] {
        let root = Path::new(&here).join(folder).canonicalize()?;
        println!("cargo::rerun-if-changed={}", root.display());
        let mut code = String::from("pub(super) static FOLDERS: &[(&str, &[u8])] = &[\n");
        let folders = match name {
            "labs" => folders_in(&root)?,
            _ => vec![String::new()],
        };
        for folder in folders {
            let archive = Path::new(&out).join(format!("{name}-{folder}.tar.deflate"));
            fs::write(&archive, pack(&root.join(&folder))?)?;
            writeln!(code, "    ({folder:?}, include_bytes!({archive:?})),")
                .expect("a String takes all");
        }
        code.push_str("];\n");
        fs::write(Path::new(&out).join(format!("{name}.rs")), code)?;
    }
    book(Path::new(&out))
}

fn book(out: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=MSLAB_BOOK");
    let archive = match env::var_os("MSLAB_BOOK").filter(|b| !b.is_empty()) {
        None => Vec::new(),
        Some(book) => {
            let root = Path::new(&book).canonicalize()?;
            println!("cargo::rerun-if-changed={}", root.display());
            if !root.join("index.html").is_file() {
                let message = format!("{} has no index.html: it is no built book", root.display());
                return Err(io::Error::other(message));
            }
            pack(&root)?
        }
    };
    fs::write(out.join("book.tar.deflate"), archive)
}

fn folders_in(root: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.path().join("lab.toml").is_file() {
            names.push(utf8(entry.file_name())?);
        }
    }
    names.sort();
    Ok(names)
}

/// The same bytes for the same files: no times, no owners, in the order of the paths.
fn pack(folder: &Path) -> io::Result<Vec<u8>> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    files.sort();
    let mut archive = tar::Builder::new(DeflateEncoder::new(Vec::new(), Compression::best()));
    for (path, executable) in files {
        let bytes = fs::read(folder.join(&path))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(if executable { 0o755 } else { 0o644 });
        archive.append_data(&mut header, path, &bytes[..])?;
    }
    archive.into_inner()?.finish()
}

fn collect(root: &Path, below: &str, files: &mut Vec<(String, bool)>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = utf8(entry.file_name())?;
        let path = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            // What package managers leave behind in a checkout is no part of it.
            if !matches!(name.as_str(), "node_modules" | "__pycache__" | ".venv") {
                collect(root, &path, files)?;
            }
        } else if kind.is_file() {
            files.push((path, is_executable(&entry.metadata()?)));
        } else {
            return Err(io::Error::other(format!(
                "{path} is neither a file nor a folder"
            )));
        }
    }
    Ok(())
}

fn utf8(name: std::ffi::OsString) -> io::Result<String> {
    name.into_string()
        .map_err(|n| io::Error::other(format!("{n:?} is not UTF-8")))
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}
