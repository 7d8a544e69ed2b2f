//! Reads what was handed in: a folder of folders, archives and git checkouts, made by people whom nobody checked.
//!
//! Of each submission only the files are taken that the trusted lab lets learners change. Nothing is unpacked to disk,
//! no link is followed, and what breaks a rule is the finding of that student and of nobody else.

mod folder;
mod git;
mod limits;
mod listing;
mod metered;
mod place;
mod source;
mod take;
mod tarball;
#[cfg(test)]
mod tests;
mod zipped;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use limits::Limits;

use crate::submission::{Submission, Trusted};
use crate::text::{name_bytes, shown, some};
use listing::Fault;
use place::Names;
use source::Source;
use take::Taken;

/// The folder of submissions cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct IntakeError {
    /// The folder.
    pub path: PathBuf,
    /// The operating system's message.
    pub source: io::Error,
}

/// One student's part of the folder of submissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedIn {
    /// The student's id: the folder's name, or the archive's without its end.
    pub student: String,
    sources: Vec<Source>,
}

/// What the folder of submissions holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The students, by id.
    pub students: Vec<HandedIn>,
    /// Names that are neither a folder nor an archive: named, and not graded.
    pub strays: Vec<String>,
}

/// Lists the students in `root`, sorted by id. Hidden names are passed over.
///
/// # Errors
/// The folder cannot be read.
pub fn students(root: &Path) -> Result<Found, IntakeError> {
    let failed = |source| IntakeError {
        path: root.to_owned(),
        source,
    };
    let mut students: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    let mut strays = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = shown(&name_bytes(&entry.file_name()));
        if name.starts_with('.') {
            continue;
        }
        // A link is not followed here either: it could lead to another student's work.
        let file_type = entry.file_type().map_err(failed)?;
        if file_type.is_dir() {
            let source = Source::Folder(entry.path());
            students.entry(name).or_default().push(source);
        } else if let (true, Some((student, source))) =
            (file_type.is_file(), Source::archive(&entry.path(), &name))
        {
            students.entry(student).or_default().push(source);
        } else {
            strays.push(name);
        }
    }
    strays.sort();
    let students = students
        .into_iter()
        .map(|(student, mut sources)| {
            sources.sort_by(|a, b| a.path().cmp(b.path()));
            HandedIn { student, sources }
        })
        .collect();
    Ok(Found { students, strays })
}

/// What came of reading one exercise of one student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Index of the exercise's lab; `None` where it cannot be said which it is.
    pub lab: Option<usize>,
    /// What came of it.
    pub what: What,
}

/// What came of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Work that can be judged.
    Submission(Submission),
    /// It breaks a rule of handing in, such as a link in the place of the Dockerfile: no points, for this reason.
    Refused(String),
    /// It cannot be placed or read: not graded, for this reason.
    Unplaced(String),
}

/// Reads submissions.
pub struct Intake<'a> {
    labs: &'a [Trusted],
    only: Option<usize>,
    names: Names,
    limits: Limits,
}

impl<'a> Intake<'a> {
    /// An intake for these labs. With `only`, an index of `labs`, everything handed in is for that one.
    #[must_use]
    pub fn new(labs: &'a [Trusted], only: Option<usize>, limits: Limits) -> Self {
        Self {
            labs,
            only,
            names: Names::new(labs),
            limits,
        }
    }

    /// Whether what was found looks like one student's work, and not like a class: every name is an exercise's, and not
    /// only a number, which may be an id.
    #[must_use]
    pub fn is_one_students(&self, found: &Found) -> bool {
        let name = |s: &HandedIn| {
            self.names.find(&s.student).is_some() && !s.student.bytes().all(|b| b.is_ascii_digit())
        };
        !found.students.is_empty() && found.students.iter().all(name)
    }

    /// The labs.
    #[must_use]
    pub fn labs(&self) -> &'a [Trusted] {
        self.labs
    }

    /// Reads all that a student handed in: one item for each exercise that was found, or one that says why there is
    /// none.
    #[must_use]
    pub fn read(&self, handed_in: &HandedIn) -> Vec<Received> {
        let one = |lab, what| vec![Received { lab, what }];
        let [source] = &handed_in.sources[..] else {
            let names: Vec<String> = handed_in.sources.iter().map(file_name).collect();
            let reason = format!("handed in {} times: {}", names.len(), some(&names, 5));
            return one(self.only, What::Unplaced(reason));
        };
        let listing = match source.list(&self.limits) {
            Ok(listing) => listing,
            Err(fault) => return one(self.only, fault.into()),
        };
        let places = place::find(&listing, self.labs, &self.names, self.only);
        if places.is_empty() {
            let reason = self.no_place(&listing);
            return one(self.only, What::Unplaced(reason));
        }
        let commit = match source {
            Source::Folder(path) => git::commit(path),
            _ => None,
        };
        let mut all = Vec::new();
        for (lab, bases) in places {
            let what = match &bases[..] {
                [base] => self.take(&handed_in.student, source, &listing, base, lab),
                several => What::Unplaced(format!(
                    "several folders are the same exercise: {}",
                    some(several, 5)
                )),
            };
            all.push(Received {
                lab: Some(lab),
                what: with_commit(what, commit.as_deref()),
            });
        }
        all
    }

    fn take(
        &self,
        student: &str,
        source: &Source,
        listing: &listing::Listing,
        base: &str,
        lab: usize,
    ) -> What {
        let trusted = &self.labs[lab];
        match take::take(student, source, listing, base, trusted, &self.limits) {
            Ok(Taken::Submission(submission)) => What::Submission(submission),
            Ok(Taken::Nothing) => What::Unplaced(format!(
                "the folder holds nothing of what the exercise asks for: {}",
                trusted.lab.definition.files.learner.join(", ")
            )),
            Err(fault) => fault.into(),
        }
    }

    fn no_place(&self, listing: &listing::Listing) -> String {
        let names: Vec<String> = listing.below("").map(|(name, _)| name.to_owned()).collect();
        let found = if names.is_empty() {
            "it is empty".to_owned()
        } else {
            format!("it holds {}", some(&names, 5))
        };
        match self.only {
            Some(only) => format!(
                "nothing of {} is here: {found}",
                self.labs[only].lab.exercise()
            ),
            None => {
                let is_work = |name: &String| self.labs.iter().any(|l| l.lab.is_learners(name));
                let help = match names.iter().any(is_work) {
                    true => "; --exercise says which exercise that is",
                    false => "",
                };
                format!("no folder of it is called like an exercise: {found}{help}")
            }
        }
    }
}

impl From<Fault> for What {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(reason) => Self::Refused(reason),
            Fault::Unreadable(reason) => Self::Unplaced(reason),
        }
    }
}

fn with_commit(what: What, commit: Option<&str>) -> What {
    match (what, commit) {
        (What::Submission(mut submission), Some(commit)) => {
            let note = format!("a git checkout, whose HEAD is {commit}");
            submission.notes.push(note);
            What::Submission(submission)
        }
        (what, _) => what,
    }
}

fn file_name(source: &Source) -> String {
    let name = source.path().file_name();
    shown(&name.map(name_bytes).unwrap_or_default())
}
