//! The repository as the book's chapters see it: labs, files, and where in the book a check has its page.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mslab_core::diagnostic::did_you_mean;
use mslab_core::lab::{self, Folder, FolderFile, Lab};
use mslab_core::source::Source;

use crate::book::Chapter;
use crate::fault::{Fault, Result};
use crate::scan::{self, What};

/// Nobody reads a longer file in a chapter.
const LONGEST: u64 = 1 << 20;

pub(crate) struct Site {
    root: PathBuf,
    /// The labs' folders, in the order of their numbers.
    labs: OnceLock<Vec<Place>>,
    /// Chapters by the check whose page they hold.
    checks: BTreeMap<String, String>,
}

/// A lab's folder, and what it held when a chapter first asked, attempts left out.
struct Place {
    folder: String,
    lab: Mutex<Option<Arc<Lab>>>,
}

impl Site {
    pub(crate) fn new(root: &Path, chapters: &[Chapter<'_>]) -> Self {
        let mut checks = BTreeMap::new();
        for chapter in chapters {
            let Some(path) = chapter.path else { continue };
            if !chapter.content.contains("{{#check ") {
                continue;
            }
            for found in scan::scan(chapter.content) {
                match found.what {
                    What::Directive { name, args } if name == "check" => {
                        // The chapter with most pages is the reference; a single one elsewhere is a quotation.
                        let here = chapter.content.matches("{{#check ").count();
                        let entry = checks.entry(args).or_insert((0, path));
                        if here > entry.0 {
                            *entry = (here, path);
                        }
                    }
                    _ => {}
                }
            }
        }
        Self {
            root: root.to_owned(),
            labs: OnceLock::new(),
            checks: checks
                .into_iter()
                .map(|(check, (_, path))| (check, path.to_owned()))
                .collect(),
        }
    }

    /// The file of the chapter that holds a check's page.
    pub(crate) fn check_chapter(&self, id: &str) -> Option<&str> {
        self.checks.get(id).map(String::as_str)
    }

    /// A file of the repository by its path from the root.
    pub(crate) fn source(&self, path: &str) -> Result<Source> {
        Ok(Source::new(path, self.bytes(path)?))
    }

    /// A file of the repository as text.
    pub(crate) fn text(&self, path: &str) -> Result<String> {
        Ok(self.source(path)?.text())
    }

    /// The names that `folder` holds with `suffix` at their end, without it, in order.
    pub(crate) fn names(&self, folder: &str, suffix: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(folder)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|e| Some(e.file_name().to_str()?.strip_suffix(suffix)?.to_owned()))
            .collect();
        names.sort();
        names
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let inside = !path.is_empty()
            && !path.contains('\\')
            && path.split('/').all(|p| !matches!(p, "" | "." | ".."));
        if !inside {
            return Err(Fault::new(
                format!("`{path}` is no path in this repository"),
                "Paths begin at the repository's root, as in `labs/05-go-scratch/solution/Dockerfile`.",
            ));
        }
        let place = self.root.join(path);
        let Ok(about) = fs::metadata(&place) else {
            return Err(self.missing(path));
        };
        if !about.is_file() {
            return Err(Fault::new(
                format!("`{path}` is no file"),
                self.listing(path),
            ));
        }
        if about.len() > LONGEST {
            return Err(Fault::new(format!("`{path}` is too long to be shown"), ""));
        }
        fs::read(&place).map_err(|e| Fault::new(format!("`{path}` cannot be read: {e}"), ""))
    }

    /// There is no such file: which part of the path is wrong, and what comes near.
    fn missing(&self, path: &str) -> Fault {
        let parts: Vec<&str> = path.split('/').collect();
        let there = (0..parts.len())
            .rev()
            .find(|n| self.root.join(parts[..*n].join("/")).is_dir())
            .unwrap_or(0);
        let folder = parts[..there].join("/");
        let names = self.names(&folder, "");
        let near = did_you_mean(parts[there], names.iter().map(String::as_str));
        let help = match near {
            Some(near) => {
                let mut whole: Vec<&str> = parts[..there].to_vec();
                whole.push(near);
                whole.extend(&parts[there + 1..]);
                format!("Did you mean `{}`?", whole.join("/"))
            }
            None => self.listing(&folder),
        };
        Fault::new(format!("there is no file `{path}`"), help)
    }

    fn listing(&self, folder: &str) -> String {
        let names = self.names(folder, "");
        if names.is_empty() || names.len() > 30 {
            return String::new();
        }
        let place = if folder.is_empty() {
            "the root"
        } else {
            folder
        };
        format!("In {place} there are: {}.", names.join(", "))
    }

    /// The lab that a person calls `name`, without its attempts.
    pub(crate) fn lab(&self, name: &str) -> Result<Arc<Lab>> {
        let places = self.labs.get_or_init(|| {
            let mut folders = self.names("labs", "");
            folders.retain(|f| self.root.join("labs").join(f).join("lab.toml").is_file());
            folders.sort_by_key(|f| lab::split_folder(f).map(|(n, _)| n));
            let place = |folder| Place {
                folder,
                lab: Mutex::default(),
            };
            folders.into_iter().map(place).collect()
        });
        let folders = || places.iter().map(|p| p.folder.as_str());
        let folder = lab::find(folders(), name).map_err(|e| {
            let help = e.help.replace(" `mslab list` shows them all.", "");
            let help = match help.starts_with("Did you mean") {
                true => help,
                false => format!("There are: {}.", folders().collect::<Vec<_>>().join(", ")),
            };
            Fault::new(e.to_string(), help)
        })?;
        let known = places.iter().find(|p| p.folder == folder);
        let known = known.expect("what was found is one of them");
        // Another chapter may be reading it right now: then this one waits for it.
        let mut known = known.lab.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lab) = &*known {
            return Ok(lab.clone());
        }
        let mut files = Folder::new();
        self.read_into(&format!("labs/{folder}"), "", &mut files)?;
        let lab = Arc::new(Lab::read(folder, files).map_err(|e| Fault::lab(&e))?);
        Ok(known.insert(lab).clone())
    }

    /// The lab that a person calls `name`, with one of its attempts, if it has that.
    pub(crate) fn lab_with_attempt(&self, name: &str, attempt: &str) -> Result<Lab> {
        let mut lab = Lab::clone(&*self.lab(name)?);
        let place = format!("labs/{:02}-{}", lab.number, lab.slug);
        let path = format!("attempts/{attempt}");
        let inside = !attempt.contains(['/', '\\']) && !attempt.starts_with('.');
        if inside && self.root.join(&place).join(&path).is_dir() {
            self.read_into(&format!("{place}/{path}"), &path, &mut lab.files)?;
        }
        Ok(lab)
    }

    fn read_into(&self, place: &str, path: &str, files: &mut Folder) -> Result<()> {
        read_folder(&self.root.join(place), path, files)
            .map_err(|e| Fault::new(format!("{place} cannot be read: {e}"), ""))
    }
}

/// The files of a folder, but for links and for a lab's attempts.
fn read_folder(place: &Path, path: &str, files: &mut Folder) -> std::io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let inner = if path.is_empty() {
            name
        } else {
            format!("{path}/{name}")
        };
        let kind = entry.file_type()?;
        if kind.is_dir() && inner != "attempts" {
            read_folder(&entry.path(), &inner, files)?;
        } else if kind.is_file() {
            let bytes = fs::read(entry.path())?.into();
            let file = FolderFile {
                bytes,
                executable: false,
            };
            files.insert(inner, file);
        }
    }
    Ok(())
}
