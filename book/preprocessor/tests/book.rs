//! The book of this repository: every directive in it can be shown, every check has its page, every lab its card.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mdbook_mslab::preprocess;
use mslab_core::checks;
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository is there")
}

/// The chapters' files, by their path from `book/src`.
fn chapters(folder: &Path, path: &str, out: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder)
        .expect("chapters can be read")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let inner = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}/{name}")
        };
        if entry.path().is_dir() {
            chapters(&entry.path(), &inner, out);
        } else if name.ends_with(".md") && name != "SUMMARY.md" {
            out.insert(
                inner,
                fs::read_to_string(entry.path()).expect("a chapter is text"),
            );
        }
    }
}

fn all() -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    chapters(&root().join("book/src"), "", &mut out);
    assert!(out.len() > 5, "the book has chapters");
    out
}

fn shown(renderer: &str) -> BTreeMap<String, String> {
    let chapter = |(path, content): (&String, &String)| json!({ "Chapter": { "name": path, "content": content, "path": path, "source_path": path, "sub_items": [] } });
    let items: Vec<Value> = all().iter().map(chapter).collect();
    let context = json!({ "root": root(), "renderer": renderer, "config": { "book": { "src": "book/src" } } });
    let book = preprocess(&json!([context, { "items": items }]).to_string());
    let book: Value =
        serde_json::from_str(&book.unwrap_or_else(|e| panic!("{e}"))).expect("a book");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let items = book["items"].as_array().expect("chapters").iter();
    items
        .map(|i| (text(&i["Chapter"]["path"]), text(&i["Chapter"]["content"])))
        .collect()
}

#[test]
fn every_directive_of_the_book_can_be_shown() {
    for renderer in ["html", "markdown"] {
        shown(renderer);
    }
}

#[test]
fn no_name_of_a_part_is_given_twice() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in shown("html") {
        for id in text
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            let before = seen.insert(id.to_owned(), path.clone());
            assert_eq!(before, None, "{id} is in {path} too");
        }
    }
}

#[test]
fn every_check_has_its_page_and_every_lab_its_card() {
    // The directives' own chapter talks about them.
    let chapters = all()
        .into_iter()
        .filter(|(path, _)| !path.starts_with("authors/"));
    let text: String = chapters.map(|(_, text)| text + "\n").collect();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for check in checks::ALL {
        let wanted = format!("{{{{#check {}}}}}", check.id());
        assert!(
            lines.contains(&wanted.as_str()),
            "{wanted} is in no chapter"
        );
    }
    for entry in fs::read_dir(root().join("labs")).expect("labs").flatten() {
        let lab = fs::read_to_string(entry.path().join("lab.toml")).unwrap_or_default();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((number, slug)) = mslab_core::lab::split_folder(&name) else {
            continue;
        };
        if lab.is_empty() || lab.lines().any(|l| l.trim() == "draft = true") {
            continue;
        }
        let names = [
            format!("exercise-{number}"),
            number.to_string(),
            slug.to_owned(),
        ];
        let cards = lines
            .iter()
            .filter_map(|l| l.strip_prefix("{{#lab ")?.strip_suffix("}}"))
            .filter(|l| names.iter().any(|n| n == l));
        assert_eq!(cards.count(), 1, "cards of exercise {number}");
    }
}

/// What `book/COVERAGE.md` says is taught somewhere is a chapter, and a heading of it, that are there.
#[test]
fn coverage_names_parts_that_are_there() {
    let table = fs::read_to_string(root().join("book/COVERAGE.md")).expect("the table is there");
    let chapters = all();
    let mut seen = 0;
    for row in table.lines().filter(|l| l.starts_with("| ")) {
        let row = row.replace("\\|", "");
        for place in row.split('|').nth(2).unwrap_or_default().split(';') {
            let Some(end) = place.find(".md").map(|at| at + 3) else {
                continue;
            };
            let start = place[..end].rfind(' ').map_or(0, |at| at + 1);
            let path = &place[start..end];
            let text = chapters.get(path);
            let text = text.unwrap_or_else(|| panic!("there is no chapter {path}: {row}"));
            seen += 1;
            let Some(part) = place[end..].strip_prefix(": ") else {
                continue;
            };
            let part = part.split(" (").next().unwrap_or_default().trim();
            let is_it = |heading: &str| {
                let rest = heading.strip_prefix(part);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            };
            let mut headings = text
                .lines()
                .filter(|l| l.starts_with('#'))
                .map(|l| l.trim_start_matches('#').trim().replace('`', ""));
            assert!(
                headings.any(|h| is_it(&h)),
                "{path} has no part `{part}`: {row}"
            );
        }
    }
    assert!(seen > 100, "the table has {seen} places");
}
