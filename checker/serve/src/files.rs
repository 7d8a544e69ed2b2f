//! The learner's own files, and nothing else: read and saved by name, no link followed, nothing overwritten unseen.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::api::{Code, File, Problem, Save};

/// The largest file that is shown or saved, in bytes.
pub(crate) const LIMIT: u64 = 512 << 10;
/// How many files of a learner's folder are listed.
const LISTED: usize = 200;

/// Where an exercise's files are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The exercise's folder.
    pub dir: PathBuf,
    /// Files and folders in it that the learner may change, with `/` between the parts.
    pub learner: Vec<String>,
    /// A folder on the same disk for files that are being written.
    pub scratch: PathBuf,
    /// Whether the exercise's folder was made just now.
    pub made: bool,
}

/// Why a file was not saved.
#[derive(Debug)]
pub(crate) enum NotSaved {
    /// The file on the disk is this one, and not what the save began with.
    Conflict(Box<File>),
    /// Something else.
    Problem(Problem),
}

impl From<Problem> for NotSaved {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Place {
    /// The learner's files: those that are named, there or not, and those in folders that are named.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for name in &self.learner {
            let is_folder = self
                .path(name)
                .is_ok_and(|path| fs::symlink_metadata(path).is_ok_and(|m| m.is_dir()));
            if is_folder {
                self.below(name, &mut names);
            } else {
                names.push(name.clone());
            }
        }
        names.dedup();
        names
    }

    fn below(&self, folder: &str, names: &mut Vec<String>) {
        let mut todo = vec![folder.to_owned()];
        while let Some(folder) = todo.pop() {
            let Ok(entries) = fs::read_dir(self.dir.join(&folder)) else {
                continue;
            };
            let mut found: Vec<_> = entries.flatten().collect();
            found.sort_by_key(fs::DirEntry::file_name);
            for entry in found {
                let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type())
                else {
                    continue;
                };
                let path = format!("{folder}/{name}");
                if kind.is_dir() && name != "node_modules" {
                    todo.push(path);
                } else if kind.is_file() && names.len() < LISTED {
                    names.push(path);
                }
            }
        }
    }

    /// Every file as it is.
    pub(crate) fn all(&self) -> Vec<File> {
        self.names().iter().map(|n| self.look(n)).collect()
    }

    /// The file called `name`, as it is; `None` where it is none of the learner's.
    pub(crate) fn read(&self, name: &str) -> Option<File> {
        self.names()
            .iter()
            .any(|n| n == name)
            .then(|| self.look(name))
    }

    fn look(&self, name: &str) -> File {
        let file = |text, revision, problem| File {
            name: name.to_owned(),
            text,
            revision,
            problem,
        };
        match self.bytes(name) {
            Ok(None) => file(None, None, None),
            Ok(Some(bytes)) => {
                let revision = Some(revision(&bytes));
                match String::from_utf8(bytes) {
                    Ok(text) => file(Some(text), revision, None),
                    Err(_) => file(None, revision, Some("it is no UTF-8 text".to_owned())),
                }
            }
            Err(problem) => file(None, None, Some(problem.message)),
        }
    }

    /// Saves the file called `name`, if the disk has what the save began with.
    pub(crate) fn save(&self, name: &str, save: &Save) -> Result<File, NotSaved> {
        let Some(now) = self.read(name) else {
            return Err(unknown(name, &self.learner).into());
        };
        if let Some(problem) = &now.problem {
            return Err(not_writable(name, problem).into());
        }
        // What is there already need not be written: two tabs that save the same text do not quarrel.
        if now.text == save.text {
            return Ok(now);
        }
        if now.revision != save.base_revision {
            return Err(NotSaved::Conflict(Box::new(now)));
        }
        let path = self.path(name)?;
        let failed = |e: io::Error| cannot("write", name, &e);
        match &save.text {
            Some(text) => self.write(&path, text.as_bytes()).map_err(failed)?,
            None => fs::remove_file(&path).map_err(failed)?,
        }
        Ok(File {
            name: name.to_owned(),
            revision: save.text.as_ref().map(|t| revision(t.as_bytes())),
            text: save.text.clone(),
            problem: None,
        })
    }

    /// Whole or not at all. What is written is moved into its place, so that no link there is followed.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::create_dir_all(&self.scratch)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.scratch)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        match fs::symlink_metadata(path) {
            Ok(old) => file.as_file().set_permissions(old.permissions())?,
            Err(_) => open_to_all(file.as_file())?,
        }
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }

    /// The bytes of a file; `None` where there is none.
    fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let path = self.path(name)?;
        let failed = |e: io::Error| cannot("read", name, &e);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            return Ok(None);
        };
        if !metadata.is_file() {
            let what = if metadata.is_symlink() {
                "it is a link"
            } else {
                "it is no file"
            };
            return Err(not_writable(name, what));
        }
        let file = fs::File::open(&path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > LIMIT {
            return Err(not_writable(name, "it is larger than 512 KB"));
        }
        Ok(Some(bytes))
    }

    /// Where a file is. Its folders are looked at one by one, and none may be a link.
    fn path(&self, name: &str) -> Result<PathBuf, Problem> {
        let mut path = self.dir.clone();
        let mut parts = name.split('/').peekable();
        while let Some(part) = parts.next() {
            if !is_plain(part) {
                return Err(not_writable(name, "it is no path in the exercise's folder"));
            }
            path.push(part);
            let is_last = parts.peek().is_none();
            if !is_last && fs::symlink_metadata(&path).is_ok_and(|m| !m.is_dir()) {
                return Err(not_writable(name, "a folder on the way to it is a link"));
            }
        }
        Ok(path)
    }
}

