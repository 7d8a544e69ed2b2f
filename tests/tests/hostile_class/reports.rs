//! Every report of a class: it can be read as what it is, and does nothing to whoever reads it.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Whether a report's id is this student's: what a name would do to a terminal is written differently there.
pub(crate) fn is_id(shown: &Value, id: &str) -> bool {
    let plain =
        |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).collect() };
    let shown = shown.as_str().unwrap_or_default();
    shown == id || plain(&mslab_core::text::escape::line(id)) == plain(shown)
}

/// Reads every file of a folder as its name promises.
pub(crate) fn are_whole(dir: &Path, never: &[&str]) {
    let mut seen = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            are_whole(&path, never);
            continue;
        }
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        is_harmless(&name, &text, never);
        match path.extension().and_then(|e| e.to_str()) {
            Some("json" | "sarif") => {
                drop(
                    serde_json::from_str::<Value>(&text).unwrap_or_else(|e| panic!("{name}: {e}")),
                );
            }
            Some("xml") => {
                drop(roxmltree::Document::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}")));
            }
            Some("csv") => no_formulas(&name, &text),
            Some("html") => no_markup(&name, &text),
            _ => {}
        }
        seen += 1;
    }
    assert!(seen > 0, "{} holds nothing", dir.display());
}

/// No byte that a terminal takes for an order, nothing of the machine's, and no order to a CI that is not mslab's own.
pub(crate) fn is_harmless(name: &str, text: &str, never: &[&str]) {
    let order = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    let turned = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let bad = text.find(|c| order(c) || turned(c));
    assert_eq!(
        bad.map(|at| &text[at.saturating_sub(20)..at]),
        None,
        "{name}"
    );
    for words in never {
        assert!(!text.contains(words), "{name} contains {words:?}");
    }
    for line in text.lines() {
        let command = line.trim_start();
        let theirs = command.starts_with("::set-output")
            || command.starts_with("::add-mask")
            || command.starts_with("##vso[");
        assert!(
            !theirs && !command.starts_with("::error::"),
            "{name}: {line}"
        );
    }
}

fn no_formulas(name: &str, text: &str) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record.unwrap_or_else(|e| panic!("{name}: {e}"));
        for cell in &record {
            let number = cell.parse::<f64>().is_ok();
            assert!(
                number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{name}: {cell}"
            );
        }
    }
}

/// What a browser would run or fetch: in a page it may stand as text alone.
fn no_markup(name: &str, text: &str) {
    let lower = text.to_ascii_lowercase();
    for sign in [
        "<script",
        "<img",
        "<iframe",
        "<object",
        "<embed",
        "</textarea",
        "href=\"javascript:",
        "<meta http-equiv=\"refresh",
    ] {
        assert!(!lower.contains(sign), "{name} has {sign}");
    }
}
