//! What the page and the server say to each other: one type for each body, in JSON. `API.md` shows them in use.

use std::collections::BTreeMap;

use mslab_core::image::inspect::Inspection;
use mslab_core::report::{CheckReport, Report, Status};
use serde::{Deserialize, Serialize};

/// `GET /api/state`: where the learner is in the whole course.
#[derive(Debug, Clone, Serialize)]
pub struct Course {
    /// This start of the server. When it changes, every number of an event that a page remembers is void.
    pub instance: String,
    /// The version of mslab.
    pub version: String,
    /// The workspace's folder, as the learner may see it.
    pub workspace: String,
    /// Every exercise, in the order of the course.
    pub exercises: Vec<ExerciseSummary>,
    /// How many exercises have passed.
    pub passed: usize,
    /// Points earned, over all exercises.
    pub points: u32,
    /// Points that can be earned, over all exercises.
    pub max_points: u32,
    /// The check that is running.
    pub run: Option<Run>,
    /// The number of the newest event: follow with `GET /api/events?after=` this.
    pub last_event: u64,
}

/// An exercise in a line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExerciseSummary {
    /// `exercise-5`, as in the book's cards.
    pub exercise: String,
    /// The lab's slug: `go-scratch`.
    pub lab: String,
    /// Its title.
    pub title: String,
    /// The lesson it belongs to: `go`.
    pub lesson: String,
    /// How far it is.
    pub progress: Progress,
    /// Whether it ever passed: from then on the solution is open.
    pub ever_passed: bool,
    /// Points of the last whole check.
    pub points: u32,
    /// Points that can be earned.
    pub max_points: u32,
    /// The path in the served book of the page that holds its card: `lessons/go.html`.
    pub page: Option<String>,
}

/// How far an exercise is, as the terminal's `mslab list` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Not checked yet.
    New,
    /// The last whole check failed.
    Failed,
    /// The last whole check passed.
    Passed,
}

/// A check that is running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number, from 1 for each start of the server.
    pub run: u64,
    /// What is checked.
    pub exercise: String,
    /// The number of its `run-started` event: a page that comes late asks for the events after the one before.
    pub first_event: u64,
}

/// `GET /api/exercises/{exercise}`: all that a card needs. Its folder is made from the starter if it is not there.
#[derive(Debug, Clone, Serialize)]
pub struct Exercise {
    /// The line of the list.
    #[serde(flatten)]
    pub summary: ExerciseSummary,
    /// The folder in the workspace: `exercise-05-go-scratch`.
    pub folder: String,
    /// Whether the folder was made just now.
    pub made: bool,
    /// The files that the learner may change, there or not yet.
    pub files: Vec<File>,
    /// The newest report that was kept, by whichever program; hints are as open as the learner has them.
    pub report: Option<Shown>,
    /// Whether one of the files was changed after that report: then its places may be off.
    pub changed_since_report: bool,
    /// Where the bytes of the newest images are, by the build's key. Kept while the server runs.
    pub images: BTreeMap<String, Inspection>,
    /// What the builds should come to.
    pub goals: Vec<Goal>,
    /// How the lab gives hints: with `progressive`, reports are closed until a hint opens them.
    pub hints: HintStyle,
    /// Whether `GET …/solution` answers without `?spoil=true`.
    pub solution_open: bool,
}

/// How a lab gives hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HintStyle {
    /// A report shows all it knows.
    Diff,
    /// Each hint shows more.
    Progressive,
}

/// One of the files that the learner may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its path in the exercise's folder, with `/` between the parts.
    pub name: String,
    /// Its text, line endings as they are. `null` where it is not there, or cannot be shown.
    pub text: Option<String>,
    /// Which text this is; `null` where there is no file. A save names the revision that it began with.
    pub revision: Option<String>,
    /// Why it cannot be shown or changed here: no UTF-8, a link, too large.
    pub problem: Option<String>,
}

/// `PUT /api/exercises/{exercise}/files/{name}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Save {
    /// The whole new text; `null` removes the file.
    pub text: Option<String>,
    /// The revision that the text began with; `null` where there was no file.
    pub base_revision: Option<String>,
}

/// A report with what a terminal says about each failed check.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The report: `schema/report.v1.json`.
    pub report: Report,
    /// For each failed check's key the text that the terminal shows, without colours.
    pub texts: BTreeMap<String, String>,
}

