//! Puts the labs and the stand-ins' recipes into the binary: every file with its path and whether it may be executed.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets this");
    let out = env::var("OUT_DIR").expect("cargo sets this");
    for (name, folder) in [("labs", "../../labs"), ("stand_ins", "../engine/stand-ins")] {
        let root = Path::new(&here).join(folder).canonicalize()?;
        println!("cargo::rerun-if-changed={}", root.display());
        let mut files = Vec::new();
        collect(&root, "", &mut files)?;
        files.sort();
        let mut code = String::from("pub(super) static FILES: &[(&str, bool, &[u8])] = &[\n");
        for (path, executable) in &files {
            let full = root.join(path);
            writeln!(
                code,
                "    ({path:?}, {executable}, include_bytes!({full:?})),"
            )
            .expect("a String takes all");
        }
        code.push_str("];\n");
        fs::write(Path::new(&out).join(format!("{name}.rs")), code)?;
    }
    Ok(())
}

fn collect(root: &Path, below: &str, files: &mut Vec<(String, bool)>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|n| io::Error::other(format!("{n:?} is not UTF-8")))?;
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

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}
