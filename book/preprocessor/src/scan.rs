//! Finds directives in a chapter: where they are, and where they are only talked about.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::fault::Fault;
use crate::show;

/// Something in a chapter that is not plain text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The bytes that it takes the place of: of a directive the whole line.
    pub(crate) range: Range<usize>,
    /// From 1.
    pub(crate) line: usize,
    /// The level of the heading under which it stands; 0 before the first.
    pub(crate) heading: usize,
    /// Blanks before it.
    pub(crate) indent: String,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// `\{{#lab …}}`: to be shown as text.
    Escaped,
    Directive {
        name: String,
        args: String,
    },
    Broken(Fault),
}

/// What mdBook itself knows.
const MDBOOK: &[&str] = &[
    "include",
    "rustdoc_include",
    "playground",
    "playpen",
    "title",
    "template",
];

/// Everything in `text` that has to be replaced, in order. Code and comments are left alone.
pub(crate) fn scan(text: &str) -> Vec<Found> {
    if !text.contains("{{#") {
        return Vec::new();
    }
    let (code, headings) = layout(text);
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("{{#").map(|i| from + i) {
        from = at + 3;
        if code.iter().any(|c| c.contains(&at)) {
            continue;
        }
        let heading = headings.iter().take_while(|(start, _)| *start < at).last();
        let place = Place {
            at,
            line: text[..at].matches('\n').count() + 1,
            heading: heading.map_or(0, |(_, level)| *level),
        };
        if let Some(item) = one(text, place) {
            from = from.max(item.range.end);
            found.push(item);
        }
    }
    found
}

struct Place {
    at: usize,
    line: usize,
    heading: usize,
}

fn one(text: &str, place: Place) -> Option<Found> {
    let at = place.at;
    let name: String = text[at + 3..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    let ours = show::names().any(|n| n == name);
    let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
    let line_end = text[..line_end].trim_end_matches('\r').len().max(at);
    let make = |range, what| {
        Some(Found {
            range,
            line: place.line,
            heading: place.heading,
            indent: String::new(),
            what,
        })
    };
    if text[..at].ends_with('\\') {
        // Of the others' the backslash is theirs.
        return ours.then(|| make(at - 1..at + 3, What::Escaped)).flatten();
    }
    if MDBOOK.contains(&name.as_str()) {
        return None;
    }
    let broken = |fault| make(at..line_end, What::Broken(fault));
    if !ours {
        let known = show::names().chain(MDBOOK.iter().copied());
        return broken(Fault::unknown("no directive", &name, known));
    }
    let Some(length) = text[at..line_end].find("}}") else {
        return broken(Fault::new(
            "the directive does not end",
            "Write `}}` at its end, on the same line.",
        ));
    };
    let args = text[at + 3 + name.len()..at + length].trim();
    let before = &text[line_start..at];
    if !before.trim().is_empty() || !text[at + length + 2..line_end].trim().is_empty() {
        return broken(Fault::new(
            "a directive has a line of its own",
            "Put it on a line where nothing else stands.",
        ));
    }
    let what = What::Directive {
        name,
        args: args.to_owned(),
    };
    let mut found = make(line_start..line_end, what)?;
    found.indent = before.to_owned();
    Some(found)
}

type Layout = (Vec<Range<usize>>, Vec<(usize, usize)>);

/// Where there is code or a comment, and each heading's beginning and level.
fn layout(text: &str) -> Layout {
    let mut code = Vec::new();
    let mut headings = Vec::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_)) | Event::Code(_) => code.push(range),
            Event::InlineHtml(html) if html.starts_with("<!--") => code.push(range),
            Event::Start(Tag::HtmlBlock)
                if text[range.clone()].trim_start().starts_with("<!--") =>
            {
                code.push(range);
            }
            Event::Start(Tag::Heading { level, .. }) => {
                headings.push((range.start, level as usize));
            }
            _ => {}
        }
    }
    (code, headings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let name = |f: Found| match f.what {
            What::Directive { name, args } => format!("{}: {name} {args}", f.line),
            What::Escaped => format!("{}: escaped", f.line),
            What::Broken(fault) => format!("{}: {} {}", f.line, fault.message, fault.help),
        };
        scan(text).into_iter().map(name).collect()
    }

    #[test]
    fn code_and_comments_are_left_alone() {
        let text = "`{{#lab x}}`\n\n```\n{{#lab x}}\n```\n\n    {{#lab x}}\n\n<!--\n{{#lab x}}\n-->\n\n{{#lab 5}}\n";
        assert_eq!(names(text), ["13: lab 5"]);
    }

    #[test]
    fn a_backslash_makes_text_of_it() {
        assert_eq!(names("See \\{{#lab 5}} for more.\n"), ["1: escaped"]);
        assert_eq!(names("\\{{#include a}}\n{{#include b}}\n"), [""; 0]);
    }

    #[test]
    fn a_slip_is_told_with_a_suggestion() {
        assert_eq!(
            names("a\n\n{{#quizz go}}\n"),
            ["3: there is no directive `quizz` Did you mean `quiz`?"]
        );
        assert_eq!(
            names("see {{#lab 5}}\n"),
            ["1: a directive has a line of its own Put it on a line where nothing else stands."]
        );
        assert_eq!(
            names("{{#lab 5\n}}\n"),
            ["1: the directive does not end Write `}}` at its end, on the same line."]
        );
    }

    #[test]
    fn a_directive_knows_its_heading_and_its_indent() {
        let found = scan("# A\n\n## B\n\n- item\n\n  {{#lab 5}}\n\n# C\n");
        assert_eq!((found[0].heading, found[0].indent.as_str()), (2, "  "));
    }

    #[test]
    fn windows_line_ends_are_line_ends() {
        assert_eq!(names("a\r\n{{#lab 5}}\r\nb\r\n"), ["2: lab 5"]);
    }
}
