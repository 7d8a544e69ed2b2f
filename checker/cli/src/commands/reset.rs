//! `mslab reset`: back to the starter, with the old work kept.

use crate::exit::Exit;
use crate::failure::Result;
use crate::terminal::say;
use crate::workspace::Surroundings;

/// Puts the starter back.
pub(crate) fn run(exercise: &str) -> Result<Exit> {
    let here = Surroundings::here()?;
    let workspace = here.workspace()?;
    let lab = here.labs.find(exercise)?;
    let backup = workspace.reset(&lab)?;
    match backup {
        Some(path) => say!(
            "{} is as it began. Your work is kept in {}",
            lab.exercise(),
            path.display()
        ),
        None => say!("{} is there now, as it begins", lab.exercise()),
    }
    Ok(Exit::Passed)
}
