//! Puts the page's program into the crate: every file of `web/dist`, made by `web/build`. Where there is none, the book is
//! served all the same, and its cards stay as they are.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let dist = Path::new(&here).join("web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut names = Vec::new();
    if dist.is_dir() {
        for entry in fs::read_dir(&dist)? {
            let entry = entry?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|n| io::Error::other(format!("{n:?} is not UTF-8")))?;
            if entry.file_type()?.is_file() && !name.starts_with('.') {
                names.push(name);
            }
        }
    }
    names.sort();
    let mut code = String::from("pub(super) static ASSETS: &[(&str, &[u8])] = &[\n");
    for name in names {
        let path = dist.join(&name);
        writeln!(code, "    ({name:?}, include_bytes!({path:?})),").map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&out).join("assets.rs"), code)
}