/// Whether a part of a path is a name on every system, and nothing more.
pub(crate) fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.contains(['/', '\\', ':', '\0'])
}

/// The name of a text: the same for the same bytes.
pub(crate) fn revision(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash[..16].iter().map(|b| format!("{b:02x}")).collect()
}

fn unknown(name: &str, learner: &[String]) -> Problem {
    Problem {
        code: Code::NotFound,
        message: format!("`{name}` is none of the files that you may change here"),
        help: format!("They are {}.", learner.join(", ")),
    }
}

pub(crate) fn unknown_file(place: &Place, name: &str) -> Problem {
    unknown(name, &place.learner)
}

fn not_writable(name: &str, why: &str) -> Problem {
    Problem {
        code: Code::NotWritable,
        message: if why.starts_with("a folder") {
            format!("`{name}` cannot be edited here: {why}")
        } else {
            format!("`{name}` cannot be edited here, because {why}")
        },
        help: "Edit it with an editor of your own, and check here or in the terminal.".to_owned(),
    }
}

fn cannot(verb: &str, name: &str, error: &io::Error) -> Problem {
    let help = match error.kind() {
        io::ErrorKind::StorageFull => "The disk is full: `mslab clean` frees what mslab made.",
        io::ErrorKind::PermissionDenied => "Check who owns the file, and its permissions.",
        _ => "",
    };
    Problem {
        code: Code::Failed,
        message: format!("cannot {verb} `{name}`: {error}"),
        help: help.to_owned(),
    }
}

