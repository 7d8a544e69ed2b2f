//! `mslab init`: a workspace with every exercise's starter.

use std::path::{Path, PathBuf};

use mslab_core::text::escape;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::terminal::{DIM, GOOD, paint, say};
use crate::workspace::{Surroundings, Workspace, is_workspace};

/// Makes the workspace; exercises that are there already are left alone.
pub(crate) fn run(dir: Option<PathBuf>) -> Result<Exit> {
    let named = dir.is_some();
    let dir = dir.unwrap_or_else(|| PathBuf::from("."));
    // The labs that every later command in that folder will see.
    let place = whole(&dir)?;
    let here = Surroundings::find(&place);
    if let Some(around) = here.workspace.as_ref().map(Workspace::root)
        && place != around
        && place.starts_with(around)
    {
        let failure = Failure::usage(format!("{} is a workspace already", around.display()));
        return Err(failure.help(
            "`mslab list` shows its exercises. A workspace inside another one is of no use.",
        ));
    }
    let others = others(&place)?;
    if !named && !others.is_empty() {
        let failure = Failure::usage(format!(
            "this folder has other things in it: {}",
            some_of(&others)
        ));
        return Err(failure.help(
            "`mslab init multi-stage` makes a folder of their own for the exercises; `mslab init .` puts them here, \
             beside what there is.",
        ));
    }
    let labs = here.labs;
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
    if !others.is_empty() {
        say!("What was there already is as it was: {}", some_of(&others));
    }
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

/// The folder's whole path, without links and `..` in it as far as it is there.
fn whole(dir: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(dir).map_err(|e| Failure::file("find", dir, &e))?;
    if let Ok(place) = path.canonicalize() {
        return Ok(place);
    }
    let parent = path.parent().and_then(|p| p.canonicalize().ok());
    Ok(match (parent, path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path,
    })
}

/// What is in a folder that is no workspace yet. Names with a dot in front, such as `.git`, are not counted.
fn others(place: &Path) -> Result<Vec<String>> {
    if is_workspace(place) || !place.exists() {
        return Ok(Vec::new());
    }
    if !place.is_dir() {
        return Err(Failure::usage(format!("{} is a file", place.display()))
            .help("Name a folder; one that is not there yet is made."));
    }
    let entries = place
        .read_dir()
        .map_err(|e| Failure::file("read", place, &e))?;
    let mut names: Vec<String> = entries
        .filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|n| !n.starts_with('.'))
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// `README.md, package.json, src and 4 more`
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|n| escape::line(n)).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
