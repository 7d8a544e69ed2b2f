//! What was handed in is written down before anything of it is judged.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{OptionalExtension as _, Transaction, params};
use sha2::{Digest as _, Sha256};

use super::{Gradebook, Result};
use crate::intake::What;
use crate::roster::Roster;
use crate::submission::Trusted;

/// What grades are made with, beside the lab: another version or other rules mean new grades.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// The version of mslab.
    pub mslab: String,
    /// All that the instructor said and that can change a verdict, in one text.
    pub rules: String,
}

impl Basis {
    /// The key of work: the same key is the same verdict.
    fn key(&self, lab: &str, digest: &str) -> String {
        digest_of(&[lab, &self.mslab, &self.rules, digest])
    }
}

/// One exercise of one student as the intake found it.
pub struct Row<'a> {
    /// The student's id.
    pub student: String,
    /// The exercise's lab, where it can be said which.
    pub lab: Option<&'a Trusted>,
    /// What was found.
    pub what: What,
}

fn digest_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

impl Gradebook {
    /// Writes the class list, in the place of an older one.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn enrol(&mut self, roster: &Roster) -> Result<()> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM member", [])?;
        let sql = "INSERT INTO member (student, name, due, submitted) VALUES (?1, ?2, ?3, ?4)";
        let mut insert = transaction.prepare(sql)?;
        for (student, member) in roster {
            insert.execute((student, &member.name, member.due, member.submitted))?;
        }
        drop(insert);
        transaction.commit()?;
        Ok(())
    }

    /// Writes the labs that are graded with.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn know(&mut self, labs: &[Trusted]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        for trusted in labs {
            let max_score: u32 = trusted.plan.checks.iter().map(|c| c.points).sum();
            let sql = "INSERT INTO lab (digest, number, exercise, slug, title, max_score)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
            let row = params![
                trusted.digest,
                trusted.lab.number,
                trusted.lab.exercise(),
                trusted.lab.slug,
                trusted.lab.definition.title,
                max_score,
            ];
            transaction.execute(sql, row)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Writes what was handed in, all of it or nothing. Work that stands there already is not judged again.
    ///
    /// `canary` makes the secret value of new work; it is kept with the work for ever.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn receive(
        &mut self,
        rows: &[Row<'_>],
        basis: &Basis,
        canary: &dyn Fn(&str) -> String,
    ) -> Result<()> {
        let seen = (self.clock)();
        let transaction = self.connection.transaction()?;
        // One student's rows at a time: what came before is not current any more where there is something newer.
        let mut by_student: HashMap<&str, Vec<&Row<'_>>> = HashMap::new();
        for row in rows {
            by_student.entry(&row.student).or_default().push(row);
        }
        let mut students: Vec<_> = by_student.into_iter().collect();
        students.sort_by_key(|(student, _)| *student);
        for (student, rows) in students {
            // Whatever could not be placed before has been read again now.
            let sql = "UPDATE submission SET current = 0 WHERE student = ?1 AND exercise = ''";
            transaction.prepare_cached(sql)?.execute([student])?;
            for row in rows {
                receive_one(&transaction, row, basis, canary, seen)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

fn receive_one(
    transaction: &Transaction<'_>,
    row: &Row<'_>,
    basis: &Basis,
    canary: &dyn Fn(&str) -> String,
    seen: i64,
) -> Result<()> {
    let lab = row.lab.map(|l| l.digest.as_str());
    let exercise = row.lab.map(|l| l.lab.exercise()).unwrap_or_default();
    let (key, work, refused, reason, notes, place) = match &row.what {
        What::Submission(submission) => {
            let digest = submission.digest();
            let lab = lab.unwrap_or_default();
            let key = basis.key(lab, &digest);
            let find = "SELECT id FROM work WHERE key = ?1";
            let known: Option<i64> = transaction
                .prepare_cached(find)?
                .query_row([&key], |r| r.get(0))
                .optional()?;
            let id = match known {
                Some(id) => id,
                None => {
                    let files = pack(&submission.files)?;
                    let sql = "INSERT INTO work (key, lab, mslab, rules, digest, files, canary)
                        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
                    transaction.prepare_cached(sql)?.execute(params![
                        key,
                        lab,
                        basis.mslab,
                        basis.rules,
                        digest,
                        files,
                        canary(&key),
                    ])?;
                    transaction.last_insert_rowid()
                }
            };
            let notes = serde_json::to_string(&submission.notes)?;
            (key, Some(id), false, None, notes, submission.place.as_str())
        }
        What::Refused(reason) => (
            digest_of(&["refused", lab.unwrap_or_default(), reason]),
            None,
            true,
            Some(reason),
            "[]".to_owned(),
            "",
        ),
        What::Unplaced(reason) => (
            digest_of(&["unplaced", lab.unwrap_or_default(), reason]),
            None,
            false,
            Some(reason),
            "[]".to_owned(),
            "",
        ),
    };
    let sql = "UPDATE submission SET current = 0
        WHERE student = ?1 AND exercise = ?2 AND key <> ?3 AND current = 1";
    let student = &row.student;
    transaction
        .prepare_cached(sql)?
        .execute([student, &exercise, &key])?;
    let sql = "INSERT INTO submission
            (student, exercise, key, lab, work, refused, reason, notes, seen_ms, place)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (student, exercise, key)
            DO UPDATE SET current = 1, notes = excluded.notes, place = excluded.place";
    transaction.prepare_cached(sql)?.execute(params![
        student, exercise, key, lab, work, refused, reason, notes, seen, place
    ])?;
    Ok(())
}

/// A learner's file as it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Kept {
    /// The bytes, where they are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// The bytes in hexadecimal, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) executable: bool,
}

/// Files as JSON, so that anybody can read in the gradebook what was graded.
fn pack(files: &mslab_core::lab::Folder) -> Result<String> {
    let kept: BTreeMap<&String, Kept> = files
        .iter()
        .map(|(path, file)| {
            let text = std::str::from_utf8(&file.bytes).ok().map(str::to_owned);
            let bytes = text
                .is_none()
                .then(|| file.bytes.iter().map(|b| format!("{b:02x}")).collect());
            let kept = Kept {
                text,
                bytes,
                executable: file.executable,
            };
            (path, kept)
        })
        .collect();
    Ok(serde_json::to_string(&kept)?)
}

/// The files that [`pack`] made text of.
pub(super) fn unpack(text: &str) -> Result<mslab_core::lab::Folder> {
    let kept: BTreeMap<String, Kept> = serde_json::from_str(text)?;
    let file = |kept: Kept| {
        let hex = kept.bytes.unwrap_or_default();
        let from_hex = |i: usize| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok();
        let bytes = match kept.text {
            Some(text) => text.into_bytes(),
            None => (0..hex.len()).step_by(2).filter_map(from_hex).collect(),
        };
        mslab_core::lab::FolderFile {
            bytes: bytes.into(),
            executable: kept.executable,
        }
    };
    Ok(kept.into_iter().map(|(p, k)| (p, file(k))).collect())
}