/// What one of the exercise's builds should come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Goal {
    /// The build's key.
    pub build: String,
    /// The most that `max-size` allows it, in bytes.
    pub limit_bytes: Option<u64>,
    /// The size of the smallest right attempt that the lab's author has measured, in bytes. It was measured on stand-in
    /// images, so it compares with a report whose `stand_ins` are not empty.
    pub example_bytes: Option<u64>,
}

/// `POST /api/exercises/{exercise}/examine`: what the text shows, before it is saved.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examine {
    /// Unsaved texts by file name; files that are not named are taken from the disk. `null` is a file that is gone.
    pub files: BTreeMap<String, Option<String>>,
}

/// The answer to [`Examine`].
#[derive(Debug, Clone, Serialize)]
pub struct Examined {
    /// The report of what the text shows (`partial`), as `mslab check --static` has it. It is not kept.
    #[serde(flatten)]
    pub shown: Shown,
    /// The stage graph of each Dockerfile that is there.
    pub graphs: Vec<Graph>,
}

/// A Dockerfile's stage graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// The Dockerfile.
    pub file: String,
    /// What is built from it, which is what the graph is drawn for; `null` for the last stage.
    pub target: Option<String>,
    /// The drawing, as one `<svg>` element with a title and a description. Every text in it is escaped.
    pub svg: String,
}

/// The answer to `POST /api/exercises/{exercise}/check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Started {
    /// The run's number: its events carry it.
    pub run: u64,
}

/// The answer to `POST /api/stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// The run that is being stopped; `null` where nothing was running.
    pub run: Option<u64>,
}

/// `POST /api/exercises/{exercise}/hint`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskHint {
    /// The failed check to be told more about; the first one where none is named.
    pub key: Option<String>,
}

/// The answer to [`AskHint`].
#[derive(Debug, Clone, Serialize)]
pub struct HintGiven {
    /// The check, with what the level opens.
    pub check: CheckReport,
    /// What the terminal shows of it, without colours.
    pub text: String,
    /// Whether there is no more to say.
    pub last: bool,
}

/// The answer to `POST /api/exercises/{exercise}/reset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResetDone {
    /// Where the old work is kept; `null` where there was none.
    pub backup: Option<String>,
}

/// `GET /api/exercises/{exercise}/solution`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Solution {
    /// The files that differ from the starter.
    pub files: Vec<SolutionFile>,
    /// From the learner's files to these, as a unified diff; empty where they are the same.
    pub diff: String,
}

/// A file of the solution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SolutionFile {
    /// Its path.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// One line of `GET /api/events`.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Line {
    /// The first line of every answer.
    Hello {
        /// This start of the server.
        hello: String,
        /// The number of the newest event.
        last_event: u64,
    },
    /// An event with its number.
    Event(Numbered),
    /// Events were lost, because the reader was too slow or away for too long: begin again with `GET /api/state`. The
    /// answer ends with it.
    StartOver {
        /// Always true.
        start_over: bool,
    },
    /// Nothing happened for a while.
    Ping {
        /// Always true.
        ping: bool,
    },
}

/// An event with its number.
#[derive(Debug, Clone, Serialize)]
pub struct Numbered {
    /// Counts up by one, from 1 for each start of the server.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that every page is told.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A check begins.
    RunStarted {
        /// Its number.
        run: u64,
        /// What is checked.
        exercise: String,
    },
    /// News of a check.
    Run {
        /// Its number.
        run: u64,
        /// What is new.
        #[serde(flatten)]
        news: News,
    },
    /// A check has ended.
    RunEnded {
        /// Its number.
        run: u64,
        /// What was checked.
        exercise: String,
        /// How it ended.
        #[serde(flatten)]
        end: End,
    },
    /// One of the learner's files is another one now, whoever wrote it.
    File {
        /// Whose.
        exercise: String,
        /// Its name.
        name: String,
        /// The revision that is there now; `null` where the file is gone.
        revision: Option<String>,
    },
    /// An exercise's folder was made or put back to its starter: fetch it again.
    Exercise {
        /// Which.
        exercise: String,
    },
    /// Progress has changed, here or in the terminal: the whole list, as in `GET /api/state`.
    Progress {
        /// Every exercise, in the order of the course.
        exercises: Vec<ExerciseSummary>,
    },
}

