//! Grades a class: many submissions against trusted labs, into a gradebook that survives a crash.
//!
//! Nothing here knows an engine or a terminal. What judges one submission is a [`run::Judge`], which the command line
//! implements with its own check pipeline, and tests with recorded verdicts. The modules in the order of the work:
//! [`intake`] reads what was handed in, [`roster`] knows who and until when, [`gradebook`] keeps every step,
//! [`run`] has each distinct submission judged once, [`class`] says what came of it, and [`similarity`] names work that
//! is worth a second look.

pub mod class;
pub mod gradebook;
pub mod intake;
pub mod late;
pub mod roster;
pub mod rules;
pub mod run;
pub mod shard;
pub mod similarity;
pub mod submission;
mod text;

/// The version that grades are made with; a grade of another version is made anew.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
