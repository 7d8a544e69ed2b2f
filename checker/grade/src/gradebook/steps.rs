//! The steps of judging: each is written before it is taken, and once it is done.

use std::collections::BTreeSet;

use mslab_core::lab::Folder;
use mslab_core::report::Report;
use rusqlite::params;

use super::receive::unpack;
use super::{Basis, Gradebook, Result};

/// Work that is to be judged.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its number in the gradebook.
    pub id: i64,
    /// The digest of its lab.
    pub lab: String,
    /// The learner's files.
    pub files: Folder,
    /// The random text that stands for each secret. It was made when the work came in, and is searched for ever after.
    pub canary: String,
    /// Keeps what this work leaves on an engine apart from what others leave there: the same for the same work.
    pub key: String,
    /// Who handed it in, by id.
    pub students: Vec<String>,
}

/// Work that waits to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its number in the gradebook.
    pub id: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// How many handed it in.
    pub students: u32,
}

/// How a step of judging ended.
#[derive(Debug, Clone)]
pub enum Finish {
    /// There is a verdict.
    Judged(Box<Report>),
    /// It breaks one of the instructor's rules, and nothing of it was run: no points, for this reason.
    Refused(String),
    /// The environment failed for good: not graded, for this reason.
    Environment(String),
    /// It failed now, and is to be tried again: how often it has been.
    Again(u32),
    /// It was stopped.
    Stopped,
}

impl Gradebook {
    /// Takes back what a killed run had begun, and, if they are to be tried again, what the environment failed for.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn recover(&mut self, retry_environment: bool) -> Result<()> {
        let transaction = self.connection.transaction()?;
        let sql = "UPDATE work SET state = 'waiting' WHERE state = 'judging'";
        transaction.execute(sql, [])?;
        if retry_environment {
            let sql = "UPDATE work SET state = 'waiting', attempts = 0, reason = NULL,
                finished_ms = NULL WHERE state = 'environment'";
            transaction.execute(sql, [])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The work that waits, in the order in which it came in: what is current, and of the labs and the basis given.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn waiting(&self, labs: &BTreeSet<String>, basis: &Basis) -> Result<Vec<Waiting>> {
        let sql = "SELECT w.id, w.attempts, count(*), w.lab
            FROM work w JOIN submission s ON s.work = w.id AND s.current = 1
            WHERE w.state = 'waiting' AND w.mslab = ?1 AND w.rules = ?2
            GROUP BY w.id ORDER BY w.id";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([&basis.mslab, &basis.rules], |row| {
            let one = Waiting {
                id: row.get(0)?,
                attempts: row.get(1)?,
                students: row.get(2)?,
            };
            Ok((one, row.get::<_, String>(3)?))
        })?;
        let mut waiting = Vec::new();
        for row in rows {
            let (one, lab) = row?;
            if labs.contains(&lab) {
                waiting.push(one);
            }
        }
        Ok(waiting)
    }

    /// Writes how steps ended and which begin, all of it or nothing, and returns those that begin.
    ///
    /// # Errors
    /// The gradebook cannot be written: nothing may begin then.
    pub fn step(&mut self, ended: &[(i64, Finish)], begin: &[i64]) -> Result<Vec<Job>> {
        let now = (self.clock)();
        let transaction = self.connection.transaction()?;
        for (id, finish) in ended {
            let (state, attempts, reason, report) = match finish {
                Finish::Judged(report) => {
                    let text = serde_json::to_string(report)?;
                    ("judged", None, None, Some(text))
                }
                Finish::Refused(reason) => ("refused", None, Some(reason), None),
                Finish::Environment(reason) => ("environment", None, Some(reason), None),
                Finish::Again(attempts) => ("waiting", Some(*attempts), None, None),
                Finish::Stopped => ("waiting", None, None, None),
            };
            let finished = (state != "waiting").then_some(now);
            let sql = "UPDATE work SET state = ?2, attempts = coalesce(?3, attempts), reason = ?4,
                report = ?5, finished_ms = ?6 WHERE id = ?1";
            transaction
                .prepare_cached(sql)?
                .execute(params![id, state, attempts, reason, report, finished])?;
        }
        let mut jobs = Vec::new();
        for id in begin {
            let sql = "UPDATE work SET state = 'judging' WHERE id = ?1
                RETURNING lab, files, canary, key";
            let (lab, files, canary, key): (String, String, String, String) = transaction
                .prepare_cached(sql)?
                .query_row([id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
            let sql =
                "SELECT student FROM submission WHERE work = ?1 AND current = 1 ORDER BY student";
            let mut statement = transaction.prepare_cached(sql)?;
            let students = statement.query_map([id], |r| r.get(0))?;
            jobs.push(Job {
                id: *id,
                lab,
                files: unpack(&files)?,
                canary,
                key,
                students: students.collect::<rusqlite::Result<_>>()?,
            });
        }
        transaction.commit()?;
        Ok(jobs)
    }
}