/// News of a running check.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "news", rename_all = "kebab-case")]
pub enum News {
    /// A build begins. The steps' numbers start again.
    Building {
        /// What for: `prod`, `the starter, to compare with`.
        what: String,
        /// The learner's Dockerfile whose lines the steps name; `null` where it is none of the learner's.
        file: Option<String>,
    },
    /// How many steps the build has; comes after the first of them.
    Planned {
        /// Number of steps.
        steps: usize,
    },
    /// A step begins; one that was shared with a build that was cancelled begins again.
    StepStarted {
        /// Its number in this build.
        step: usize,
        /// Its name.
        name: String,
        /// The lines of the Dockerfile that caused it.
        lines: Option<Lines>,
        /// Whether it is the engine's own, and no instruction's.
        internal: bool,
    },
    /// A step is over.
    StepDone {
        /// Its number in this build.
        step: usize,
        /// Its name.
        name: String,
        /// The lines of the Dockerfile that caused it.
        lines: Option<Lines>,
        /// Whether it is the engine's own, and no instruction's.
        internal: bool,
        /// Whether its result came from the cache.
        cached: bool,
        /// Wall time.
        duration_ms: u64,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// Output of a step: whole lines, control characters taken out.
    Log {
        /// The step's number in this build.
        step: usize,
        /// The lines, each with its line feed.
        text: String,
    },
    /// The log is longer than what is passed on; the rest is left out.
    LogCut,
    /// The engine's own linter has something to say.
    Warning {
        /// One line.
        message: String,
        /// The lines of the Dockerfile.
        lines: Option<Lines>,
    },
    /// What is being done now, where it is no step: an image is fetched or read, a container is started.
    Doing {
        /// In a few words.
        what: String,
    },
    /// A check has its verdict. The report at the run's end has the last word, and the places and fixes.
    Verdict {
        /// The check's key.
        key: String,
        /// The verdict.
        status: Status,
        /// What was seen.
        message: String,
        /// Points earned.
        points: u32,
        /// Points that can be earned.
        max_points: u32,
    },
}

/// Lines of a Dockerfile, from 1, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// The first.
    pub first: usize,
    /// The last.
    pub last: usize,
}

/// How a check ended.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum End {
    /// With a report, which is kept.
    Report {
        /// The report.
        #[serde(flatten)]
        shown: Box<Shown>,
        /// Where the bytes of each build's image are, by the build's key.
        images: BTreeMap<String, Inspection>,
    },
    /// It was stopped.
    Stopped {
        /// Why.
        why: StopReason,
    },
    /// The environment failed: no engine, no network, disk full. Never a verdict on the work.
    Failed {
        /// What failed.
        error: Problem,
    },
}

/// Why a check was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The learner pressed Stop, or reset the exercise.
    Asked,
    /// A newer check took its place.
    NewerCheck,
    /// One of the exercise's files was changed, here or elsewhere.
    Edited,
    /// The server ends.
    ServerEnds,
}

/// The body of every answer that is no success.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorBody {
    /// What is wrong.
    pub error: Problem,
    /// With `conflict`: the file as it is on the disk now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
}

/// What is wrong, for a program and for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which kind.
    pub code: Code,
    /// What is wrong: a fragment without a full stop.
    pub message: String,
    /// What to do: a sentence; may be empty.
    pub help: String,
}

/// Kinds of problems, each with its HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// 400: the request cannot be understood.
    BadRequest,
    /// 401: no token, or one of another start of the server. The page shows how to open the book anew.
    NoToken,
    /// 403: from another origin, to another host, or without the header that a page of the book sends.
    Refused,
    /// 403: the exercise has not passed yet.
    NotPassed,
    /// 404: there is no such thing.
    NotFound,
    /// 405: not with this method.
    WrongMethod,
    /// 409: the file on the disk is another one than the save began with.
    Conflict,
    /// 409: there is no report, or the files have changed since.
    CheckFirst,
    /// 413: the body is too large.
    TooLarge,
    /// 422: the file cannot be written here: a link, a folder in its place.
    NotWritable,
    /// 500: mslab could not do it; `message` and `help` say why.
    Failed,
}
