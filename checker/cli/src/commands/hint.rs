//! `mslab hint`: one step more of help, for one check that failed.

use mslab_core::diagnostic::did_you_mean;
use mslab_core::lab::{Hints, Lab};
use mslab_core::plan::Plan;
use mslab_core::report::{self, Report, Status};

use crate::args::Global;
use crate::commands::check::{choose, folders, print};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::terminal::say;
use crate::workspace::{Surroundings, Workspace};

/// Raises the hint level of a failed check, the first one if none is named, and shows what that opens.
pub(crate) fn run(exercise: Option<&str>, key: Option<&str>, global: &Global) -> Result<Exit> {
    let here = Surroundings::here()?;
    let lab = match (exercise, &here.inside) {
        (None, None) => match here.workspace()?.checked_last(&here.labs.all()?) {
            Some(lab) => lab,
            None => choose(&here, None)?,
        },
        _ => choose(&here, exercise)?,
    };
    if let Some(key) = key {
        known(&lab, key)?;
    }
    let name = lab.exercise();
    let (report, level, was_last) = match raise(here.workspace()?, &lab, key)? {
        Raised::NotChecked => {
            return Err(Failure::usage(format!("{name} has not been checked yet"))
                .help(format!("Run `mslab check {name}` first.")));
        }
        Raised::Changed => {
            say!(
                "Your files have changed since the last check. `mslab check {name}` looks at them as they are now."
            );
            return Ok(Exit::Passed);
        }
        Raised::NothingFailed { partial } => {
            match (key, partial) {
                (Some(key), _) => {
                    say!("`{key}` did not fail the last time. `mslab check {name}` checks again.");
                }
                (None, true) => say!(
                    "Nothing failed in the part that was looked at. `mslab check {name}` looks at the rest."
                ),
                (None, false) => {
                    say!("Nothing failed the last time. `mslab check {name}` checks again.");
                }
            }
            return Ok(Exit::Passed);
        }
        Raised::To {
            report,
            level,
            was_last,
        } => (*report, level, was_last),
    };
    let about = report.checks.first().map_or("", |c| &c.key);
    let next = match level {
        _ if was_last => {
            format!("that is all there is to say about `{about}`: edit, then mslab check {name}")
        }
        1 | 2 if lab.definition.hints == Hints::Progressive => {
            format!("mslab hint {name} {about}   (shows more), or edit and mslab check {name}")
        }
        1 | 2 => format!(
            "mslab hint {name} {about}   (shows more), or edit and mslab check {name} --nudge   (without --nudge it shows \
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

/// That the exercise has a check of this key.
fn known(lab: &Lab, key: &str) -> Result<()> {
    let plan = Plan::new(lab)?;
    let keys: Vec<&str> = plan.checks.iter().map(|c| c.key.as_str()).collect();
    if keys.contains(&key) {
        return Ok(());
    }
    let help = match did_you_mean(key, keys.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("They are {}.", keys.join(", ")),
    };
    let message = format!("{} has no check `{key}`", lab.exercise());
    Err(Failure::usage(message).help(help))
}

/// What came of asking for a hint.
pub(crate) enum Raised {
    /// There is no report.
    NotChecked,
    /// The report is of other files than those that are there now.
    Changed,
    /// There is nothing to give a hint for.
    NothingFailed {
        /// Whether the report looked at a part only.
        partial: bool,
    },
    /// One level more.
    To {
        /// The report with one check in it, as open as the level.
        report: Box<Report>,
        /// The level: 1 to 3.
        level: u8,
        /// Whether it was the last one already.
        was_last: bool,
    },
}

/// Raises the hint level of the failed check called `key`, or of the first one.
pub(crate) fn raise(workspace: &Workspace, lab: &Lab, key: Option<&str>) -> Result<Raised> {
    let name = lab.exercise();
    let Some(mut report) = workspace.last_report(&name) else {
        return Ok(Raised::NotChecked);
    };
    if workspace.changed_since_report(lab) {
        return Ok(Raised::Changed);
    }
    let mut checks = report.checks.iter();
    let failed = checks.position(|c| c.status == Status::Failed && key.is_none_or(|k| k == c.key));
    let Some(failed) = failed else {
        return Ok(Raised::NothingFailed {
            partial: report.partial,
        });
    };
    let key = report.checks[failed].key.clone();
    let (level, was_last) = workspace.update(|state| {
        let hints = &mut state.exercises.entry(name.clone()).or_default().hints;
        let level = hints.entry(key).or_insert(0);
        let was_last = *level == 3;
        *level = (*level + 1).min(3);
        (*level, was_last)
    })?;
    only(&mut report, failed);
    report.close_hints(|_| level);
    Ok(Raised::To {
        report: Box::new(report),
        level,
        was_last,
    })
}

/// Leaves one check in the report: a hint is about one thing.
fn only(report: &mut Report, index: usize) {
    report.checks = vec![report.checks.swap_remove(index)];
    report.builds.clear();
}
