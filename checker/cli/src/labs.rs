//! Where labs come from: a checkout's `labs/` folder, or the copy in the binary.

use std::fs;
use std::path::{Path, PathBuf};

use mslab_core::lab::{self, Folder, FolderFile, Lab};

use crate::carried;
use crate::failure::{Failure, Result};

/// The labs at hand.
#[derive(Debug, Clone)]
pub(crate) enum Labs {
    /// The copy in the binary.
    Carried,
    /// A checkout's folder, so that an author's edits count at once.
    Folder(PathBuf),
}

impl Labs {
    /// The names of the labs' folders, in the order of their numbers.
    pub(crate) fn folders(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = match self {
            Self::Carried => carried::labs().map(str::to_owned).collect(),
            Self::Folder(root) => {
                let entries = fs::read_dir(root).map_err(|e| Failure::file("read", root, &e))?;
                entries
                    .flatten()
                    .filter(|e| e.path().join("lab.toml").is_file())
                    .map(|e| e.file_name().to_string_lossy().into_owned())
                    .collect()
            }
        };
        names.retain(|n| lab::split_folder(n).is_some());
        names.sort_by_key(|n| lab::split_folder(n).map(|(number, _)| number));
        Ok(names)
    }

    /// The lab that a person calls `name`.
    pub(crate) fn find(&self, name: &str) -> Result<Lab> {
        let folders = self.folders()?;
        let folder = lab::find(folders.iter().map(String::as_str), name)?;
        self.read(folder)
    }

    /// Every lab that is finished.
    pub(crate) fn all(&self) -> Result<Vec<Lab>> {
        let mut labs = self.all_and_drafts()?;
        labs.retain(|l| !l.definition.draft);
        Ok(labs)
    }

    /// Every lab, those too on which an author is still at work.
    pub(crate) fn all_and_drafts(&self) -> Result<Vec<Lab>> {
        self.folders()?.iter().map(|f| self.read(f)).collect()
    }

    /// The folder of one lab, where there is one to write in.
    pub(crate) fn folder_of(&self, lab: &Lab) -> Option<PathBuf> {
        match self {
            Self::Carried => None,
            Self::Folder(root) => Some(root.join(format!("{:02}-{}", lab.number, lab.slug))),
        }
    }

    fn read(&self, folder: &str) -> Result<Lab> {
        let files = match self {
            Self::Carried => carried::lab(folder),
            Self::Folder(root) => read_folder(&root.join(folder))?,
        };
        Ok(Lab::read(folder, files)?)
    }
}

/// Every regular file below `root`, what package managers leave behind excepted.
pub(crate) fn read_folder(root: &Path) -> Result<Folder> {
    let mut folder = Folder::new();
    let mut todo = vec![(root.to_owned(), String::new())];
    while let Some((dir, below)) = todo.pop() {
        for entry in fs::read_dir(&dir).map_err(|e| Failure::file("read", &dir, &e))? {
            let entry = entry.map_err(|e| Failure::file("read", &dir, &e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{below}{name}");
            let kind = entry
                .file_type()
                .map_err(|e| Failure::file("read", &entry.path(), &e))?;
            if kind.is_dir() {
                if !matches!(name.as_str(), "node_modules" | "__pycache__" | ".venv") {
                    todo.push((entry.path(), format!("{path}/")));
                }
            } else if kind.is_file() {
                let bytes =
                    fs::read(entry.path()).map_err(|e| Failure::file("read", &entry.path(), &e))?;
                let executable = is_executable(&entry.path());
                folder.insert(
                    path,
                    FolderFile {
                        bytes: bytes.into(),
                        executable,
                    },
                );
            }
        }
    }
    Ok(folder)
}

/// Writes `folder` below `root`; files that are there are written over.
pub(crate) fn write_folder(root: &Path, folder: &Folder) -> Result<()> {
    for (path, file) in folder {
        let to = root.join(path);
        if let Some(dir) = to.parent() {
            fs::create_dir_all(dir).map_err(|e| Failure::file("make", dir, &e))?;
        }
        fs::write(&to, &file.bytes).map_err(|e| Failure::file("write", &to, &e))?;
        set_executable(&to, file.executable).map_err(|e| Failure::file("write", &to, &e))?;
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o111 != 0)
}

#[cfg(unix)]
fn set_executable(path: &Path, executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(
        path,
        fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }),
    )
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn set_executable(_: &Path, _: bool) -> std::io::Result<()> {
    Ok(())
}
