//! Where an image's bytes are: by layer, by instruction, by path; and how two images differ.
//!
//! The data is made here, and written for people by its `human` functions; as JSON it is what serde makes of it.

mod compare;
mod human;
mod summary;

pub use compare::{Change, ChangeKind, Comparison, Side, compare};
pub use summary::{Inspection, LayerSource, LayerSummary, PathSize, StepSummary, inspect};

/// Version of the JSON form.
pub const SCHEMA: &str = "mslab/inspect/v1";
