//! `mslab grade`: the instructor's job.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use mslab_core::lab::Lab;
use mslab_core::report::{self, Submission};
use mslab_core::text::escape;
use mslab_engine::{Fence, Limits};
use mslab_grade::VERSION;
use mslab_grade::class::{self, Class, Grade, Shown};
use mslab_grade::gradebook::{Basis, Gradebook};
use mslab_grade::intake::{self, Intake, IntakeError, What};
use mslab_grade::late::LateRule;
use mslab_grade::roster::{self, Roster};
use mslab_grade::rules::Rules;
use mslab_grade::run::{self, RunError, TakeInError, TakenIn};
use mslab_grade::submission::Trusted;

use super::check::{print, submission, write_job_summary};
use crate::args::{GRADEBOOK, Global, GradeAction, GradeArgs, GradeOutput, Network};
use crate::check::Bench;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::grade::{ClassJudge, ClassProgress, put, summary, write_outputs, write_platform};
use crate::runtime;
use crate::workspace::{Surroundings, random_text};

/// So many submissions are at hand for each that is built.
const WAITING: usize = 3;

/// The engine's label that says where its package proxy is.
const PACKAGE_PROXY: &str = "io.mslab.package-proxy=";

/// The name under which the gradebook keeps the rule for late work.
const LATE: &str = "late-penalty";

/// Grades a class, or does what the subcommand says.
pub(crate) fn run(args: &GradeArgs, global: &Global) -> Result<Exit> {
    match &args.action {
        None => grade(args, global),
        Some(GradeAction::Merge { out, parts }) => merge(out, parts),
        Some(GradeAction::Override {
            student,
            exercise,
            points,
            note,
            remove: _,
            gradebook,
        }) => {
            let lab = Surroundings::here()?.labs.find(exercise)?;
            there_is(gradebook)?;
            let whose = (&student[..], &lab.exercise()[..]);
            own_mark(gradebook, whose, *points, note.as_deref())
        }
        Some(GradeAction::Report { out }) => {
            let wanted = Wanted::of(out)?;
            there_is(&out.gradebook)?;
            let book = Gradebook::look_into(&out.gradebook)?;
            let labs = trusted(Surroundings::here()?.labs.all()?)?;
            report(&book, &labs, (out, &wanted), &[])
        }
    }
}

fn grade(args: &GradeArgs, global: &Global) -> Result<Exit> {
    let wanted = Wanted::of(&args.out)?;
    let here = Surroundings::here()?;
    let labs = match &args.exercise {
        Some(name) => vec![here.labs.find(name)?],
        None => here.labs.all()?,
    };
    let mut labs = trusted(labs)?;
    let rules = rules(args, &labs)?;
    for lab in &mut labs {
        lab.plan.time_limit = args.timeout.unwrap_or(lab.plan.time_limit);
        lab.plan.offline |= args.network == Network::None;
    }
    let basis = Basis {
        mslab: VERSION.to_owned(),
        rules: basis_text(args, &rules),
    };
    let said = said(args)?;
    let only = args.exercise.as_ref().map(|_| 0);
    let intake = Intake::new(&labs, only, intake::Limits::default());
    let root = submissions(args, &labs, &intake)?;
    let mut book = Gradebook::open(&args.out.gradebook)?;
    remember(root, &said, &mut book)?;
    let taken = take_in(args, root, &mut book, &intake, &basis)?;
    runtime::block_on(async |cancel| {
        let bench = Bench::open(global, &cancel).await?;
        let jobs = args.jobs.map_or_else(together, usize::from);
        let fence = fence(&bench, args, jobs).await?;
        let proxy = match args.network {
            Network::Registries => Some(package_proxy(&bench).await?),
            Network::None | Network::Default => None,
        };
        let judge = ClassJudge {
            bench: &bench,
            rules: &rules,
            fence: fence.as_ref(),
            proxy,
            max_context: args.max_context.map(|b| b.0),
            max_log: args
                .max_log
                .map(|b| usize::try_from(b.0).unwrap_or(usize::MAX)),
        };
        let options = run::Options {
            // Those that wait for the lane that they always have keep no lane empty.
            jobs: if fence.is_some() && jobs > 1 {
                jobs * WAITING
            } else {
                jobs
            },
            basis: basis.clone(),
            retry_environment: args.retry_failed_environment,
            delays: run::delays(Duration::from_millis(args.patience.0)),
            cancel,
        };
        let progress = ClassProgress::new(global);
        run::judge_all(&mut book, &labs, &judge, &options, &progress)
            .await
            .map_err(|e| match e {
                RunError::Gradebook(e) => e.into(),
                RunError::Judge(failure) => failure,
                RunError::Cancelled => Failure::interrupted(),
            })
    })
    .map_err(|failure| how_far(&book, &args.out.gradebook, failure))?;
    if taken.students == 0 {
        anstream::eprintln!("nobody is in this part of the class");
        return Ok(Exit::Passed);
    }
    report(&book, &labs, (&args.out, &wanted), &taken.strays)
}

