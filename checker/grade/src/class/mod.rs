//! What came of a class: one value, of which every output is made.
//!
//! An output is one file here and one line in [`OUTPUTS`].

mod collect;
mod csv;
#[cfg(test)]
mod formats;
mod github;
mod html;
mod json;
mod junit;
mod markdown;
mod plot;
mod sarif;
mod shown;
#[cfg(test)]
mod tests;
mod types;

use std::io;

pub use collect::collect;
pub use json::schema;
pub use markdown::markdown_within;
pub use shown::{OutputError, SUBMISSIONS, Shown, Work};
pub use types::{
    Attention, CheckGrade, CheckRate, Class, Counts, Exercise, Grade, GradeState, InstructorMark,
    Late, SCHEMA, Student,
};

/// Every output of a class.
pub static OUTPUTS: &[Output] = &[
    csv::GRADES,
    csv::MARKS,
    json::OUTPUT,
    junit::OUTPUT,
    sarif::OUTPUT,
    github::OUTPUT,
    markdown::OUTPUT,
    html::OUTPUT,
];

/// A form in which a class is shown.
#[derive(Debug)]
pub struct Output {
    /// Its name for `--format`.
    pub name: &'static str,
    /// The name of its file in a folder of outputs; `None` where it is no file's content.
    pub file: Option<&'static str>,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// Writes it, with a newline at its end. A class is large, and reports are read as they are needed.
    pub write: fn(&mut dyn io::Write, &Shown<'_>) -> Result<(), OutputError>,
}

/// The output called `name`.
#[must_use]
pub fn output(name: &str) -> Option<&'static Output> {
    OUTPUTS.iter().find(|o| o.name == name)
}
