//! What stands in the gradebook, as the outputs need it.

use std::collections::BTreeMap;

use mslab_core::lab::Folder;
use mslab_core::report::Report;

use super::receive::unpack;
use super::{Gradebook, Result};
use crate::roster::{Member, Roster};

/// A lab that something was graded with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabRow {
    /// Its digest.
    pub digest: String,
    /// Its number.
    pub number: u32,
    /// `exercise-5`
    pub exercise: String,
    /// `go-scratch`
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Points that can be earned.
    pub max_score: u32,
}

/// What a student handed in last for an exercise, and how far it is.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The student's id.
    pub student: String,
    /// The exercise; empty where it cannot be said which.
    pub exercise: String,
    /// The digest of its lab.
    pub lab: Option<String>,
    /// The number of its work.
    pub work: Option<i64>,
    /// The version of mslab that judges it.
    pub mslab: Option<String>,
    /// What was noticed when it came in.
    pub notes: Vec<String>,
    /// How far it is.
    pub state: EntryState,
}

/// How far an entry is.
#[derive(Debug, Clone)]
pub enum EntryState {
    /// Not judged yet.
    Waiting,
    /// Judged.
    Judged(Box<Report>),
    /// It breaks a rule: no points, for this reason.
    Refused(String),
    /// The environment failed: not graded, for this reason.
    Environment(String),
    /// It could not be placed or read: not graded, for this reason.
    Unplaced(String),
}

/// Work with its verdict.
#[derive(Debug, Clone)]
pub struct JudgedWork {
    /// Where it lies below the folder of submissions; empty where an older mslab took it in.
    pub place: String,
    /// The verdict.
    pub report: Report,
}

/// An instructor's own mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The points that count.
    pub points: u32,
    /// Why.
    pub note: String,
    /// When, in milliseconds since 1970.
    pub made_ms: i64,
}

impl Gradebook {
    /// The labs, by number. Of one that was changed there are several.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn labs(&self) -> Result<Vec<LabRow>> {
        let sql = "SELECT digest, number, exercise, slug, title, max_score FROM lab
            ORDER BY number, rowid";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |r| {
            Ok(LabRow {
                digest: r.get(0)?,
                number: r.get(1)?,
                exercise: r.get(2)?,
                slug: r.get(3)?,
                title: r.get(4)?,
                max_score: r.get(5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The class list.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn roster(&self) -> Result<Roster> {
        let sql = "SELECT student, name, due, submitted FROM member";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |r| {
            let member = Member {
                name: r.get(1)?,
                due: r.get(2)?,
                submitted: r.get(3)?,
            };
            Ok((r.get(0)?, member))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Calls `each` with every current entry, by student and exercise (as text: an index has them in this order, and
    /// nothing need be sorted). One at a time, because reports are long.
    ///
    /// # Errors
    /// The gradebook cannot be read, or `each` fails.
    pub fn entries<E: From<super::GradebookError>>(
        &self,
        mut each: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT s.student, s.exercise, s.lab, s.work, w.mslab, s.notes, s.refused,
                s.reason, w.state, w.reason, w.report
            FROM submission s LEFT JOIN work w ON w.id = s.work
            WHERE s.current = 1 ORDER BY s.student, s.exercise";
        let failed = |e: rusqlite::Error| E::from(e.into());
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(entry(row).map_err(E::from)?)?;
        }
        Ok(())
    }

    /// What was judged of one student's work, by exercise.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn judged(&self, student: &str) -> Result<BTreeMap<String, JudgedWork>> {
        let sql = "SELECT s.exercise, s.place, w.report
            FROM submission s JOIN work w ON w.id = s.work
            WHERE s.student = ?1 AND s.current = 1 AND w.state = 'judged'";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([student])?;
        let mut all = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let report: String = row.get(2)?;
            let work = JudgedWork {
                place: row.get(1)?,
                report: serde_json::from_str(&report)?,
            };
            all.insert(row.get(0)?, work);
        }
        Ok(all)
    }

    /// The marks that instructors gave, the last one for each student and exercise. One that was taken back is not there.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn overrides(&self) -> Result<BTreeMap<(String, String), Override>> {
        let sql = "SELECT student, exercise, points, note, made_ms, taken_back FROM override
            ORDER BY id";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |r| {
            let mark = Override {
                points: r.get(2)?,
                note: r.get(3)?,
                made_ms: r.get(4)?,
            };
            Ok(((r.get(0)?, r.get(1)?), mark, r.get::<_, bool>(5)?))
        })?;
        let mut marks = BTreeMap::new();
        for row in rows {
            let (whose, mark, taken_back) = row?;
            if taken_back {
                marks.remove(&whose);
            } else {
                marks.insert(whose, mark);
            }
        }
        Ok(marks)
    }

    /// Calls `each` with all work that is current: its lab's digest, its files, and who handed it in.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn works(&self, mut each: impl FnMut(&str, Folder, Vec<String>)) -> Result<()> {
        let sql = "SELECT w.lab, w.files, json_group_array(s.student ORDER BY s.student)
            FROM work w JOIN submission s ON s.work = w.id AND s.current = 1
            GROUP BY w.id ORDER BY w.id";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (lab, files, students): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            each(&lab, unpack(&files)?, serde_json::from_str(&students)?);
        }
        Ok(())
    }
}

fn entry(row: &rusqlite::Row<'_>) -> Result<Entry> {
    let notes: String = row.get(5)?;
    let refused: bool = row.get(6)?;
    let why: Option<String> = row.get(7)?;
    let state: Option<String> = row.get(8)?;
    let reason: Option<String> = row.get(9)?;
    let report: Option<String> = row.get(10)?;
    let why = why.or(reason).unwrap_or_default();
    let state = match (state.as_deref(), report) {
        (Some("judged"), Some(report)) => {
            EntryState::Judged(Box::new(serde_json::from_str(&report)?))
        }
        (Some("refused"), _) => EntryState::Refused(why),
        (Some("environment"), _) => EntryState::Environment(why),
        (Some(_), _) => EntryState::Waiting,
        (None, _) if refused => EntryState::Refused(why),
        (None, _) => EntryState::Unplaced(why),
    };
    Ok(Entry {
        student: row.get(0)?,
        exercise: row.get(1)?,
        lab: row.get(2)?,
        work: row.get(3)?,
        mslab: row.get(4)?,
        notes: serde_json::from_str(&notes)?,
        state,
    })
}