/// Gives a mark of the instructor's own, or without `points` takes it back, and says what counts now.
fn own_mark(
    gradebook: &Path,
    (student, exercise): (&str, &str),
    points: Option<i64>,
    note: Option<&str>,
) -> Result<Exit> {
    let mut book = Gradebook::open(gradebook)?;
    let note = note.unwrap_or_default();
    let before = grade_of(&book, student, exercise)?;
    match points {
        Some(points) => {
            let labs = book.labs()?;
            // The newest of its rows.
            let given = match labs.iter().rfind(|l| l.exercise == exercise) {
                Some(lab) => within(points, lab.max_score, exercise)?,
                // The gradebook itself says that it has no such lab.
                None => 0,
            };
            book.override_mark(student, exercise, given, note)?;
        }
        None => book.take_back_mark(student, exercise, note)?,
    }
    let words = |grade: Option<u32>| grade.map_or("none".to_owned(), |points| points.to_string());
    let was = words(before.and_then(|g| g.mark));
    if let Some(now) = grade_of(&book, student, exercise)? {
        let is = match now.mark {
            Some(mark) => format!("{mark} / {}", now.max_score),
            None => "no mark".to_owned(),
        };
        let named = match gradebook == Path::new(GRADEBOOK) {
            true => String::new(),
            false => format!(" --gradebook {}", gradebook.display()),
        };
        let line = format!(
            "{student} {exercise}: {is} (was {was}). Run mslab grade report{named} --output FOLDER to write it down."
        );
        print(&format!("{}\n", escape::line(&line)))?;
    }
    Ok(Exit::Passed)
}

/// A mark that an exercise of `most` points can have.
fn within(points: i64, most: u32, exercise: &str) -> Result<u32> {
    let given = u32::try_from(points).ok().filter(|p| *p <= most);
    given.ok_or_else(|| {
        Failure::usage(format!("{points} points for {exercise}, which has {most}"))
            .help(format!("A mark is from 0 to {most}."))
    })
}

/// What one student has for an exercise, if both are in the gradebook.
fn grade_of(book: &Gradebook, student: &str, exercise: &str) -> Result<Option<Grade>> {
    let class = class::collect(book, late_rule(book)?)?;
    let mut students = class.students.into_iter();
    let grades = students.find(|s| s.id == student).map(|s| s.grades);
    let mut grades = grades.into_iter().flatten();
    Ok(grades.find(|g| g.exercise == exercise))
}

fn late_rule(book: &Gradebook) -> Result<Option<LateRule>> {
    Ok(book.setting(LATE)?.and_then(|text| text.parse().ok()))
}

/// Says of a run that was interrupted how far it came.
fn how_far(book: &Gradebook, gradebook: &Path, failure: Failure) -> Failure {
    if failure.exit != Exit::Interrupted {
        return failure;
    }
    let Ok(class) = class::collect(book, None) else {
        return failure;
    };
    let counts = class.counts();
    let there = counts.passed + counts.failed + counts.refused + counts.not_graded;
    failure.help(format!(
        "{there} of {} are in {}; run the same command to go on.",
        there + counts.waiting,
        gradebook.display()
    ))
}

