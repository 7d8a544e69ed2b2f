//! One learner's work on one exercise: the files that count, and what was noticed on the way.

use std::io;
use std::path::Path;

use mslab_core::lab::{self, Folder, Lab, LabError};
use mslab_core::plan::Plan;

/// A lab from the instructor's copy, with its plan.
pub struct Trusted {
    /// The lab.
    pub lab: Lab,
    /// Its plan.
    pub plan: Plan,
    /// SHA-256 of the lab: a changed lab means a new grade.
    pub digest: String,
    /// The files that a learner cannot change.
    given: Folder,
}

impl Trusted {
    /// A lab to grade with.
    ///
    /// # Errors
    /// A check of the lab is unknown, or a parameter is.
    pub fn new(lab: Lab) -> Result<Self, Vec<LabError>> {
        let plan = Plan::new(&lab)?;
        let mut given = lab.starter();
        given.retain(|path, _| !lab.is_learners(path));
        Ok(Self {
            plan,
            digest: lab.digest(),
            given,
            lab,
        })
    }

    /// The files that a learner cannot change, by their path in the exercise's folder.
    #[must_use]
    pub fn given(&self) -> &Folder {
        &self.given
    }

    /// Whether every file of a learner's is the starter's own.
    #[must_use]
    pub fn is_starter(&self, files: &Folder) -> bool {
        let starter = self.lab.starter();
        let same = |(path, file): (&String, &lab::FolderFile)| {
            starter.get(path).is_some_and(|own| own.bytes == file.bytes)
        };
        files.iter().all(same)
    }

    /// Writes the folder that is judged: the lab's own files, and over them the learner's. `dir` is there and empty.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn lay_out(&self, dir: &Path, learner: &Folder) -> io::Result<()> {
        for (path, file) in self.given.iter().chain(learner) {
            let to = dir.join(path);
            if let Some(parent) = to.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&to, &file.bytes)?;
            set_mode(&to, file.executable)?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if executable { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: bool) -> io::Result<()> {
    Ok(())
}

/// One learner's work on one exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Whose it is: the folder's or archive's name.
    pub student: String,
    /// Where it lies below the folder of submissions, for people: `ann/exercise-5`, `ben.zip/exercise-5`.
    pub place: String,
    /// The files that the lab lets learners change, by their path in the exercise's folder. Nothing else is taken.
    pub files: Folder,
    /// What the instructor should know: files that were not taken, files that differ from the lab's own.
    pub notes: Vec<String>,
}

impl Submission {
    /// SHA-256 over the files that count: the same digest is the same work.
    #[must_use]
    pub fn digest(&self) -> String {
        lab::digest(&self.files)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mslab_core::lab::FolderFile;

    use super::*;

    pub(crate) fn file(text: &str) -> FolderFile {
        FolderFile {
            bytes: text.as_bytes().to_vec().into(),
            executable: false,
        }
    }

    /// A lab with a check that reads text only.
    pub(crate) fn lab(folder: &str) -> Trusted {
        let toml = r#"
            schema = 1
            title = "A lab"
            lesson = "node"
            [files]
            learner = ["Dockerfile", ".dockerignore", "conf"]
            manifests = ["package.json"]
            [[build]]
            key = "prod"
            [[check]]
            id = "base-pinned"
            points = 60
            [[check]]
            id = "exec-form"
            points = 40
            [starter]
            fails = ["base-pinned"]
        "#;
        let files = [
            ("lab.toml", toml),
            ("README.md", "# A lab\n"),
            ("starter/Dockerfile", "FROM node\nCMD [\"node\"]\n"),
            ("starter/.dockerignore", "node_modules\n"),
            ("starter/package.json", "{}\n"),
            ("starter/src/app.js", "1\n"),
            ("solution/Dockerfile", "FROM node:24\nCMD [\"node\"]\n"),
        ];
        let files = files.map(|(p, t)| (p.to_owned(), file(t)));
        Trusted::new(Lab::read(folder, files.into_iter().collect()).unwrap()).unwrap()
    }

    #[test]
    fn the_graded_folder_is_the_labs_with_the_learners_files() {
        let trusted = lab("05-go-scratch");
        let dir = tempfile::tempdir().unwrap();
        let learner = [("Dockerfile".to_owned(), file("FROM x:1\n"))].into();
        trusted.lay_out(dir.path(), &learner).unwrap();
        let read = |p: &str| std::fs::read_to_string(dir.path().join(p)).ok();
        assert_eq!(read("Dockerfile").as_deref(), Some("FROM x:1\n"));
        assert_eq!(read("package.json").as_deref(), Some("{}\n"));
        assert_eq!(read("src/app.js").as_deref(), Some("1\n"));
        // What the learner took away is not put back.
        assert_eq!(read(".dockerignore"), None);
    }
}
