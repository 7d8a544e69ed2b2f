//! Several gradebooks made one: the parts that a class was cut into.

use std::path::Path;

use rusqlite::OptionalExtension as _;

use super::{Gradebook, GradebookError, Result};

/// Tables are copied in an order in which nothing refers to what is not there yet. Numbers are given anew; keys stay.
const COPY: &[&str] = &[
    "INSERT INTO lab SELECT * FROM part.lab WHERE true ON CONFLICT DO NOTHING",
    "INSERT INTO member SELECT * FROM part.member WHERE true ON CONFLICT DO NOTHING",
    "INSERT INTO setting SELECT * FROM part.setting WHERE true ON CONFLICT DO NOTHING",
    // Of the same work that which is finished is kept.
    "INSERT INTO work (key, lab, mslab, rules, digest, files, canary, state, attempts, reason, report, finished_ms)
        SELECT key, lab, mslab, rules, digest, files, canary,
            CASE state WHEN 'judging' THEN 'waiting' ELSE state END,
            attempts, reason, report, finished_ms
        FROM part.work WHERE true ORDER BY id
        ON CONFLICT (key) DO UPDATE SET
            state = excluded.state, attempts = excluded.attempts, reason = excluded.reason,
            report = excluded.report, finished_ms = excluded.finished_ms, canary = excluded.canary
        WHERE work.state NOT IN ('judged', 'refused')
            AND excluded.state IN ('judged', 'refused', 'environment')",
    "INSERT INTO submission (student, exercise, key, lab, work, refused, reason, notes, current, seen_ms, place)
        SELECT s.student, s.exercise, s.key, s.lab, w.id, s.refused, s.reason, s.notes, s.current, s.seen_ms, s.place
        FROM part.submission s
            LEFT JOIN part.work p ON p.id = s.work LEFT JOIN work w ON w.key = p.key
        WHERE true ORDER BY s.id
        ON CONFLICT (student, exercise, key) DO NOTHING",
    "INSERT INTO override (student, exercise, points, note, made_ms, taken_back)
        SELECT student, exercise, points, note, made_ms, taken_back FROM part.override p
        WHERE NOT EXISTS (SELECT 1 FROM override o WHERE o.student = p.student
            AND o.exercise = p.exercise AND o.points = p.points AND o.note = p.note
            AND o.made_ms = p.made_ms AND o.taken_back = p.taken_back)
        ORDER BY made_ms",
];

impl Gradebook {
    /// Takes in all that stands in another gradebook. What is the same in both is there once.
    ///
    /// # Errors
    /// The other is no gradebook or of another version, both have different work of the same student for the same
    /// exercise, or this one cannot be written. Nothing is taken in then.
    pub fn merge(&mut self, part: &Path) -> Result<()> {
        if !part.is_file() {
            return Err(GradebookError::NotOne(part.to_owned()));
        }
        // Opening it brings it up to this version, and sees that no run is using it.
        drop(Self::open(part)?);
        let path = part.to_string_lossy();
        self.connection
            .execute("ATTACH DATABASE ?1 AS part", [path.as_ref()])?;
        let merged = self.copy();
        self.connection.execute("DETACH DATABASE part", [])?;
        merged
    }

    fn copy(&mut self) -> Result<()> {
        let transaction = self.connection.transaction()?;
        let sql = "SELECT a.student, a.exercise FROM submission a JOIN part.submission b
            ON a.student = b.student AND a.exercise = b.exercise
            WHERE a.current = 1 AND b.current = 1 AND a.key <> b.key LIMIT 1";
        let conflict = transaction
            .query_row(sql, [], |r| Ok((r.get(0)?, r.get(1)?)))
            .optional()?;
        if let Some((student, exercise)) = conflict {
            return Err(GradebookError::Conflict { student, exercise });
        }
        for sql in COPY {
            transaction.execute(sql, [])?;
        }
        transaction.commit()?;
        Ok(())
    }
}
