//! `mslab hint`: one step more of help, for the first check that failed.

use mslab_core::lab::Hints;
use mslab_core::report::{self, Report, Status};

use crate::args::Global;
use crate::commands::check::{choose, folders, print};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::terminal::say;
use crate::workspace::Surroundings;

/// Raises the hint level of the first failed check, and shows what that opens.
pub(crate) fn run(exercise: Option<&str>, global: &Global) -> Result<Exit> {
    let here = Surroundings::here()?;
    let workspace = here.workspace()?;
    let lab = choose(&here, exercise)?;
    let name = lab.exercise();
    let Some(mut report) = workspace.last_report(&name) else {
        return Err(Failure::usage(format!("{name} has not been checked yet"))
            .help(format!("Run `mslab check {name}` first.")));
    };
    if workspace.changed_since_report(&lab) {
        say!(
            "Your files have changed since the last check. `mslab check {name}` looks at them as they are now."
        );
        return Ok(Exit::Passed);
    }
    let Some(failed) = report
        .checks
        .iter()
        .position(|c| c.status == Status::Failed)
    else {
        if report.partial {
            say!(
                "Nothing failed in the part that was looked at. `mslab check {name}` looks at the rest."
            );
        } else {
            say!("Nothing failed the last time. `mslab check {name}` checks again.");
        }
        return Ok(Exit::Passed);
    };
    let key = report.checks[failed].key.clone();
    let level = workspace.update(|state| {
        let hints = &mut state.exercises.entry(name.clone()).or_default().hints;
        let level = hints.entry(key.clone()).or_insert(0);
        let was_last = *level == 3;
        *level = (*level + 1).min(3);
        (*level, was_last)
    })?;
    let (level, was_last) = level;
    only(&mut report, failed);
    report.close_hints(|_| level);
    let next = match level {
        _ if was_last => format!("that is all there is to say: edit, then mslab check {name}"),
        1 | 2 if lab.definition.hints == Hints::Progressive => {
            format!("mslab hint {name}   (shows more), or edit and mslab check {name}")
        }
        1 | 2 => format!(
            "mslab hint {name}   (shows more), or edit and mslab check {name} --nudge   (without --nudge it shows \
             everything)"
        ),
        _ => format!("edit, then mslab check {name}"),
    };
    let reports = [report];
    let options = report::Options {
        next: Some(next),
        folders: folders(&reports)?,
        ..crate::commands::check::options(global)
    };
    if let Some(human) = report::output("human") {
        print(&(human.render)(&reports, &options))?;
    }
    Ok(Exit::Passed)
}

/// Leaves one check in the report: a hint is about one thing.
fn only(report: &mut Report, index: usize) {
    report.checks = vec![report.checks.swap_remove(index)];
    report.builds.clear();
}
