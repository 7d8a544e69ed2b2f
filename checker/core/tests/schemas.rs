//! The committed JSON schemas are those of the types.
//!
//! `MSLAB_BLESS=1` writes them anew.

use std::collections::BTreeSet;
use std::path::Path;

use mslab_core::dockerfile::parse;
use mslab_core::source::Source;
use mslab_core::stages::{BuildOptions, StageGraph, draw};
use mslab_core::{lab, mutants, report};

#[test]
fn schemas_are_those_of_the_types() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema");
    let bless = std::env::var_os("MSLAB_BLESS").is_some();
    let schemas = [
        ("report.v1.json", report::schema()),
        ("lab.v1.json", lab::schema()),
        ("mutants.v1.json", schemars::schema_for!(mutants::Survivors)),
        ("expected.v1.json", schemars::schema_for!(lab::Expected)),
        ("graph.v1.json", draw::json_schema()),
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
        // That of a class belongs to the crate that grades, which tests it itself.
        let elsewhere = name == "grades.v1.json";
        assert!(
            elsewhere || known.contains(&name),
            "schema/{name} belongs to no type"
        );
    }
}

#[test]
fn every_lab_is_as_the_schema_says() {
    let schema = lab::schema().to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let labs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../labs");
    let mut seen = 0;
    for entry in std::fs::read_dir(labs).unwrap() {
        let path = entry.unwrap().path().join("lab.toml");
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn graphs_are_as_their_schema_says() {
    let schema = jsonschema::validator_for(draw::json_schema().as_value()).unwrap();
    let files = [
        "",
        "BOGUS\n",
        "ARG V=3\nFROM --platform=linux/arm64 alpine:$V AS a\nFROM a\nRUN --mount=from=b,target=/b x\nCOPY --from=a / /\n",
        "FROM scratch AS a\nCOPY --from=b / /\nFROM a AS b\nFROM $NOTHING\n",
    ];
    for text in files {
        let file = parse(Source::new("Dockerfile", text.as_bytes()));
        let graph = StageGraph::build(&file, &BuildOptions::default());
        let document: serde_json::Value =
            serde_json::from_str(&draw::json(&graph, &file, None)).unwrap();
        let errors: Vec<String> = schema
            .iter_errors(&document)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{text}");
        let mut other = document.clone();
        other["schema"] = "mslab/graph/v2".into();
        assert!(!schema.is_valid(&other));
    }
}