fn trusted(labs: Vec<Lab>) -> Result<Vec<Trusted>> {
    labs.into_iter().map(|lab| Ok(Trusted::new(lab)?)).collect()
}

/// How many submissions at the same time: one for each processor, and two at least, because while one waits for its
/// container another builds.
fn together() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.clamp(2, 8)
}

fn rules(args: &GradeArgs, labs: &[Trusted]) -> Result<Rules> {
    let offline = args.network == Network::None;
    if offline && let Some(lab) = labs.iter().find(|l| !l.lab.definition.offline) {
        let exercise = lab.lab.exercise();
        return Err(
            Failure::usage(format!("{exercise} cannot be built without a network")).help(
                "Name with --exercise one whose lab is marked offline, or leave --network out.",
            ),
        );
    }
    Ok(Rules {
        bases: args.allow_base.clone(),
        syntax: args.allow_syntax.clone(),
        offline: args.network != Network::Default,
    })
}

/// All that can change a verdict, in one text.
fn basis_text(args: &GradeArgs, rules: &Rules) -> String {
    let mut text = rules.text();
    if let Some(time) = args.timeout {
        text.push_str(&format!("timeout {}\n", time.0));
    }
    text.push_str(&format!("network {:?}\n", args.network));
    // Where builds are trusted, it is said so: they are not held.
    let limits = limits(args);
    text.push_str(&format!("limits {limits:?} {}\n", args.trust_submissions));
    if let Some(size) = args.max_context {
        text.push_str(&format!("max-context {}\n", size.0));
    }
    text
}

/// What the instructor says about the class, read before there is a gradebook.
struct Said {
    late: Option<LateRule>,
    roster: Option<Roster>,
}

fn said(args: &GradeArgs) -> Result<Said> {
    let late = args.late_penalty.as_ref().map(|text| text.parse());
    let late = late.transpose().map_err(Failure::usage)?;
    let roster = args.roster.as_ref().map(|path| class_list(args, path));
    let roster = roster.transpose()?;
    Ok(Said { late, roster })
}

fn remember(root: &Path, said: &Said, book: &mut Gradebook) -> Result<()> {
    book.set(class::SUBMISSIONS, &from_here(root))?;
    if let Some(rule) = &said.late {
        book.set(LATE, &rule.to_string())?;
    }
    match &said.roster {
        Some(roster) => Ok(book.enrol(roster)?),
        None => Ok(()),
    }
}

fn class_list(args: &GradeArgs, path: &Path) -> Result<Roster> {
    let zone = match &args.time_zone {
        Some(name) => Some(roster::time_zone(name).map_err(|e| {
            Failure::usage(format!("there is no time zone called `{name}`"))
                .help(format!("{e}. Names are like Europe/Berlin or UTC."))
        })?),
        None => None,
    };
    let file = File::open(path).map_err(|e| {
        let what = format!("the class list {} (--roster)", path.display());
        let help = "Check the path; the class list is a CSV file with the column id.";
        Failure::argument(&what, path, &e, help)
    })?;
    let roster = roster::read(file, zone.as_ref()).map_err(|e| {
        let failure = Failure::usage(&e).at(path.display());
        failure.help(e.help()).beneath(&e)
    })?;
    if roster.values().any(|m| m.due.is_some()) && roster.values().all(|m| m.submitted.is_none()) {
        anstream::eprintln!(
            "the roster has due dates and no column `submitted`: nobody is counted as late, because files' own times say nothing"
        );
    }
    Ok(roster)
}

/// A path as seen from the current folder, which in CI is the repository's own: annotations name files by it.
fn from_here(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = path.strip_prefix(&here).unwrap_or(path);
    let parts = path.components().filter(|c| *c != Component::CurDir);
    let path: PathBuf = parts.collect();
    path.to_string_lossy().replace('\\', "/")
}

