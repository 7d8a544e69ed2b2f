//! The report: one value, of which every output is a pure function.

mod types;

pub use types::{
    BuildReport, CheckReport, EditReport, EngineReport, FixReport, Hint, ImageSize, Outcome,
    PlaceReport, RelatedReport, Report, Status, Verified,
};

/// The report's format and version, the value of its `schema` field.
pub const SCHEMA: &str = "mslab/report/v1";
