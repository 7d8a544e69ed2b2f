//! The gradebook: a SQLite file in which every step of grading a class is written before the next one begins.
//!
//! A run that is killed at any moment can be started again: it goes on where it was, and neither loses nor repeats what
//! was finished. Rows carry the digest of the lab and the version of mslab, so that a changed lab means a new grade.

mod error;
mod merge;
mod read;
mod receive;
mod schema;
mod steps;
#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mslab_core::diagnostic::did_you_mean;
use rusqlite::{Connection, ErrorCode, OpenFlags};

pub use error::GradebookError;
pub use read::{Entry, EntryState, JudgedWork, LabRow, Override};
pub use receive::{Basis, Row};
pub use steps::{Finish, Job, Waiting};

/// A gradebook, open for one run.
#[derive(Debug)]
pub struct Gradebook {
    connection: Connection,
    /// Holds the lock; the system lets go of it however the run ends. Who only looks needs none.
    _lock: Option<File>,
    /// Milliseconds since 1970, or what a test says.
    clock: fn() -> i64,
}

/// How long to wait for another who is writing.
const BUSY: Duration = Duration::from_secs(10);

pub(crate) type Result<T, E = GradebookError> = std::result::Result<T, E>;

impl Gradebook {
    /// Opens a gradebook, and makes it where it is not there.
    ///
    /// # Errors
    /// Another run has it open, a newer mslab wrote it, it is no gradebook, or the disk fails.
    pub fn open(path: &Path) -> Result<Self> {
        let lock = lock(path)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        is_current(&connection, path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A step counts as finished once it would survive the machine's power being cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            connection,
            _lock: Some(lock),
            clock: now,
        })
    }

    /// Opens a gradebook only to look into it, also while a run is writing it.
    ///
    /// # Errors
    /// There is none, a newer mslab wrote it, or the disk fails.
    pub fn look_into(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        if !is_current(&connection, path)? {
            // It has to be brought up to this version first.
            return Self::open(path);
        }
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self {
            connection,
            _lock: None,
            clock: now,
        })
    }

    /// Remembers something about the run.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let sql = "INSERT INTO setting (name, value) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.connection.execute(sql, [name, value])?;
        Ok(())
    }

    /// What was remembered under a name.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM setting WHERE name = ?1";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([name])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Records an instructor's own mark. What the checks gave is kept beside it.
    ///
    /// # Errors
    /// Nobody has that id, nobody handed that exercise in, or the gradebook cannot be written.
    pub fn override_mark(
        &mut self,
        student: &str,
        exercise: &str,
        points: u32,
        note: &str,
    ) -> Result<()> {
        let all = |sql| -> Result<Vec<String>> {
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        let students = all("SELECT student FROM submission UNION SELECT student FROM member")?;
        if !students.iter().any(|s| s == student) {
            return Err(GradebookError::NoStudent {
                student: student.to_owned(),
                near: did_you_mean(student, students.iter().map(String::as_str)).map(str::to_owned),
            });
        }
        let exercises = all("SELECT DISTINCT exercise FROM submission WHERE exercise <> ''")?;
        if !exercises.iter().any(|e| e == exercise) {
            return Err(GradebookError::NoExercise {
                exercise: exercise.to_owned(),
                found: exercises.join(", "),
            });
        }
        let sql = "INSERT INTO override (student, exercise, points, note, made_ms)
            VALUES (?1, ?2, ?3, ?4, ?5)";
        let made = (self.clock)();
        let row = (student, exercise, points, note, made);
        self.connection.execute(sql, row)?;
        Ok(())
    }

    /// Takes an instructor's mark back, so that what the checks gave counts again. The mark stays on record.
    ///
    /// # Errors
    /// There is no such mark, or the gradebook cannot be written.
    pub fn take_back_mark(&mut self, student: &str, exercise: &str, note: &str) -> Result<()> {
        let whose = (student.to_owned(), exercise.to_owned());
        let Some(mark) = self.overrides()?.remove(&whose) else {
            let (student, exercise) = whose;
            return Err(GradebookError::NoMark { student, exercise });
        };
        let sql = "INSERT INTO override (student, exercise, points, note, made_ms, taken_back)
            VALUES (?1, ?2, ?3, ?4, ?5, 1)";
        let row = (student, exercise, mark.points, note, (self.clock)());
        self.connection.execute(sql, row)?;
        Ok(())
    }
}

/// Whether a file is a gradebook of this version; one that is older, or empty, is not yet.
fn is_current(connection: &Connection, path: &Path) -> Result<bool> {
    let named = |e: rusqlite::Error| match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => GradebookError::NotOne(path.to_owned()),
        _ => e.into(),
    };
    let known = schema::MIGRATIONS.len() as i64;
    let found = schema::version(connection).map_err(named)?;
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != schema::APPLICATION && tables > 0 {
        return Err(GradebookError::NotOne(path.to_owned()));
    }
    if found > known {
        return Err(GradebookError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(found == known)
}

fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path_of_lock = PathBuf::from(name);
    let failed = |source| GradebookError::Open {
        path: path.to_owned(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path_of_lock)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(GradebookError::InUse(path.to_owned())),
        Err(TryLockError::Error(e)) => Err(failed(e)),
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