#[cfg(unix)]
fn open_to_all(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_all(_: &fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Place) {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("exercise");
        fs::create_dir_all(dir.join("app")).unwrap();
        fs::write(dir.join("Dockerfile"), "FROM a\n").unwrap();
        fs::write(dir.join("server.js"), "secret").unwrap();
        let place = Place {
            dir,
            learner: ["Dockerfile", ".dockerignore", "app/Dockerfile", "conf"]
                .map(str::to_owned)
                .into(),
            scratch: root.path().join(".mslab"),
            made: false,
        };
        (root, place)
    }

    fn save(text: &str, base: Option<&str>) -> Save {
        Save {
            text: Some(text.to_owned()),
            base_revision: base.map(str::to_owned),
        }
    }

    #[test]
    fn only_the_learners_files_are_read_and_saved() {
        let (_root, place) = place();
        for name in [
            "server.js",
            "../exercise/Dockerfile",
            "./Dockerfile",
            "app/../server.js",
            "app\\Dockerfile",
            "/etc/passwd",
            "Dockerfile/",
            "dockerfile",
            "",
            "Dockerfile\0",
        ] {
            assert!(place.read(name).is_none(), "{name:?}");
            let saved = place.save(name, &save("x", None));
            assert!(
                matches!(saved, Err(NotSaved::Problem(p)) if p.code == Code::NotFound),
                "{name:?}"
            );
        }
        assert_eq!(place.read("Dockerfile").unwrap().text.unwrap(), "FROM a\n");
        assert_eq!(place.read(".dockerignore").unwrap().revision, None);
    }

    #[test]
    fn a_save_overwrites_only_what_it_began_with() {
        let (_root, place) = place();
        let old = place.read("Dockerfile").unwrap().revision.unwrap();
        let new = place.save("Dockerfile", &save("FROM b\n", Some(&old)));
        let new = new.unwrap().revision.unwrap();
        assert_ne!(old, new);
        let conflict = place.save("Dockerfile", &save("FROM c\n", Some(&old)));
        let Err(NotSaved::Conflict(file)) = conflict else {
            panic!("{conflict:?}");
        };
        assert_eq!(file.text.as_deref(), Some("FROM b\n"));
        assert_eq!(file.revision.as_deref(), Some(new.as_str()));
        // A file that came into being meanwhile is not overwritten either.
        assert!(matches!(
            place.save("Dockerfile", &save("FROM c\n", None)),
            Err(NotSaved::Conflict(_))
        ));
        // The same text is no conflict.
        assert!(place.save("Dockerfile", &save("FROM b\n", None)).is_ok());
        let gone = Save {
            text: None,
            base_revision: Some(new),
        };
        assert_eq!(place.save("Dockerfile", &gone).unwrap().revision, None);
        assert!(!place.dir.join("Dockerfile").exists());
    }

    #[test]
    fn a_save_makes_files_and_keeps_modes_and_line_endings() {
        let (_root, place) = place();
        place.save(".dockerignore", &save("a\r\nb", None)).unwrap();
        assert_eq!(
            fs::read(place.dir.join(".dockerignore")).unwrap(),
            b"a\r\nb"
        );
        place.save("app/Dockerfile", &save("FROM x", None)).unwrap();
        assert_eq!(
            fs::read(place.dir.join("app/Dockerfile")).unwrap(),
            b"FROM x"
        );
        let left: Vec<_> = fs::read_dir(&place.scratch).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        use std::os::unix::fs::symlink;
        let (root, place) = place();
        let outside = root.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("Dockerfile"), "theirs").unwrap();
        fs::remove_file(place.dir.join("Dockerfile")).unwrap();
        symlink(outside.join("Dockerfile"), place.dir.join("Dockerfile")).unwrap();
        symlink(outside.join("new"), place.dir.join(".dockerignore")).unwrap();
        fs::remove_dir(place.dir.join("app")).unwrap();
        symlink(&outside, place.dir.join("app")).unwrap();
        symlink(&outside, place.dir.join("conf")).unwrap();
        for name in ["Dockerfile", ".dockerignore", "app/Dockerfile", "conf"] {
            let file = place.read(name).unwrap();
            assert_eq!((&file.text, &file.revision), (&None, &None), "{name}");
            assert!(file.problem.is_some(), "{name}");
            for base in [None, Some(revision(b"theirs"))] {
                let saved = place.save(name, &save("mine", base.as_deref()));
                assert!(
                    matches!(saved, Err(NotSaved::Problem(p)) if p.code == Code::NotWritable),
                    "{name}"
                );
            }
        }
        assert_eq!(place.names().len(), 4);
        assert_eq!(fs::read(outside.join("Dockerfile")).unwrap(), b"theirs");
        assert!(!outside.join("new").exists());
    }

    #[test]
    fn what_is_no_text_or_too_large_is_left_alone() {
        let (_root, place) = place();
        fs::write(place.dir.join("Dockerfile"), b"\xff").unwrap();
        fs::write(place.dir.join(".dockerignore"), vec![b'#'; 600 << 10]).unwrap();
        for name in ["Dockerfile", ".dockerignore"] {
            assert!(place.read(name).unwrap().problem.is_some(), "{name}");
            let base = place.read(name).unwrap().revision;
            let saved = place.save(name, &save("x", base.as_deref()));
            assert!(matches!(saved, Err(NotSaved::Problem(_))), "{name}");
        }
    }

    #[test]
    fn files_of_a_learners_folder_are_listed() {
        let (_root, place) = place();
        fs::create_dir_all(place.dir.join("conf/d")).unwrap();
        fs::write(place.dir.join("conf/d/a.conf"), "a").unwrap();
        assert!(place.names().contains(&"conf/d/a.conf".to_owned()));
        assert!(place.read("conf/d/a.conf").is_some());
        assert!(place.read("conf").is_none());
    }
}
