//! `mslab check`: the main job.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use mslab_core::judge;
use mslab_core::lab::{self, Lab};
use mslab_core::plan::Plan;
use mslab_core::report::{self, Outcome, Report, Status};

use crate::args::{CheckArgs, Global};
use crate::check::evidence::{self, Reason};
use crate::check::{self, Bench, Means, Options, Subject};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::Terminal;
use crate::runtime;
use crate::workspace::{Progress, Surroundings, Workspace};

/// Checks what the arguments name.
pub(crate) fn run(args: &CheckArgs, global: &Global) -> Result<Exit> {
    let output = report::output(&args.format).ok_or_else(|| unknown_format(&args.format))?;
    let submission = match output.name {
        "classroom50" => Some(submission()?),
        _ => None,
    };
    let (reports, stopped) = if args.file.is_empty() {
        exercises(args, global)?
    } else {
        (
            args.file.iter().map(|p| file(p)).collect::<Result<_>>()?,
            None,
        )
    };
    let folders = folders(&reports)?;
    let next = match &stopped {
        Some(_) => None,
        None if args.nudge => next_nudge(&reports).or_else(|| next_step(&reports, &folders)),
        None => next_step(&reports, &folders),
    };
    let options = report::Options {
        color: args.output.is_none(),
        next,
        folders,
        submission,
        ..options(global)
    };
    let text = (output.render)(&reports, &options);
    match &args.output {
        Some(path) => std::fs::write(path, &text).map_err(|e| Failure::file("write", path, &e))?,
        None => print(&text)?,
    }
    if args.format == "github" {
        write_job_summary(|bytes| report::markdown_within(&reports, &options, bytes))?;
    }
    // Said last, below what the text showed: it is what there is to do first.
    match stopped {
        Some(failure) => {
            anstream::eprintln!();
            Err(failure)
        }
        None => Ok(exit_of(&reports)),
    }
}

/// Where each exercise is, as seen from the current folder: reports name files by it, so that a terminal, an editor and
/// a CI's annotations find them.
pub(crate) fn folders(reports: &[Report]) -> Result<BTreeMap<String, String>> {
    let here = Surroundings::here()?;
    let (Some(workspace), Ok(now)) = (&here.workspace, std::env::current_dir()) else {
        return Ok(BTreeMap::new());
    };
    let names = here.labs.folders()?;
    let mut folders = BTreeMap::new();
    for report in reports.iter().filter(|r| !r.lab.is_empty()) {
        let lab = lab::find(names.iter().map(String::as_str), &report.exercise)?;
        let dir = workspace.dir_of(lab);
        let relative = seen_from(&now, &dir).to_string_lossy().replace('\\', "/");
        if !relative.is_empty() {
            folders.insert(report.exercise.clone(), relative);
        }
    }
    Ok(folders)
}

/// A folder's path as seen from another: `../exercise-05-go-scratch`. Both are whole paths.
fn seen_from(now: &Path, dir: &Path) -> PathBuf {
    let up = now.ancestors().take_while(|a| !dir.starts_with(a)).count();
    let common = now.ancestors().nth(up).unwrap_or(now);
    let down = dir.strip_prefix(common).unwrap_or(dir);
    let above = std::iter::repeat_n(Component::ParentDir, up);
    above.chain(down.components()).collect()
}

/// How this terminal wants its reports.
pub(crate) fn options(global: &Global) -> report::Options {
    report::Options {
        color: true,
        width: crate::terminal::width(),
        quiet: global.quiet,
        verbose: global.verbose,
        ..report::Options::default()
    }
}

/// Writes to standard output, colour dropped where it is not wanted.
pub(crate) fn print(text: &str) -> Result<()> {
    match anstream::AutoStream::auto(std::io::stdout().lock()).write_all(text.as_bytes()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::file("write to", Path::new("standard output"), &e))
        }
        _ => Ok(()),
    }
}

/// Whose work it is, as Classroom 50's runner tells those whom it starts. It refuses a result that does not say so.
pub(crate) fn submission() -> Result<report::Submission> {
    let read = |name: &str| std::env::var(name).unwrap_or_default();
    let needed = [
        "CLASSROOM",
        "ASSIGNMENT",
        "SUBMISSION_TAG",
        "COMMIT_URL",
        "RELEASE_URL",
    ];
    let missing: Vec<&str> = needed.into_iter().filter(|n| read(n).is_empty()).collect();
    if !missing.is_empty() {
        let failure = Failure::usage(format!(
            "Classroom 50's format needs {}",
            missing.join(", ")
        ));
        return Err(failure.help(
            "Its runner sets these variables. Run mslab from the assignment's `autograder.py`.",
        ));
    }
    Ok(report::Submission {
        classroom: read("CLASSROOM"),
        assignment: read("ASSIGNMENT"),
        assignment_type: read("ASSIGNMENT_TYPE"),
        owner: read("OWNER"),
        tag: read("SUBMISSION_TAG"),
        commit: read("COMMIT_URL"),
        release: read("RELEASE_URL"),
        review: read("REVIEW_URL"),
    })
}

