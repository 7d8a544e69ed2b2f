//! A class as its outputs see it: its grades, and beside them the reports, read one student at a time because they are
//! long.

use std::collections::BTreeMap;
use std::io;

use mslab_core::report::{CheckReport, Hint, Mark, Options, Outcome, Report, SCHEMA, Status};

use super::types::{Class, Exercise, Grade, GradeState, Student};
use crate::gradebook::{Gradebook, GradebookError};

/// The name under which a gradebook keeps the folder of submissions, as paths in reports are to begin.
pub const SUBMISSIONS: &str = "submissions";

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file cannot be written.
    #[error("cannot write")]
    Write(#[from] io::Error),
    /// The gradebook cannot be read.
    #[error(transparent)]
    Gradebook(#[from] GradebookError),
}

/// Writes an output that is short enough to be made whole.
pub(super) fn put(out: &mut dyn io::Write, text: &str) -> Result<(), OutputError> {
    Ok(out.write_all(text.as_bytes())?)
}

/// What there is to show.
pub struct Shown<'a> {
    /// The grades.
    pub class: &'a Class,
    /// The path of each student's own page, by id, as links are to name it.
    pub pages: BTreeMap<String, String>,
    book: &'a Gradebook,
    root: String,
}

/// One student's reports, and how they are to be shown.
#[derive(Default)]
pub struct Work {
    /// In the class's order.
    pub reports: Vec<Report>,
    /// Where the files lie, and which points count.
    pub options: Options,
}

impl<'a> Shown<'a> {
    /// A class with the gradebook that it was read from.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn new(class: &'a Class, book: &'a Gradebook) -> Result<Self, GradebookError> {
        Ok(Self {
            class,
            pages: BTreeMap::new(),
            root: book.setting(SUBMISSIONS)?.unwrap_or_default(),
            book,
        })
    }

    /// A student's verdicts.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn verdicts(&self, student: &Student) -> Result<Work, GradebookError> {
        if student.grades.iter().all(|g| g.checks.is_empty()) {
            return Ok(Work::default());
        }
        self.read(student, |_, _| None)
    }

    /// A student's verdicts, and where there is none for something that was handed in, a report that says why.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn whole(&self, student: &Student) -> Result<Work, GradebookError> {
        self.read(student, stand_in)
    }

    fn read(
        &self,
        student: &Student,
        otherwise: fn(&Exercise, &Grade) -> Option<Report>,
    ) -> Result<Work, GradebookError> {
        let mut judged = self.book.judged(&student.id)?;
        let mut work = Work::default();
        work.options.whose = Some(match &student.name {
            Some(name) => format!("{name} ({})", student.id),
            None => student.id.clone(),
        });
        for (exercise, grade) in self.class.exercises.iter().zip(&student.grades) {
            let report = match judged.remove(&grade.exercise) {
                Some(judged) => {
                    let place = self.path(&judged.place);
                    let folders = &mut work.options.folders;
                    folders.extend(place.map(|p| (grade.exercise.clone(), p)));
                    Some(judged.report)
                }
                None => otherwise(exercise, grade),
            };
            work.reports.extend(report);
            let mark = mark(grade).map(|m| (grade.exercise.clone(), m));
            work.options.marks.extend(mark);
        }
        Ok(work)
    }

    /// A path below the folder of submissions; nothing where it is not known.
    fn path(&self, place: &str) -> Option<String> {
        match (self.root.as_str(), place) {
            (_, "") => None,
            ("", place) => Some(place.to_owned()),
            (root, place) => Some(format!("{root}/{place}")),
        }
    }
}

/// The points that count, where they are not those that the checks gave.
fn mark(grade: &Grade) -> Option<Mark> {
    let own = grade.instructor.is_some();
    let points = grade.mark.filter(|m| own || Some(*m) != grade.score)?;
    let why = match (&grade.instructor, grade.late) {
        (Some(mark), _) => format!("the instructor's mark: {}", mark.note),
        (None, Some(late)) => late.words(),
        (None, None) => String::new(),
    };
    Some(Mark { points, why })
}

/// What takes the place of a report where nothing was judged. Of work that nobody handed in there is one only for the
/// sake of an instructor's mark, and it has no check.
fn stand_in(exercise: &Exercise, grade: &Grade) -> Option<Report> {
    let empty = Report {
        schema: SCHEMA.to_owned(),
        exercise: exercise.exercise.clone(),
        lab: exercise.lab.clone(),
        title: exercise.title.clone(),
        outcome: Outcome::Failed,
        score: 0,
        max_score: grade.max_score,
        engine: None,
        builds: Vec::new(),
        partial: false,
        stand_ins: Vec::new(),
        checks: Vec::new(),
        duration_ms: 0,
    };
    let (key, status) = match grade.state {
        GradeState::Refused => ("accepted", Status::Failed),
        GradeState::NotGraded | GradeState::Waiting => ("graded", Status::Error),
        GradeState::Unplaced => ("placed", Status::Error),
        GradeState::Missing if grade.instructor.is_some() => return Some(empty),
        GradeState::Missing | GradeState::Passed | GradeState::Failed => return None,
    };
    let reason = grade.reason.as_deref().unwrap_or("not judged yet");
    let check = CheckReport {
        key: key.to_owned(),
        id: String::new(),
        build: None,
        title: "the work can be judged".to_owned(),
        summary: String::new(),
        status,
        points: 0,
        max_points: grade.max_score,
        message: reason.to_owned(),
        place: None,
        related: Vec::new(),
        expected: None,
        actual: None,
        why: String::new(),
        help: None,
        details: Vec::new(),
        fix: None,
        hint: Some(Hint {
            level: 3,
            nudge: None,
        }),
    };
    Some(Report {
        outcome: match status {
            Status::Error => Outcome::Error,
            _ => Outcome::Failed,
        },
        checks: vec![check],
        ..empty
    })
}
