//! JSON: the class itself, for programs.

use mslab_core::report::write_json;

use super::Output;
use super::types::Class;

pub(super) const OUTPUT: Output = Output {
    name: "json",
    file: Some("grades.json"),
    about: "for programs; schema/grades.v1.json describes it",
    write: |out, shown| Ok(write_json(out, shown.class)?),
};

/// JSON schema of a [`Class`], as committed in `schema/grades.v1.json`.
#[must_use]
pub fn schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Class);
    schema.insert("title".into(), "grades of a class, version 1".into());
    schema
}
