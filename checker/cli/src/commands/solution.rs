//! `mslab solution`: the reference solution, for those who passed or want it told.

use mslab_core::diagnostic::{self, Files};
use mslab_core::lab::{Folder, Lab};
use mslab_core::source::Source;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::terminal::{DIM, paint, remark};
use crate::workspace::{Surroundings, Workspace};

/// Prints the solution's files, and how the learner's differ. On standard output there is the files' text and nothing
/// else, for those who write it to a file.
pub(crate) fn run(exercise: &str, spoil: bool) -> Result<Exit> {
    let here = Surroundings::here()?;
    let lab = here.labs.find(exercise)?;
    let passed = match &here.workspace {
        Some(w) => w.state()?.exercise(&lab.exercise()).ever_passed,
        None => false,
    };
    if !passed && !spoil {
        return Err(Failure::usage(format!("{} has not passed yet", lab.exercise())).help(format!(
            "`mslab hint {0}` shows the next hint; `mslab solution {0} --spoil` shows the solution all the same.",
            lab.exercise()
        )));
    }
    for (path, file) in lab.subfolder("solution") {
        remark!("{}", paint(DIM, format!("── {path}")));
        anstream::print!("{}", String::from_utf8_lossy(&file.bytes));
    }
    if let Some(workspace) = &here.workspace {
        let diff = difference(workspace, &lab)?;
        if !diff.is_empty() {
            remark!("\n{}\n{diff}", paint(DIM, "── from yours to this one"));
        }
    }
    Ok(Exit::Passed)
}

/// From the learner's files to the solution's, as a unified diff; empty where there are none, or they are the same.
pub(crate) fn difference(workspace: &Workspace, lab: &Lab) -> Result<String> {
    if !workspace.exercise_dir(lab).exists() {
        return Ok(String::new());
    }
    let (mine, reference) = (workspace.read_exercise(lab)?, lab.solution());
    let only_learners = |f: &Folder| -> Files {
        let own = f.iter().filter(|(p, _)| lab.is_learners(p));
        own.map(|(p, f)| (p.clone(), Source::new(p.as_str(), f.bytes.as_ref())))
            .collect()
    };
    Ok(diagnostic::diff(
        &only_learners(&mine),
        &only_learners(&reference),
    ))
}
