//! The learner's lines with the words at fault marked, and a diff with its signs.

use super::text::{block, content};
use crate::report::cells::Cells;
use crate::report::{PlaceReport, words};

/// Of a long span, this many lines are shown at its beginning, and one at its end.
const HEAD: usize = 8;
/// Of a longer line, this many columns are shown around the words at fault.
const WIDTH: usize = 84;
/// Of them, at most so many in front of the words: on a phone they would push the words out of sight.
const BEFORE: usize = 12;

/// The lines of a place in a text. Words on one line get carets below them, or dashes where they are not at fault; a span
/// over several is underlined.
pub(super) fn lines(place: &PlaceReport, at_fault: bool) -> String {
    let PlaceReport::Text {
        line,
        column,
        end_line,
        end_column,
        snippet,
        ..
    } = place
    else {
        return String::new();
    };
    // A span that takes a newline with it ends on the line before.
    let (end_line, end_column) = if end_line > line && *end_column <= 1 {
        (end_line - 1, usize::MAX)
    } else {
        (*end_line, *end_column)
    };
    let shown = snippet.len().min(end_line.saturating_sub(*line) + 1);
    let mut out = String::new();
    for (n, text) in snippet[..shown].iter().enumerate() {
        if shown > HEAD + 2 && n >= HEAD && n + 1 < shown {
            if n == HEAD {
                let hidden = crate::text::plural(shown - HEAD - 1, "line");
                out.push_str(&row("⋮", &format!("<i>{hidden} more</i>")));
            }
            continue;
        }
        let cells = Cells::new(text, false);
        let first = if n == 0 { *column } else { cells.indent() + 1 };
        let end = if line + n == end_line {
            end_column
        } else {
            usize::MAX
        };
        let (from, to) = cells.range(first, end);
        let view = cells.view(from, to, WIDTH, BEFORE, "…");
        let words = content(&view.text(from, to));
        let marked = if words.is_empty() {
            words
        } else {
            format!("<mark>{words}</mark>")
        };
        let before = format!("{}{}", view.lead(), content(&view.text(0, from)));
        let after = format!("{}{}", content(&view.text(to, usize::MAX)), view.tail());
        let number = (line + n).to_string();
        out.push_str(&row(&number, &format!("{before}{marked}{after}")));
        if shown == 1 {
            let (blank, len) = view.under(from, to);
            let sign = if at_fault { "^" } else { "-" };
            out.push_str(&format!(
                "<span class=\"row under\"><span class=\"number\"></span>{}\
                 <span class=\"carets\" aria-hidden=\"true\">{}</span>\n</span>",
                " ".repeat(blank),
                sign.repeat(len)
            ));
        }
    }
    out
}

fn row(number: &str, html: &str) -> String {
    format!("<span class=\"row\"><span class=\"number\">{number}</span>{html}\n</span>")
}

/// A unified diff: each line keeps its sign, and tells by its element what it is.
pub(super) fn diff(diff: &str) -> String {
    let mut out = String::new();
    for line in words::diff_lines(diff) {
        let html = content_of(line);
        let element = match line.as_bytes().first() {
            _ if line.starts_with("--- ") || line.starts_with("+++ ") => "b",
            Some(b'+') => "ins",
            Some(b'-') => "del",
            Some(b'@' | b'\\') => "i",
            _ => "span",
        };
        out.push_str(&format!("<{element} class=\"row\">{html}\n</{element}>"));
    }
    out
}

/// A line of a diff with its tabs.
fn content_of(line: &str) -> String {
    block(&line.replace('\r', "\\r"))
}
