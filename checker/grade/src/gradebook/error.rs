//! What can go wrong with a gradebook.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// A gradebook could not do what was asked of it. Nothing that was finished before is lost.
#[derive(Debug, thiserror::Error)]
pub enum GradebookError {
    /// The disk has no room for it.
    #[error("the disk is full: the gradebook cannot be written")]
    DiskFull(#[source] rusqlite::Error),
    /// Another run has it.
    #[error("the gradebook {} is in use by another run", .0.display())]
    InUse(PathBuf),
    /// A newer mslab wrote it.
    #[error("the gradebook {} has version {found}; this mslab knows up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// It is no gradebook.
    #[error("{} is not a gradebook", .0.display())]
    NotOne(PathBuf),
    /// It cannot be opened.
    #[error("cannot open the gradebook {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The operating system's message.
        source: std::io::Error,
    },
    /// Two gradebooks have different grades for the same work of the same student.
    #[error("{student} has two grades for {exercise}, in different gradebooks")]
    Conflict {
        /// The student.
        student: String,
        /// The exercise.
        exercise: String,
    },
    /// Nobody has that id.
    #[error("{student} has not handed in anything, and is not on the roster")]
    NoStudent {
        /// The id.
        student: String,
        /// One that is much like it.
        near: Option<String>,
    },
    /// Nothing was graded for that exercise.
    #[error("{exercise} is not in this gradebook, which has {found}")]
    NoExercise {
        /// The exercise.
        exercise: String,
        /// Those that are there.
        found: String,
    },
    /// There is no instructor's mark that could be taken back.
    #[error("{student} has no mark of yours for {exercise}")]
    NoMark {
        /// The student.
        student: String,
        /// The exercise.
        exercise: String,
    },
    /// What stands in it cannot be understood.
    #[error("the gradebook holds something that cannot be read")]
    Content(#[from] serde_json::Error),
    /// The database failed.
    #[error("the gradebook failed")]
    Database(#[source] rusqlite::Error),
}

impl GradebookError {
    /// What to do: one sentence.
    #[must_use]
    pub fn help(&self) -> String {
        if let Self::NoStudent {
            near: Some(near), ..
        } = self
        {
            return format!(
                "Did you mean `{near}`? `mslab grade report --format marks` lists the ids."
            );
        }
        let help = match self {
            Self::NoStudent { .. } => "`mslab grade report --format marks` lists the ids.",
            Self::NoMark { .. } => "`mslab grade report --format csv` lists your marks.",
            Self::NoExercise { .. } => "Name one of those, or another --gradebook.",
            Self::DiskFull(_) => {
                "Free some space and run the same command again: it goes on where it was."
            }
            Self::InUse(_) => {
                "Wait for that run to end, or give this one a --gradebook of its own."
            }
            Self::Newer { .. } => "Use the newer mslab, or another --gradebook.",
            Self::NotOne(_) => "Name another file with --gradebook.",
            Self::Open { .. } => "Check the path, its permissions, and the free space.",
            Self::Conflict { .. } => {
                "Merge gradebooks of different students, as --shard makes them."
            }
            Self::Content(_) | Self::Database(_) => {
                "Keep a copy of the file, and look at it with `sqlite3 FILE 'PRAGMA integrity_check'`."
            }
        };
        help.to_owned()
    }

    /// Whether the person named something that is not so, rather than the machine failing.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Newer { .. }
                | Self::NotOne(_)
                | Self::Conflict { .. }
                | Self::NoStudent { .. }
                | Self::NoExercise { .. }
                | Self::NoMark { .. }
        )
    }
}

impl From<rusqlite::Error> for GradebookError {
    fn from(e: rusqlite::Error) -> Self {
        match e.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull(e),
            _ => Self::Database(e),
        }
    }
}
