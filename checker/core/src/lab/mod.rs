//! A lab: the author's folder, read and validated.
//!
//! Reading files is the caller's work: a lab is made from a [`Folder`] in memory, so that it can come from a checkout
//! as well as from the archive in the binary.

mod attempt;
mod definition;
mod error;
mod schema;
mod todo;

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::diagnostic::did_you_mean;
use crate::source::Source;

pub use attempt::{Attempt, AttemptBase, Expected, ExpectedOutcome};
pub(crate) use definition::parse_toml;
pub use definition::{BuildTable, CheckTable, Definition, FilesTable, Hints, StarterTable};
pub use error::LabError;
pub use schema::schema;

/// A folder in memory: files by their path, with `/` between the parts.
pub type Folder = BTreeMap<String, FolderFile>;

/// A file of a [`Folder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFile {
    /// Its content. Clones share it.
    pub bytes: Bytes,
    /// Whether it may be executed.
    pub executable: bool,
}

/// A lab.
#[derive(Debug, Clone)]
pub struct Lab {
    /// The N of `exercise-N`.
    pub number: u32,
    /// The folder's name after the number: `go-scratch`.
    pub slug: String,
    /// `lab.toml`.
    pub definition: Definition,
    /// `lab.toml`'s own text, for places in it.
    pub source: Source,
    /// Every file of the folder.
    pub files: Folder,
}

impl Lab {
    /// Reads a lab from its folder. `folder` is the folder's name, `05-go-scratch`.
    ///
    /// # Errors
    /// The name or `lab.toml` is wrong, or a folder that must be there is missing. Every error found is returned.
    pub fn read(folder: &str, files: Folder) -> Result<Self, Vec<LabError>> {
        let name = |message: String| {
            vec![LabError::new(
                folder,
                message,
                "Call the folder `NN-slug`, as in `05-go-scratch`.",
            )]
        };
        let Some((number, slug)) = split_folder(folder) else {
            return Err(name(format!(
                "`{folder}` is not the name of a lab's folder"
            )));
        };
        let path = format!("{folder}/lab.toml");
        let Some(file) = files.get("lab.toml") else {
            let help = "A lab's definition is its lab.toml.";
            return Err(vec![LabError::new(
                &path,
                format!("{path} is missing"),
                help,
            )]);
        };
        let source = Source::new(path, file.bytes.as_ref());
        let definition = Definition::parse(&source)?;
        let mut errors = Vec::new();
        for needed in ["starter/", "solution/", "README.md"] {
            if !files.keys().any(|f| f.starts_with(needed)) {
                let help = "A lab has README.md, starter/ and solution/.";
                errors.push(LabError::new(
                    folder,
                    format!("{folder} has no {needed}"),
                    help,
                ));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            number,
            slug: slug.to_owned(),
            definition,
            source,
            files,
        })
    }

    /// SHA-256 over all files but `attempts/`, in hexadecimal: a changed lab has another one.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(
            self.files
                .iter()
                .filter(|(p, _)| !p.starts_with("attempts/")),
        )
    }

    /// What learners call it: `exercise-5`.
    #[must_use]
    pub fn exercise(&self) -> String {
        format!("exercise-{}", self.number)
    }

    /// The folder in a learner's workspace: `exercise-05-go-scratch`.
    #[must_use]
    pub fn workspace_folder(&self) -> String {
        format!("exercise-{:02}-{}", self.number, self.slug)
    }

    /// The files that a learner begins with.
    #[must_use]
    pub fn starter(&self) -> Folder {
        let mut files = self.subfolder("starter");
        for (path, from) in &self.definition.files.generate {
            if let Some(file) = self.files.get(from) {
                files.insert(path.clone(), file.clone());
            }
        }
        files
    }

    /// The reference solution: its files laid over the starter's.
    #[must_use]
    pub fn solution(&self) -> Folder {
        let mut files = self.starter();
        files.extend(self.subfolder("solution"));
        files
    }

    /// The files of a folder inside the lab, by their path in it.
    #[must_use]
    pub fn subfolder(&self, folder: &str) -> Folder {
        let folder = folder.trim_end_matches('/');
        self.files
            .iter()
            .filter_map(|(p, f)| {
                let rest = p.strip_prefix(folder)?.strip_prefix('/')?;
                Some((rest.to_owned(), f.clone()))
            })
            .collect()
    }

    /// Whether the learner may change the file at `path` (relative to the workspace folder).
    #[must_use]
    pub fn is_learners(&self, path: &str) -> bool {
        self.definition.files.learner.iter().any(|l| {
            l == path
                || path
                    .strip_prefix(l.as_str())
                    .is_some_and(|r| r.starts_with('/'))
        })
    }
}

/// SHA-256 over files' paths, modes and contents, in hexadecimal.
pub fn digest<'a>(files: impl IntoIterator<Item = (&'a String, &'a FolderFile)>) -> String {
    let mut hash = Sha256::new();
    for (path, file) in files {
        hash.update((path.len() as u64).to_le_bytes());
        hash.update(path.as_bytes());
        hash.update([u8::from(file.executable)]);
        hash.update((file.bytes.len() as u64).to_le_bytes());
        hash.update(&file.bytes);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Number and slug of a lab's folder: 5 and `go-scratch` for `05-go-scratch`.
#[must_use]
pub fn split_folder(folder: &str) -> Option<(u32, &str)> {
    let (number, slug) = folder.split_once('-')?;
    Some((number.parse().ok()?, slug)).filter(|(_, slug)| !slug.is_empty())
}

/// A name that is no exercise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no exercise called `{name}`")]
pub struct UnknownExercise {
    /// The name.
    pub name: String,
    /// What to do: one sentence.
    pub help: String,
}

/// Of labs' `folders` the one that is called `exercise-2`, `2`, `test-stage`, `02-test-stage` or
/// `exercise-02-test-stage`.
///
/// # Errors
/// No lab is called that.
pub fn find<'a>(
    folders: impl IntoIterator<Item = &'a str> + Clone,
    name: &str,
) -> Result<&'a str, UnknownExercise> {
    let plain = name.trim_end_matches('/').to_ascii_lowercase();
    let plain = plain.strip_prefix("exercise").unwrap_or(&plain);
    let plain = plain.strip_prefix('-').unwrap_or(plain);
    let number = plain.parse::<u32>().ok();
    let is_it = |folder: &&str| {
        split_folder(folder)
            .is_some_and(|(n, slug)| Some(n) == number || slug == plain || *folder == plain)
    };
    folders.clone().into_iter().find(is_it).ok_or_else(|| {
        let labs: Vec<(u32, &str)> = folders.into_iter().filter_map(split_folder).collect();
        let last = labs.iter().map(|(n, _)| *n).max().unwrap_or_default();
        let names: Vec<String> = labs
            .iter()
            .flat_map(|(n, slug)| [format!("exercise-{n}"), (*slug).to_owned()])
            .collect();
        let help = match did_you_mean(name, names.iter().map(String::as_str)) {
            _ if number.is_some() => {
                format!("They are exercise-1 to exercise-{last}; `mslab list` shows them all.")
            }
            Some(near) => format!("Did you mean `{near}`? `mslab list` shows them all."),
            None => "`mslab list` shows them all.".to_owned(),
        };
        UnknownExercise {
            name: name.to_owned(),
            help,
        }
    })
}

#[cfg(test)]
mod tests;
