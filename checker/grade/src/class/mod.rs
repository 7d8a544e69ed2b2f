//! What came of a class: one value, of which every output is a pure function.

mod collect;
mod csv;
mod html;
mod junit;
mod plot;
#[cfg(test)]
mod tests;
mod types;

pub use collect::collect;
pub use csv::{grades, marks};
pub use html::page;
pub use junit::junit;
pub use types::{
    CheckGrade, CheckRate, Class, Counts, Exercise, Grade, GradeState, InstructorMark, Late,
    SCHEMA, Student,
};

use mslab_core::report::to_json;

/// JSON schema of a [`Class`], as committed in `schema/grades.v1.json`.
#[must_use]
pub fn schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Class);
    schema.insert("title".into(), "grades of a class, version 1".into());
    schema
}

/// The class as indented JSON with a newline at its end. Hidden characters are escaped.
#[must_use]
pub fn json(class: &Class) -> String {
    to_json(class)
}
