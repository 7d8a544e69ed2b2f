//! The pages of checks: two as stored files, all by what every page must have.
//!
//! `MSLAB_BLESS=1` writes the stored files anew.

use std::collections::BTreeSet;
use std::path::Path;

use mslab_core::checks::{self, PageOptions, page};

const TERMINAL: PageOptions = PageOptions::Terminal {
    color: false,
    ascii: false,
    width: 80,
};
const MARKDOWN: PageOptions = PageOptions::Markdown { heading: 1 };

#[test]
fn pages_are_as_stored() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/pages");
    let bless = std::env::var_os("MSLAB_BLESS").is_some();
    let mut known = BTreeSet::new();
    let mut wrong = Vec::new();
    for id in ["max-size", "targets-exist"] {
        let check = checks::find(id).unwrap();
        for (options, extension) in [(&TERMINAL, "txt"), (&MARKDOWN, "md")] {
            let name = format!("{id}.{extension}");
            let text = page(check, options);
            if bless {
                std::fs::write(root.join(&name), &text).unwrap();
            } else if std::fs::read_to_string(root.join(&name)).ok() != Some(text) {
                wrong.push(name.clone());
            }
            known.insert(name);
        }
    }
    for entry in std::fs::read_dir(&root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !known.contains(&name) {
            wrong.push(format!("{name} (belongs to no case)"));
        }
    }
    assert!(
        wrong.is_empty(),
        "differ from {}: {wrong:#?}",
        root.display()
    );
}

#[test]
fn every_page_is_whole() {
    for check in checks::ALL {
        let id = check.id();
        for options in [&TERMINAL, &MARKDOWN] {
            let text = page(*check, options);
            for part in [
                id,
                check.title(),
                "Why it matters",
                "What it looks at",
                "Does not hold",
                "Holds",
            ] {
                assert!(text.contains(part), "the page of {id} lacks {part:?}");
            }
            let first = check
                .doc()
                .bad
                .dockerfile
                .lines()
                .next()
                .unwrap_or_default();
            assert!(
                text.contains(first),
                "the page of {id} lacks its bad example"
            );
        }
        let why = check.doc().why_short();
        assert!(
            why.matches('`').count() % 2 == 0,
            "{id}: {why} is cut inside a command"
        );
    }
}

/// A parameter without a description leaves an author guessing.
#[test]
fn every_parameter_is_described() {
    for check in checks::ALL {
        let schema = check.params_schema();
        let properties = schema.get("properties").and_then(|p| p.as_object());
        for (name, property) in properties.into_iter().flatten() {
            let described = property.get("description").is_some() || property.get("$ref").is_some();
            assert!(
                described,
                "parameter {name} of {} has no description",
                check.id()
            );
            let text = page(*check, &TERMINAL);
            assert!(
                text.contains(name),
                "the page of {} lacks {name}",
                check.id()
            );
        }
    }
}

#[test]
fn the_list_names_every_check() {
    for options in [&TERMINAL, &MARKDOWN] {
        let list = checks::list(options);
        assert!(checks::ALL.iter().all(|c| list.contains(c.id())));
    }
}

#[test]
fn ascii_pages_are_ascii() {
    let ascii = PageOptions::Terminal {
        color: false,
        ascii: true,
        width: 60,
    };
    assert!(checks::ALL.iter().all(|c| page(*c, &ascii).is_ascii()));
}
