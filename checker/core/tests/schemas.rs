//! The committed JSON schemas are those of the types.
//!
//! `MSLAB_BLESS=1` writes them anew.

use std::collections::BTreeSet;
use std::path::Path;

use mslab_core::{lab, report};

#[test]
fn schemas_are_those_of_the_types() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema");
    let bless = std::env::var_os("MSLAB_BLESS").is_some();
    let schemas = [
        ("report.v1.json", report::schema()),
        ("lab.v1.json", schemars::schema_for!(lab::Definition)),
        ("expected.v1.json", schemars::schema_for!(lab::Expected)),
    ];
    let mut known = BTreeSet::new();
    for (name, schema) in schemas {
        let text = format!("{:#}\n", schema.as_value());
        if bless {
            std::fs::write(root.join(name), &text).unwrap();
        }
        let stored = std::fs::read_to_string(root.join(name)).unwrap_or_default();
        assert!(stored == text, "schema/{name} is not that of the types");
        known.insert(name.to_owned());
    }
    for entry in std::fs::read_dir(&root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "schema/{name} belongs to no type");
    }
}
