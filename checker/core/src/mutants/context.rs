//! Rules that send more to the engine than the solution does.

use super::{Rule, Spoiled};
use crate::diagnostic::Fix;
use crate::source::Span;

const IGNORE: &str = ".dockerignore";

/// A build needs these two itself: a few hundred bytes are sent with or without such a line.
const SENT_ANYHOW: &[&str] = &["Dockerfile", IGNORE];

pub(super) static DROP_IGNORE_FILE: Rule = Rule {
    id: "drop-ignore-file",
    what: "an empty .dockerignore",
    notice: &["context-ignores", "max-context"],
    make: |ground| {
        let Some(file) = ground.files.get(IGNORE) else {
            return Vec::new();
        };
        let all = Span::new(0, file.bytes().len());
        vec![Spoiled {
            place: "all".to_owned(),
            fix: Fix::new("empty it").replace(IGNORE, all, ""),
        }]
    },
};

pub(super) static DROP_IGNORE_LINE: Rule = Rule {
    id: "drop-ignore-line",
    what: ".dockerignore without one of its lines",
    notice: &["context-ignores", "max-context"],
    make: |ground| {
        let Some(file) = ground.files.get(IGNORE) else {
            return Vec::new();
        };
        let text = file.text();
        let mut at = 0;
        let mut all = Vec::new();
        for line in text.split_inclusive('\n') {
            let span = Span::new(at, at + line.len());
            at = span.end;
            let pattern = line.trim();
            let comment = pattern.is_empty() || pattern.starts_with('#');
            if !comment && !SENT_ANYHOW.contains(&pattern) {
                all.push(Spoiled {
                    place: pattern.to_owned(),
                    fix: Fix::new("leave it out").replace(IGNORE, span, ""),
                });
            }
        }
        all
    },
};