fn unknown_format(format: &str) -> Failure {
    let names: Vec<&str> = report::OUTPUTS.iter().map(|o| o.name).collect();
    let failure = Failure::usage(format!("there is no format called `{format}`"));
    failure.help(format!("The formats are {}.", names.join(", ")))
}

/// The worst of the outcomes of those that count: what could not be looked at outweighs what failed, and no report is no
/// pass.
fn exit_of(reports: &[Report]) -> Exit {
    let exit = |r: &Report| match r.outcome {
        Outcome::Passed => Exit::Passed,
        Outcome::Failed => Exit::Work,
        Outcome::Error => Exit::Environment,
    };
    report::counted(reports)
        .into_iter()
        .map(exit)
        .max()
        .unwrap_or(Exit::Usage)
}

/// The sentence after a single report: what to do now, with files named as seen from the current folder.
pub(crate) fn next_step(reports: &[Report], folders: &BTreeMap<String, String>) -> Option<String> {
    let [report] = reports else { return None };
    if report.lab.is_empty() {
        return None;
    }
    let exercise = &report.exercise;
    Some(match report.outcome {
        Outcome::Passed if report.partial => format!("mslab check {exercise}"),
        Outcome::Passed => format!(
            "mslab solution {exercise}   (compare with ours), or mslab check for the next exercise"
        ),
        Outcome::Failed => {
            let dockerfile = report
                .checks
                .iter()
                .find(|c| c.status == Status::Failed)
                .and_then(|c| c.place.as_ref());
            let file = match dockerfile {
                Some(report::PlaceReport::Text { file, .. }) => file.as_str(),
                _ => "Dockerfile",
            };
            let file = match folders.get(exercise) {
                Some(folder) => format!("{folder}/{file}"),
                None => file.to_owned(),
            };
            format!(
                "edit {file}, then mslab check {exercise}   (mslab watch {exercise} checks on every save)"
            )
        }
        Outcome::Error if report.checks.iter().all(|c| c.status == Status::Skipped) => {
            format!("mslab check {exercise}   (its checks all look at what is built)")
        }
        Outcome::Error => "mslab doctor   (says what is missing on this machine)".to_owned(),
    })
}

/// The sentence after a report whose hints are closed: how to open them.
fn next_nudge(reports: &[Report]) -> Option<String> {
    let [report] = reports else { return None };
    let exercise = &report.exercise;
    (report.outcome == Outcome::Failed).then(|| {
        format!("mslab hint {exercise}   (opens the first of them), or edit and mslab check {exercise} --nudge")
    })
}

/// GitHub shows this file's Markdown on the run's page; of a step that writes more, it shows nothing.
const SUMMARY_BYTES: usize = 1024 * 1024;

/// Adds to the summary of the step, where GitHub runs it: what `text` makes for so many bytes.
pub(crate) fn write_job_summary(text: impl FnOnce(usize) -> String) -> Result<()> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else {
        return Ok(());
    };
    let failed = |e: std::io::Error| Failure::file("write", &path, &e);
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .map_err(failed)?;
    let written = file.metadata().map_err(failed)?.len();
    let room = SUMMARY_BYTES.saturating_sub(usize::try_from(written).unwrap_or(usize::MAX));
    file.write_all(text(room).as_bytes()).map_err(failed)
}

/// Any Dockerfile, judged by the general checks.
fn file(path: &Path) -> Result<Report> {
    let name = path.to_string_lossy().into_owned();
    let source = evidence::read(path, &name)
        .map_err(|f| f.help("Name Dockerfiles; a folder is not searched."))?;
    let plan = Plan::general(&name);
    let files = [(name.clone(), source)].into();
    let evidence = evidence::of_text(files, &plan, &Reason::File);
    let mut report = judge::judge(&plan, &evidence);
    report.exercise = "file".into();
    report.title = name;
    Ok(report)
}

