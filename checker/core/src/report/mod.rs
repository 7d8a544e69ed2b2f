//! The report: one value, of which every output is a pure function.
//!
//! An output is one file here and one line in [`OUTPUTS`].

mod cells;
mod classroom50;
mod github;
mod grade;
mod gradescope;
mod html;
mod human;
mod json;
mod junit;
mod markdown;
mod prairielearn;
mod sarif;
mod types;
mod words;

use std::collections::BTreeMap;

pub use classroom50::Submission;
pub use github::{
    SHOWN as GITHUB_ANNOTATIONS, annotation as github_annotation, more as github_more,
};
pub use grade::{Mark, counted};
pub use html::head as html_head;
pub use human::finding;
pub use json::{REPORTS_SCHEMA, Reports, schema, to_json, write_json};
pub use markdown::markdown_within;
pub use sarif::{SARIF_SCHEMA, SarifRun};
pub use types::{
    BuildReport, CheckReport, EditReport, EngineReport, FixReport, Hint, ImageSize, Outcome,
    PlaceReport, RelatedReport, Report, Status, Verified,
};

/// The report's format and version, the value of its `schema` field.
pub const SCHEMA: &str = "mslab/report/v1";

/// Every output, the default first.
pub static OUTPUTS: &[Output] = &[
    human::OUTPUT,
    json::OUTPUT,
    junit::OUTPUT,
    sarif::OUTPUT,
    github::OUTPUT,
    markdown::OUTPUT,
    html::OUTPUT,
    gradescope::OUTPUT,
    classroom50::OUTPUT,
    prairielearn::OUTPUT,
];

/// A form in which reports are shown.
#[derive(Debug)]
pub struct Output {
    /// Its name for `--format`.
    pub name: &'static str,
    /// The usual end of its files' names, without the dot.
    pub extension: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// Whether it is for a grading platform, which takes one file for each student.
    pub platform: bool,
    /// The whole output for these reports, with a newline at its end.
    pub render: fn(&[Report], &Options) -> String,
}

/// The output called `name`.
#[must_use]
pub fn output(name: &str) -> Option<&'static Output> {
    OUTPUTS.iter().find(|o| o.name == name)
}

/// How an output is to be shown. Outputs for machines look at [`Options::folders`], [`Options::submission`] and
/// [`Options::marks`] only.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the text carries colours as ANSI sequences.
    pub color: bool,
    /// Whether nothing but ASCII may be shown.
    pub ascii: bool,
    /// Columns of the terminal; prose is never wider than 100.
    pub width: usize,
    /// Leaves out what passed, and all that is not needed to go on.
    pub quiet: bool,
    /// Folds nothing away.
    pub verbose: bool,
    /// What to type next: a command.
    pub next: Option<String>,
    /// The folder of each exercise as the reader should see it before file names, by the report's `exercise`:
    /// relative to where mslab was started, or for CI outputs to the repository's root. Exercises without an entry
    /// show bare names.
    pub folders: BTreeMap<String, String>,
    /// Whose work this is and where it lies, which Classroom 50 wants beside its points.
    pub submission: Option<Submission>,
    /// Whose work it is, for the page that is handed to them.
    pub whose: Option<String>,
    /// Points that count in the place of those that the checks gave, by the report's `exercise`. Grading platforms and
    /// the page for a student show them.
    pub marks: BTreeMap<String, Mark>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            color: false,
            ascii: false,
            width: 100,
            quiet: false,
            verbose: false,
            next: None,
            folders: BTreeMap::new(),
            submission: None,
            whose: None,
            marks: BTreeMap::new(),
        }
    }
}

impl Options {
    /// A file of an exercise with its folder before it.
    fn path(&self, report: &Report, file: &str) -> String {
        match self.folders.get(&report.exercise) {
            Some(folder) if !folder.is_empty() && folder != "." => {
                format!("{}/{file}", folder.trim_end_matches('/'))
            }
            _ => file.to_owned(),
        }
    }
}
