//! Reads the folder of submissions into the gradebook.

use std::path::Path;

use mslab_core::lab::Folder;

use crate::gradebook::{Basis, Gradebook, GradebookError, Row};
use crate::intake::{self, Intake, IntakeError, What};
use crate::shard::Shard;

/// So many bytes of learners' files are written at once.
const BATCH_BYTES: usize = 8 << 20;
/// So many submissions are written at once.
const BATCH: usize = 500;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// Students that handed something in.
    pub students: usize,
    /// Names in the folder that are nobody's: not graded.
    pub strays: Vec<String>,
}

/// Why submissions could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum TakeInError {
    /// The folder cannot be read.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The gradebook cannot be written.
    #[error(transparent)]
    Gradebook(#[from] GradebookError),
}

/// Reads what was handed in to `root`, for this `shard` only if there is one, and writes it down. Done again, it changes
/// nothing where nothing has changed.
///
/// # Errors
/// The folder cannot be read, or the gradebook not written.
pub fn take_in(
    book: &mut Gradebook,
    intake: &Intake<'_>,
    root: &Path,
    shard: Option<Shard>,
    basis: &Basis,
    canary: &dyn Fn(&str) -> String,
) -> Result<TakenIn, TakeInError> {
    let found = intake::students(root)?;
    book.know(intake.labs())?;
    let mut taken = TakenIn {
        students: 0,
        strays: found.strays,
    };
    let mut batch = Vec::new();
    let mut bytes = 0;
    for handed_in in &found.students {
        if shard.is_some_and(|s| !s.holds(&handed_in.student)) {
            continue;
        }
        taken.students += 1;
        for received in intake.read(handed_in) {
            if let What::Submission(submission) = &received.what {
                bytes += size(&submission.files);
            }
            batch.push(Row {
                student: handed_in.student.clone(),
                lab: received.lab.map(|n| &intake.labs()[n]),
                what: received.what,
            });
        }
        if bytes > BATCH_BYTES || batch.len() > BATCH {
            book.receive(&batch, basis, canary)?;
            batch.clear();
            bytes = 0;
        }
    }
    book.receive(&batch, basis, canary)?;
    Ok(taken)
}

fn size(files: &Folder) -> usize {
    files.values().map(|f| f.bytes.len()).sum()
}
