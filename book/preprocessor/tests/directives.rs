//! Every directive against what it becomes: `cases/NAME.md` is a chapter, `NAME.html` and `NAME.plain.md` are what HTML
//! and other renderers get, and `bad-NAME.txt` is what the build says about `bad-NAME.md`.
//!
//! `MSLAB_BLESS=1 cargo test -p mdbook-mslab` writes them anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use mdbook_mslab::preprocess;
use serde_json::{Value, json};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// What mdBook sends: one chapter, with the chapters' key as 0.4 or 0.5 calls it.
fn input(renderer: &str, key: &str, content: &str) -> String {
    let chapter = json!({ "Chapter": {
        "name": "Bells", "content": content, "number": [1], "sub_items": [],
        "path": "part/bells.md", "source_path": "part/bells.md", "parent_names": [],
    } });
    let context = json!({
        "root": here().join("site"), "renderer": renderer, "mdbook_version": "0.5.4",
        "config": { "book": { "src": "src" } },
    });
    json!([context, { key: [chapter, "Separator", { "PartTitle": "Part" }], "more": null }])
        .to_string()
}

fn content<'a>(book: &'a Value, key: &str) -> &'a str {
    book[key][0]["Chapter"]["content"]
        .as_str()
        .expect("a chapter has content")
}

/// Compares with a golden file, or writes it; says what differs.
fn compare(path: &Path, got: &str, wrong: &mut Vec<String>) {
    if env::var_os("MSLAB_BLESS").is_some() {
        fs::write(path, got).expect("a golden can be written");
        return;
    }
    let wanted = fs::read_to_string(path).unwrap_or_default();
    if wanted != got {
        let first = got.lines().zip(wanted.lines()).find(|(a, b)| a != b);
        wrong.push(format!("{}: {first:?}", path.display()));
    }
}

#[test]
fn chapters_become_what_the_goldens_say() {
    let folder = here().join("cases");
    let mut names = BTreeSet::new();
    let mut others = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("there are cases").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match name.strip_suffix(".md").filter(|n| !n.ends_with(".plain")) {
            Some(case) => names.insert(case.to_owned()),
            None => others.insert(name),
        };
    }
    let mut wrong = Vec::new();
    for name in names {
        let text =
            fs::read_to_string(folder.join(format!("{name}.md"))).expect("a case can be read");
        let run = |renderer: &str| preprocess(&input(renderer, "items", &text));
        if name.starts_with("bad-") {
            let golden = format!("{name}.txt");
            let said = run("html")
                .expect_err("a bad directive is no book")
                .to_string();
            compare(&folder.join(&golden), &format!("{said}\n"), &mut wrong);
            others.remove(&golden);
            continue;
        }
        for (renderer, end) in [("html", "html"), ("epub", "plain.md")] {
            let book = run(renderer).unwrap_or_else(|e| panic!("{name}: {e}"));
            let book: Value = serde_json::from_str(&book).expect("a book is JSON");
            let golden = format!("{name}.{end}");
            compare(&folder.join(&golden), content(&book, "items"), &mut wrong);
            others.remove(&golden);
        }
    }
    assert!(
        wrong.is_empty(),
        "MSLAB_BLESS=1 writes anew:\n{}",
        wrong.join("\n")
    );
    assert!(
        others.is_empty(),
        "files that belong to no case: {others:?}"
    );
}

#[test]
fn both_shapes_of_mdbook_are_read_and_kept() {
    for key in ["items", "sections"] {
        let book = preprocess(&input("html", key, "# A\n\n{{#quiz bells}}\n")).expect("a book");
        let book: Value = serde_json::from_str(&book).expect("a book is JSON");
        assert!(content(&book, key).contains("<fieldset"), "{key}");
        assert_eq!(book[key][1], "Separator");
        assert_eq!(book["more"], Value::Null);
    }
}

#[test]
fn what_is_no_book_is_told() {
    for text in [
        "",
        "{}",
        "[]",
        "[{}, []]",
        "[{}, {}]",
        "[{}, {\"items\": 3}]",
    ] {
        let said = preprocess(text).expect_err(text).to_string();
        assert!(
            said.starts_with("error: what mdBook sent is no book: "),
            "{said}"
        );
    }
}

/// The HTML of a directive must not end before its end: in Markdown an empty line would end it.
#[test]
fn html_has_no_empty_line() {
    let folder = here().join("cases");
    for name in [
        "lab",
        "dockerfile",
        "steps",
        "graph",
        "sizes",
        "quiz",
        "checklist",
        "transcript",
    ] {
        let text = fs::read_to_string(folder.join(format!("{name}.html"))).expect("a golden");
        let mut depth = 0_i32;
        for line in text.lines() {
            assert!(
                depth == 0 || !line.trim().is_empty(),
                "{name}: an empty line inside"
            );
            for tag in ["section", "figure"] {
                depth += line.matches(&format!("<{tag} ")).count() as i32;
                depth -= line.matches(&format!("</{tag}>")).count() as i32;
            }
        }
        assert_eq!(depth, 0, "{name}");
    }
}