/// The folder of submissions, if it is one.
fn submissions<'a>(args: &'a GradeArgs, labs: &[Trusted], intake: &Intake<'_>) -> Result<&'a Path> {
    let Some(root) = &args.submissions else {
        return Err(Failure::usage("no folder of submissions is named"));
    };
    let found = intake::students(root).map_err(|e| no_folder(&e))?;
    if intake.is_one_students(&found) {
        let names: Vec<&str> = found.students.iter().map(|s| s.student.as_str()).collect();
        return Err(Failure::usage(format!(
            "{} looks like one student's folder: it holds {}",
            root.display(),
            names.join(", ")
        ))
        .help("Name the folder above it, which has a folder for each student."));
    }
    if found.students.is_empty() {
        let is_work = |name: &String| labs.iter().any(|l| l.lab.is_learners(name));
        let help = match found.strays.iter().find(|n| is_work(n)) {
            Some(file) => format!("It holds a {file} itself: name the folder above it."),
            None => "It has a folder, a .zip, .tar or .tar.gz, or a git checkout for each student."
                .into(),
        };
        return Err(Failure::usage(format!("{} holds no submission", root.display())).help(help));
    }
    // Where all is for one exercise, nothing need be placed.
    let mut lost = Vec::new();
    for student in found.students.iter().filter(|_| args.exercise.is_none()) {
        for received in intake.read(student) {
            match received.what {
                What::Unplaced(reason) if received.lab.is_none() => {
                    lost.push((&student.student, reason));
                }
                _ => return Ok(root),
            }
        }
    }
    if let Some((student, reason)) = lost.first() {
        let all = format!("nothing in {} can be placed", root.display());
        let example = labs.first().map(|l| l.lab.exercise()).unwrap_or_default();
        return Err(
            Failure::usage(format!("{all}; {student}: {reason}")).help(format!(
                "If all of it is for one exercise: --exercise {example}."
            )),
        );
    }
    Ok(root)
}

fn take_in(
    args: &GradeArgs,
    root: &Path,
    book: &mut Gradebook,
    intake: &Intake<'_>,
    basis: &Basis,
) -> Result<TakenIn> {
    let canary = |_: &str| random_text();
    let taken = run::take_in(book, intake, root, args.shard, basis, &canary);
    taken.map_err(|e| match e {
        TakeInError::Intake(e) => no_folder(&e),
        TakeInError::Gradebook(e) => e.into(),
    })
}

fn no_folder(e: &IntakeError) -> Failure {
    let what = format!("the folder of submissions {}", e.path.display());
    let help =
        "Check the path; the folder has a folder, an archive or a git checkout for each student.";
    Failure::argument(&what, &e.path, &e.source, help)
}

/// Work that nobody trusts is built only where a build can be held.
async fn fence(bench: &Bench, args: &GradeArgs, jobs: usize) -> Result<Option<Fence>> {
    let reason = match Fence::new(&bench.engine, limits(args), jobs).await? {
        Ok(fence) => return Ok(Some(fence)),
        Err(reason) => reason,
    };
    if args.trust_submissions {
        anstream::eprintln!(
            "builds have no limits of memory, processes, processors and disk: {reason}"
        );
        return Ok(None);
    }
    Err(Failure::environment("builds cannot be held within limits here")
        .because(&reason)
        .help("Run it as root, beside a Docker of version 23 or newer on this very machine (`scripts/engine up` brings one up); or, for work that you trust, say --trust-submissions."))
}

/// The address of the package proxy that is an engine's only way out.
async fn package_proxy(bench: &Bench) -> Result<String> {
    let info = bench.engine.info().await?;
    let label = info
        .labels
        .iter()
        .find_map(|l| l.strip_prefix(PACKAGE_PROXY));
    label.map(str::to_owned).ok_or_else(|| {
        let engine = bench.engine.identity().label();
        Failure::environment(format!(
            "{engine} has other ways out than a proxy for packages"
        ))
        .help("`scripts/engine up --network registries` brings up an engine that has not; name it with --engine.")
    })
}

