//! `mslab init`: a workspace with every exercise's starter.

use std::path::{Path, PathBuf};

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::terminal::{DIM, GOOD, paint, say};
use crate::workspace::{Surroundings, Workspace};

/// Makes the workspace; exercises that are there already are left alone.
pub(crate) fn run(dir: Option<PathBuf>) -> Result<Exit> {
    let dir = dir.unwrap_or_else(|| PathBuf::from("."));
    // The labs that every later command in that folder will see.
    let place = std::path::absolute(&dir).map_err(|e| Failure::file("find", &dir, &e))?;
    let labs = Surroundings::find(&place).labs;
    let workspace = Workspace::make(&dir)?;
    let (mut made, mut kept) = (0, 0);
    for lab in labs.all()? {
        let new = workspace.make_exercise(&lab)?;
        let (symbol, note) = if new {
            (paint(GOOD, "+"), "")
        } else {
            (paint(DIM, "="), "  (yours, left as it is)")
        };
        say!(
            "{symbol} {:<34} {}{}",
            lab.workspace_folder(),
            lab.definition.title,
            paint(DIM, note)
        );
        *(if new { &mut made } else { &mut kept }) += 1;
    }
    let plural = |n: u32| if n == 1 { "exercise" } else { "exercises" };
    let kept_note = if kept > 0 {
        format!(", {kept} {} kept", plural(kept))
    } else {
        String::new()
    };
    say!(
        "\n{made} {} made{kept_note} in {}",
        plural(made),
        dir.display()
    );
    let cd = if dir == Path::new(".") {
        String::new()
    } else {
        format!("cd {} && ", dir.display())
    };
    say!(
        "Beside each folder lies its task: exercise-01-….md is the first. `mslab explain exercise-1` prints it too."
    );
    say!("\nNext: {cd}mslab check exercise-1");
    Ok(Exit::Passed)
}
