//! `mslab list`: the exercises, and how far the learner is.

use mslab_core::lab::Lab;

use crate::exit::Exit;
use crate::failure::Result;
use crate::terminal::{self, DIM, GOOD, PROBLEM, paint, say};
use crate::workspace::{ExerciseState, Progress, Surroundings, Workspace};

/// Prints the table.
pub(crate) fn run() -> Result<Exit> {
    let here = Surroundings::here()?;
    let state = here.workspace.as_ref().map(Workspace::state).transpose()?;
    let labs = here.labs.all()?;
    let widest = |of: fn(&Lab) -> &str| labs.iter().map(|l| of(l).chars().count()).max();
    let width = widest(|l| &l.definition.title).unwrap_or(0);
    let lesson_width = widest(|l| &l.definition.lesson)
        .unwrap_or(0)
        .max("lesson".len());
    let wide = width + lesson_width + 36 <= terminal::width();
    if wide {
        let head = format!(
            "{:<12}  {:<lesson_width$}  {:<width$}  {:<13}  points",
            "exercise", "lesson", "title", "status"
        );
        say!("{}", paint(DIM, head));
    }
    let (mut passed, total) = (0, labs.len());
    for lab in &labs {
        let exercise = state
            .as_ref()
            .map_or_else(ExerciseState::default, |s| s.exercise(&lab.exercise()));
        let (style, status) = match exercise.progress {
            Progress::Passed => (GOOD, "✓ passed"),
            Progress::Failed => (PROBLEM, "✗ not yet"),
            Progress::New => (DIM, "· not checked"),
        };
        passed += usize::from(exercise.progress == Progress::Passed);
        let points = match exercise.progress {
            Progress::New => "–".to_owned(),
            _ => exercise.points.to_string(),
        };
        let status = paint(style, format!("{status:<13}"));
        let (title, lesson) = (&lab.definition.title, &lab.definition.lesson);
        let exercise = lab.exercise();
        if wide {
            say!(
                "{exercise:<12}  {lesson:<lesson_width$}  {title:<width$}  {status}  {points:>3} / 100"
            );
        } else {
            // On a narrow terminal a title has a line of its own.
            say!("{exercise:<12}  {status}  {points:>3} / 100\n    {title}");
        }
    }
    let next = match here.workspace {
        Some(_) => "`mslab check` checks the next one.",
        None => "There is no workspace here yet: `mslab init` makes one.",
    };
    say!("\n{passed} of {total} passed. {next}");
    Ok(Exit::Passed)
}