/// The reports, and for a person at a terminal what kept them from being whole.
fn exercises(args: &CheckArgs, global: &Global) -> Result<(Vec<Report>, Option<Failure>)> {
    let here = Surroundings::here()?;
    let workspace = here.workspace()?;
    let labs = if args.all {
        here.labs.all()?
    } else {
        vec![choose(&here, args.exercise.as_deref())?]
    };
    let plans = labs.iter().map(Plan::new).collect::<Result<Vec<_>, _>>()?;
    for lab in &labs {
        if workspace.make_exercise(lab)? {
            anstream::eprintln!(
                "made {} from the exercise's starter: this is where you edit",
                workspace.exercise_dir(lab).display()
            );
        }
    }
    let canary = workspace.canary()?;
    let dirs: Vec<PathBuf> = labs.iter().map(|l| workspace.exercise_dir(l)).collect();
    let subjects: Vec<Subject<'_>> = labs
        .iter()
        .zip(&plans)
        .zip(&dirs)
        .map(|((lab, plan), dir)| Subject {
            lab,
            plan,
            dir,
            canary: &canary,
        })
        .collect();
    let mut stopped = None;
    let reports = if args.static_only {
        from_text(&subjects, &Reason::Static)?
    } else {
        let listener = Terminal::listener(global);
        let looked = runtime::block_on(async |cancel| {
            let options = Options {
                no_run: args.no_run,
                verify_fixes: args.verify_fix,
                control: args.control,
                cancel,
                ..Options::default()
            };
            if let Some(path) = &args.archive {
                return Ok(vec![
                    check::examine(&subjects[0], &Means::Archive(path), &options, &*listener)
                        .await?,
                ]);
            }
            let bench = Bench::open(global, &options.cancel).await?;
            let means = match &args.image {
                Some(image) => Means::Image(&bench, image),
                None => Means::Engine(&bench),
            };
            let mut reports = Vec::new();
            for subject in &subjects {
                reports.push(check::examine(subject, &means, &options, &*listener).await?);
            }
            Ok(reports)
        });
        match looked {
            // A program that reads the report wants one, and in it why there are no verdicts.
            Err(failure) if failure.exit == Exit::Environment && args.format != "human" => {
                failure.print();
                from_text(&subjects, &Reason::NoEngine(failure.message().to_owned()))?
            }
            // A person wants what can be said all the same, of the exercise at hand.
            Err(failure) if failure.exit == Exit::Environment && shows_text(args) => {
                let text = from_text(
                    &subjects,
                    &Reason::NoEngine("nothing could be built".into()),
                )?;
                let mut checks = text.iter().flat_map(|r| &r.checks);
                if !checks.any(|c| c.status == Status::Failed) {
                    return Err(failure);
                }
                anstream::eprintln!("Nothing could be built. This much the text alone shows:\n");
                stopped = Some(failure);
                text
            }
            looked => looked?,
        }
    };
    Ok((remember(workspace, &labs, reports, args.nudge)?, stopped))
}

/// Whether the text's findings belong below an engine's failure: the text was to be built, and is one exercise's.
fn shows_text(args: &CheckArgs) -> bool {
    !args.all && args.image.is_none() && args.archive.is_none()
}

fn from_text(subjects: &[Subject<'_>], reason: &Reason) -> Result<Vec<Report>> {
    let judge = |subject| check::of_text(subject, reason);
    subjects.iter().map(judge).collect()
}

/// The exercise that was named, the one whose folder this is, or the first that has not passed.
pub(crate) fn choose(here: &Surroundings, name: Option<&str>) -> Result<Lab> {
    // `mslab check .` in an exercise's folder means that exercise.
    let name = name.filter(|n| *n != "." || here.inside.is_none());
    if let Some(name) = name.or(here.inside.as_deref()) {
        return here.labs.find(name);
    }
    let state = here.workspace()?.state()?;
    let labs = here.labs.all()?;
    let unfinished = labs
        .into_iter()
        .find(|l| state.exercise(&l.exercise()).progress != Progress::Passed);
    match unfinished {
        Some(lab) => Ok(lab),
        None => Err(Failure::usage("every exercise has passed")
            .help("Name one to check it again, or use --all.")),
    }
}

/// Keeps what came of whole checks, and closes hints that are not open yet where the lab or the person wants them closed.
pub(crate) fn remember(
    workspace: &Workspace,
    labs: &[Lab],
    mut reports: Vec<Report>,
    nudge: bool,
) -> Result<Vec<Report>> {
    let whole = reports
        .iter()
        .any(|r| !r.partial && r.outcome != Outcome::Error);
    if whole {
        workspace.update(|state| {
            for report in reports
                .iter()
                .filter(|r| !r.partial && r.outcome != Outcome::Error)
            {
                let exercise = state.exercises.entry(report.exercise.clone()).or_default();
                exercise.points = report.score;
                exercise.progress = if report.outcome == Outcome::Passed {
                    Progress::Passed
                } else {
                    Progress::Failed
                };
                exercise.ever_passed |= report.outcome == Outcome::Passed;
            }
        })?;
    }
    for report in reports.iter().filter(|r| r.outcome != Outcome::Error) {
        workspace.keep_report(report)?;
    }
    let closed = |lab: &Lab| nudge || lab.definition.hints == mslab_core::lab::Hints::Progressive;
    for (_, report) in labs.iter().zip(&mut reports).filter(|(l, _)| closed(l)) {
        // The nudges are given here, so that `mslab hint` goes on with the place.
        let failed = report.checks.iter().filter(|c| c.status == Status::Failed);
        let levels = workspace.update(|state| {
            let levels = &mut state
                .exercises
                .entry(report.exercise.clone())
                .or_default()
                .hints;
            for check in failed {
                levels.entry(check.key.clone()).or_insert(1);
            }
            levels.clone()
        })?;
        report.close_hints(|key| levels.get(key).copied().unwrap_or(1));
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_as_seen_from_where_one_is() {
        let seen = |now: &str, dir: &str| seen_from(Path::new(now), Path::new(dir));
        for (now, dir, path) in [
            ("/w", "/w/a", "a"),
            ("/w/a", "/w/a", ""),
            ("/w/a/src", "/w/a", ".."),
            ("/w/b/src", "/w/a", "../../a"),
        ] {
            assert_eq!(seen(now, dir), Path::new(path), "{dir} from {now}");
        }
    }
}
