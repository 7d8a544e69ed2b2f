//! What pages ask about an exercise, as the terminal's commands answer it.

use mslab_core::lab::{Hints, Lab};
use mslab_core::report::{Report, Status};
use mslab_serve::api::{
    Code, Examined, ExerciseSummary, HintGiven, HintStyle, Problem, Progress, Solution,
    SolutionFile,
};
use mslab_serve::room::{About, Answer};

use super::known::Entry;
use super::{LearnersRoom, graphs, problem, shown};
use crate::check::evidence::Reason;
use crate::check::{self, Unsaved};
use crate::commands::hint::{Raised, raise};
use crate::commands::solution::difference;
use crate::failure::Result;
use crate::workspace::{self, ExerciseState};

impl LearnersRoom {
    /// As `mslab list`.
    pub(super) fn list(&self) -> Result<Vec<ExerciseSummary>> {
        let state = self.workspace.state()?;
        let all = self.known.all()?;
        let line = |entry: &std::sync::Arc<Entry>| {
            summary(&entry.lab, &state.exercise(&entry.lab.exercise()))
        };
        Ok(all.iter().map(line).collect())
    }

    pub(super) fn tell_about(&self, entry: &Entry) -> Result<About> {
        let lab = &entry.lab;
        let name = lab.exercise();
        let state = self.workspace.state()?.exercise(&name);
        let report = self.workspace.last_report(&name).map(|mut report| {
            close(lab, &state, &mut report);
            shown(report)
        });
        Ok(About {
            summary: summary(lab, &state),
            report,
            changed_since_report: self.workspace.changed_since_report(lab),
            goals: entry.goals.clone(),
            hints: match lab.definition.hints {
                Hints::Diff => HintStyle::Diff,
                Hints::Progressive => HintStyle::Progressive,
            },
        })
    }

    /// As `mslab check --static`, of texts that need not be saved.
    pub(super) fn examine_text(&self, entry: &Entry, unsaved: &Unsaved) -> Result<Examined> {
        let lab = &entry.lab;
        let dir = self.workspace.exercise_dir(lab);
        let own = unsaved.iter().filter(|(name, _)| lab.is_learners(name));
        let own = own.map(|(n, t)| (n.clone(), t.clone())).collect();
        let subject = self.subject(lab, &entry.plan, &dir);
        let (mut report, evidence) = check::of_unsaved(&subject, &Reason::Typed, &own)?;
        let state = self.workspace.state()?.exercise(&lab.exercise());
        close(lab, &state, &mut report);
        Ok(Examined {
            shown: shown(report),
            graphs: graphs(&entry.plan, &evidence),
        })
    }

    /// As `mslab hint`.
    pub(super) fn give_hint(&self, lab: &Lab, key: Option<&str>) -> Answer<HintGiven> {
        let name = lab.exercise();
        let first = |message: String, help: &str| {
            Err(Problem {
                code: Code::CheckFirst,
                message,
                help: help.to_owned(),
            })
        };
        match raise(&self.workspace, lab, key).map_err(problem)? {
            Raised::NotChecked => first(
                format!("{name} has not been checked yet"),
                "Check it: a hint is about what did not hold.",
            ),
            Raised::Changed => first(
                "your files have changed since the last check".to_owned(),
                "Check them as they are now.",
            ),
            Raised::NothingFailed { .. } => first(
                match key {
                    Some(key) => format!("`{key}` did not fail the last time"),
                    None => "nothing failed the last time".to_owned(),
                },
                "Check again.",
            ),
            Raised::To {
                report,
                level,
                was_last: _,
            } => {
                let shown = shown(*report);
                let check = shown.report.checks.into_iter();
                let failed = check.into_iter().find(|c| c.status == Status::Failed);
                let Some(check) = failed else {
                    return first(format!("{name} has not been checked yet"), "Check it.");
                };
                Ok(HintGiven {
                    text: shown.texts.get(&check.key).cloned().unwrap_or_default(),
                    check,
                    last: level == 3,
                })
            }
        }
    }

    /// As `mslab solution`.
    pub(super) fn show_solution(&self, lab: &Lab, spoil: bool) -> Answer<Solution> {
        let state = self.workspace.state().map_err(problem)?;
        if !spoil && !state.exercise(&lab.exercise()).ever_passed {
            return Err(Problem {
                code: Code::NotPassed,
                message: format!("{} has not passed yet", lab.exercise()),
                help: "A hint shows more; the solution can be shown all the same.".to_owned(),
            });
        }
        let files = lab.subfolder("solution").into_iter();
        let files = files.map(|(name, file)| SolutionFile {
            name,
            text: String::from_utf8_lossy(&file.bytes).into_owned(),
        });
        Ok(Solution {
            files: files.collect(),
            diff: difference(&self.workspace, lab).map_err(problem)?,
        })
    }
}

/// Closes hints that are not open yet, where the lab gives them one by one.
fn close(lab: &Lab, state: &ExerciseState, report: &mut Report) {
    if lab.definition.hints == Hints::Progressive {
        report.close_hints(|key| state.hints.get(key).copied().unwrap_or(1));
    }
}

fn summary(lab: &Lab, state: &ExerciseState) -> ExerciseSummary {
    ExerciseSummary {
        exercise: lab.exercise(),
        lab: lab.slug.clone(),
        title: lab.definition.title.clone(),
        lesson: lab.definition.lesson.clone(),
        progress: match state.progress {
            workspace::Progress::New => Progress::New,
            workspace::Progress::Failed => Progress::Failed,
            workspace::Progress::Passed => Progress::Passed,
        },
        ever_passed: state.ever_passed,
        points: state.points,
        max_points: lab.definition.check.iter().map(|c| c.points).sum(),
        page: None,
    }
}