/// What one build may use.
fn limits(args: &GradeArgs) -> Limits {
    let usual = Limits::default();
    Limits {
        memory: args.memory.map_or(usual.memory, |b| b.0),
        cpus: args.cpus,
        pids: args.pids.unwrap_or(usual.pids),
        disk: args.disk.map_or(usual.disk, |b| b.0),
    }
}

fn there_is(gradebook: &Path) -> Result<()> {
    if gradebook.is_file() {
        return Ok(());
    }
    Err(
        Failure::usage(format!("there is no gradebook {}", gradebook.display()))
            .help("Name it with --gradebook; `mslab grade SUBMISSIONS` makes one."),
    )
}

fn merge(out: &Path, parts: &[std::path::PathBuf]) -> Result<Exit> {
    let mut book = Gradebook::open(out)?;
    for part in parts {
        book.merge(part)
            .map_err(|e| Failure::from(e).at(part.display()))?;
    }
    Ok(Exit::Passed)
}

/// Shows the class, writes the outputs, and says how it ended.
fn report(
    book: &Gradebook,
    labs: &[Trusted],
    (out, wanted): (&GradeOutput, &Wanted),
    strays: &[String],
) -> Result<Exit> {
    let class = class::collect(book, late_rule(book)?)?;
    let mut shown = Shown::new(&class, book)?;
    if let Some(dir) = &out.output {
        write_outputs(dir, &mut shown, book, labs)?;
        for platform in &wanted.platforms {
            write_platform(dir, platform, &shown, wanted.submission.as_ref())?;
        }
        // On standard output nobody can follow a link to a student's page.
        shown.pages.clear();
    }
    match wanted.output {
        None => {
            print(&summary(&class, strays))?;
            if let Some(dir) = &out.output {
                print(&written_to(dir))?;
            }
        }
        Some(output) => {
            let mut stdout = BufWriter::new(std::io::stdout().lock());
            put(&mut stdout, output, &shown)?;
        }
    }
    if out.format == "github" {
        write_job_summary(|bytes| class::markdown_within(&class, bytes))?;
    }
    Ok(exit_of(&class))
}

fn written_to(dir: &Path) -> String {
    let page = dir.join("index.html");
    let dir = dir.display().to_string();
    let dir = dir.trim_end_matches('/');
    format!("Written to {dir}/: open {}\n", page.display())
}

/// The outputs that were asked for, looked up before anything is graded.
struct Wanted {
    /// `None` is for the person at the terminal.
    output: Option<&'static class::Output>,
    platforms: Vec<&'static report::Output>,
    /// What Classroom 50 wants to know, where it is asked for.
    submission: Option<Submission>,
}

impl Wanted {
    fn of(out: &GradeOutput) -> Result<Self> {
        let output = class::output(&out.format);
        if output.is_none() && out.format != "human" {
            let mut names = vec!["human"];
            names.extend(class::OUTPUTS.iter().map(|o| o.name));
            return Err(unknown("format", &out.format, &names));
        }
        let all = report::OUTPUTS.iter().filter(|o| o.platform);
        let mut platforms = Vec::new();
        for name in &out.platform {
            let Some(platform) = all.clone().find(|o| o.name == name) else {
                let names: Vec<&str> = all.map(|o| o.name).collect();
                return Err(unknown("platform", name, &names));
            };
            platforms.push(platform);
        }
        let submission = match platforms.iter().any(|o| o.name == "classroom50") {
            true => Some(submission()?),
            false => None,
        };
        Ok(Self {
            output,
            platforms,
            submission,
        })
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Failure {
    Failure::usage(format!("there is no {what} called `{name}`"))
        .help(format!("The {what}s are {}.", known.join(", ")))
}

/// What could not be graded outweighs what failed; what could not be placed is somebody's to mend.
fn exit_of(class: &Class) -> Exit {
    let counts = class.counts();
    if counts.not_graded + counts.waiting > 0 {
        Exit::Environment
    } else if counts.failed + counts.refused + counts.unplaced > 0 {
        Exit::Work
    } else if counts.passed > 0 {
        Exit::Passed
    } else {
        Exit::Usage
    }
}
