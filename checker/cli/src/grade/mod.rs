//! Grading a class with the check pipeline: what judges one submission, who is told, and what is written.

mod human;
mod judge;
mod outputs;
mod progress;

pub(crate) use human::summary;
pub(crate) use judge::ClassJudge;
pub(crate) use outputs::{put, write as write_outputs, write_platform};
pub(crate) use progress::ClassProgress;
