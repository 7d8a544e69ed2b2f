//! `mslab reset`: back to the starter, with the old work kept.

use crate::exit::Exit;
use crate::failure::Result;
use crate::terminal::say;
use crate::workspace::{Progress, Surroundings};

/// Puts the starter back.
pub(crate) fn run(exercise: &str) -> Result<Exit> {
    let here = Surroundings::here()?;
    let workspace = here.workspace()?;
    let lab = here.labs.find(exercise)?;
    let name = lab.exercise();
    let had_passed = workspace.state()?.exercise(&name).progress == Progress::Passed;
    match workspace.reset(&lab)? {
        Some(path) => {
            say!(
                "{name} is as it began. Your work is kept in {}",
                path.display()
            );
            if had_passed {
                say!("It counts as not checked again.");
            }
        }
        None => say!("{name} is there now, as it begins"),
    }
    Ok(Exit::Passed)
}
