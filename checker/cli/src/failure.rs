//! An error as the person at the terminal reads it: what, why, and what to do.

use std::error::Error;
use std::fmt::Display;
use std::path::Path;

use mslab_core::lab::{LabError, UnknownExercise};
use mslab_engine::EngineError;
use mslab_grade::gradebook::GradebookError;

use crate::exit::Exit;
use crate::terminal::{HINT, PROBLEM, paint};

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    message: String,
    causes: Vec<String>,
    help: Option<String>,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    fn new(exit: Exit, message: impl Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            causes: Vec::new(),
            help: None,
        }
    }

    /// The person asked for something that cannot be.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The machine stands in the way.
    pub(crate) fn environment(message: impl Display) -> Self {
        Self::new(Exit::Environment, message)
    }

    /// Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self::new(
            Exit::Interrupted,
            "interrupted; what was running has been stopped",
        )
    }

    /// A file or folder could not be read or written.
    pub(crate) fn file(verb: &str, path: &Path, error: &std::io::Error) -> Self {
        let failure = Self::environment(format!("cannot {verb} {}", path.display())).because(error);
        match error.kind() {
            std::io::ErrorKind::StorageFull => {
                failure.help("The disk is full: `mslab clean` frees what mslab made.")
            }
            std::io::ErrorKind::PermissionDenied => {
                failure.help("Check who owns the file, and its permissions.")
            }
            _ => failure,
        }
    }

    /// A file that the person named cannot be read: theirs to mend where it is no file at all.
    pub(crate) fn named_file(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
        let failure = Self::file("read", path, error);
        match error.kind() {
            NotFound | IsADirectory | NotADirectory => Self {
                exit: Exit::Usage,
                ..failure
            },
            _ => failure,
        }
    }

    /// The same for what stands behind an argument: `what` names both, and `help` is for a path that leads nowhere.
    pub(crate) fn argument(what: &str, path: &Path, error: &std::io::Error, help: &str) -> Self {
        let failure = Self {
            message: format!("cannot read {what}"),
            ..Self::named_file(path, error)
        };
        match failure.help {
            Some(_) => failure,
            None => failure.help(help),
        }
    }

    /// What lies beneath, with its own causes.
    pub(crate) fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            if self.causes.last().is_none_or(|last| !last.contains(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// What lies beneath an error whose own text is the message already.
    pub(crate) fn beneath(self, error: &dyn Error) -> Self {
        match error.source() {
            Some(source) => self.because(source),
            None => self,
        }
    }

    /// Says where it happened.
    pub(crate) fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// What to do: one sentence.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into()).filter(|h| !h.is_empty());
        self
    }

    /// What failed, in one line.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do; may be empty.
    pub(crate) fn remedy(&self) -> &str {
        self.help.as_deref().unwrap_or_default()
    }

    /// What failed and what lies beneath it, in one line.
    pub(crate) fn in_one_line(&self) -> String {
        let mut line = self.message.clone();
        for cause in self.causes.iter().filter(|c| !self.message.contains(*c)) {
            line = format!("{line}: {cause}");
        }
        line
    }

    /// Writes it to standard error.
    pub(crate) fn print(&self) {
        anstream::eprintln!("{} {}", paint(PROBLEM, "error:"), self.message);
        for cause in &self.causes {
            anstream::eprintln!("  because: {cause}");
        }
        if let Some(help) = &self.help {
            anstream::eprintln!("{} {help}", paint(HINT, "help:"));
        }
    }
}

impl From<UnknownExercise> for Failure {
    fn from(e: UnknownExercise) -> Self {
        Self::usage(&e).help(e.help)
    }
}

impl From<Vec<LabError>> for Failure {
    fn from(errors: Vec<LabError>) -> Self {
        let count = errors.len();
        let mut failure = Self::usage(format!(
            "the lab's definition is broken ({count} problem{})",
            if count == 1 { "" } else { "s" }
        ));
        for e in errors {
            failure.causes.push(if e.help.is_empty() {
                e.to_string()
            } else {
                format!("{e}. {}", e.help)
            });
        }
        failure
    }
}

impl From<GradebookError> for Failure {
    fn from(e: GradebookError) -> Self {
        let failure = if e.is_usage() {
            Self::usage(&e)
        } else {
            Self::environment(&e)
        };
        failure.help(e.help()).beneath(&e)
    }
}

impl From<EngineError> for Failure {
    fn from(e: EngineError) -> Self {
        let help = e.help().to_owned();
        Self::environment(&e).help(help).beneath(&e)
    }
}
