//! What travels in the binary: the labs, the stand-ins' recipes and the book, packed by `build.rs`.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use flate2::read::DeflateDecoder;
use mslab_core::lab::{Folder, FolderFile};

mod labs {
    include!(concat!(env!("OUT_DIR"), "/labs.rs"));
}

mod stand_ins {
    include!(concat!(env!("OUT_DIR"), "/stand_ins.rs"));
}

/// The names of the labs' folders.
pub(crate) fn labs() -> impl Iterator<Item = &'static str> {
    labs::FOLDERS.iter().map(|(name, _)| *name)
}

/// One lab's folder; empty where there is none of that name.
pub(crate) fn lab(folder: &str) -> Folder {
    unpack(labs::FOLDERS, folder)
}

/// The folder of the stand-ins' recipes.
pub(crate) fn stand_ins() -> Folder {
    unpack(stand_ins::FOLDERS, "")
}

/// The built book, by path; empty where this program was built without one.
pub(crate) fn book() -> BTreeMap<String, Vec<u8>> {
    let packed: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/book.tar.deflate"));
    let files = if packed.is_empty() {
        Folder::new()
    } else {
        files(packed).unwrap_or_default()
    };
    let owned = files.into_iter();
    owned.map(|(p, f)| (p, f.bytes.into())).collect()
}

fn unpack(folders: &[(&str, &[u8])], name: &str) -> Folder {
    let packed = folders.iter().find(|(n, _)| *n == name).map(|(_, b)| *b);
    // The archive is this program's own: it was made when the program was built, and a test reads it whole.
    packed.and_then(|p| files(p).ok()).unwrap_or_default()
}

fn files(packed: &[u8]) -> io::Result<Folder> {
    let mut archive = tar::Archive::new(DeflateDecoder::new(packed));
    let mut folder = Folder::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let executable = entry.header().mode()? & 0o111 != 0;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        let bytes = bytes.into();
        folder.insert(path, FolderFile { bytes, executable });
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_carried_is_what_the_checkout_has() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs");
        assert!(labs().next().is_some());
        for name in labs() {
            let checkout = crate::labs::read_folder(&root.join(name)).unwrap();
            let carried = lab(name);
            let differ = |p: &&String| carried.get(*p) != checkout.get(*p);
            let paths = carried.keys().chain(checkout.keys());
            let different: Vec<&String> = paths.filter(differ).collect();
            assert!(different.is_empty(), "{name}: {different:?}");
        }
        assert!(stand_ins().contains_key("stand-ins.toml"));
    }
}
