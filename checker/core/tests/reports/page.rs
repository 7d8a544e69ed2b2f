//! The `html` output, read as strictly as XML is: what is on the page is what mslab put there, and nothing else.

use std::collections::BTreeSet;

use mslab_core::report::{self, Options, PlaceReport, Report, Status};
use roxmltree::{Document, Node, ParsingOptions};

use super::samples;

const ELEMENTS: &[&str] = &[
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "header",
    "section",
    "nav",
    "article",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "div",
    "span",
    "strong",
    "code",
    "pre",
    "a",
    "ul",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "figure",
    "figcaption",
    "dl",
    "dt",
    "dd",
    "mark",
    "ins",
    "del",
    "b",
    "i",
    "svg",
    "rect",
];

fn render(reports: &[Report]) -> String {
    (report::output("html").unwrap().render)(reports, &Options::default())
}

fn parse(page: &str) -> Result<Document<'_>, String> {
    // HTML's own document type is the only one, and it defines nothing.
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(page, options).map_err(|e| e.to_string())
}

/// Whether a page is made of nothing but what mslab writes: elements, attributes, and links within the page.
pub(crate) fn is_inert(page: &str) -> Result<(), String> {
    let document = parse(page)?;
    let mut ids = BTreeSet::new();
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        if !ELEMENTS.contains(&name) {
            return Err(format!("an element <{name}>"));
        }
        for attribute in node.attributes() {
            let (key, value) = (attribute.name(), attribute.value());
            let own = match key {
                "class" => value.chars().all(|c| c.is_ascii_lowercase() || c == ' '),
                "id" => ids.insert(value) && value.chars().all(|c| c.is_ascii_alphanumeric()),
                "href" => value.starts_with("#r"),
                "width" | "height" => value.parse::<u32>().is_ok(),
                "viewBox" => value.starts_with("0 0 "),
                "aria-label" => {
                    ["Exercises", "Lines of the file", "Details", "Changes"].contains(&value)
                }
                "lang"
                | "charset"
                | "name"
                | "content"
                | "http-equiv"
                | "scope"
                | "tabindex"
                | "role"
                | "aria-hidden"
                | "preserveAspectRatio" => true,
                _ => false,
            };
            if !own {
                return Err(format!("<{name} {key}=\"{value}\">"));
            }
        }
    }
    let text = |n: &Node<'_, '_>| {
        n.descendants()
            .filter(Node::is_text)
            .filter_map(|d| d.text())
            .collect::<String>()
    };
    let style = document
        .descendants()
        .find(|n| n.has_tag_name("style"))
        .ok_or("no style")?;
    if text(&style).contains("url(") || text(&style).contains("@import") {
        return Err("the style asks for something from elsewhere".into());
    }
    for link in document.descendants().filter(|n| n.has_tag_name("a")) {
        let target = link
            .attribute("href")
            .unwrap_or_default()
            .trim_start_matches('#');
        if !ids.contains(target) {
            return Err(format!("a link to #{target}, which is not there"));
        }
    }
    Ok(())
}

#[test]
fn the_page_is_made_of_nothing_but_its_own_parts() {
    for (name, reports) in samples::all() {
        let page = render(&reports);
        is_inert(&page).unwrap_or_else(|e| panic!("{name}: {e}\n{page}"));
        assert!(
            page.contains("content=\"default-src &#39;none&#39;"),
            "{name}"
        );
    }
    for spoiled in [
        "<script>1</script>",
        "<img src=\"x\"/>",
        "<p onclick=\"x\">1</p>",
        "<a href=\"https://e.x\">1</a>",
        "<p>",
    ] {
        let page = render(&samples::all()[0].1).replace("<main>", &format!("<main>{spoiled}"));
        assert!(is_inert(&page).is_err(), "{spoiled}");
    }
}

/// What a submission wrote is on the page as text, to be read.
#[test]
fn hostile_text_is_shown_as_text() {
    let page = render(&samples::all()[4].1);
    let document = parse(&page).unwrap();
    let text: String = document
        .root_element()
        .descendants()
        .filter_map(|n| n.text())
        .collect();
    for words in [
        "<b>bold</b>",
        "</script><img src=x onerror=alert(1)>",
        "\\u{1b}]0;owned\\u{7}",
        "\\u{202e}",
        "</failure>",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

/// No verdict is told by a colour alone, and no line of a diff.
#[test]
fn colour_is_never_alone() {
    for (name, reports) in samples::all() {
        let page = render(&reports);
        let document = parse(&page).unwrap();
        let all = |tag: &'static str| document.descendants().filter(move |n| n.has_tag_name(tag));
        let text = |n: Node<'_, '_>| {
            n.descendants()
                .filter(Node::is_text)
                .filter_map(|d| d.text())
                .collect::<String>()
        };
        for (tag, sign) in [("ins", '+'), ("del", '-')] {
            assert!(
                all(tag).all(|n| text(n).starts_with(sign)),
                "{name}: <{tag}>"
            );
        }
        let signs = document
            .descendants()
            .filter(|n| n.attribute("class") == Some("sign"));
        let said: Vec<String> = signs.map(text).collect();
        let checks: usize = reports.iter().map(|r| r.checks.len()).sum();
        assert_eq!(said.len(), checks, "{name}");
        for verdict in said {
            let words = ["✓ passed", "✗ failed", "– skipped", "! could not look"];
            let verdict = verdict.replace('\u{a0}', " ");
            assert!(words.contains(&verdict.as_str()), "{name}: {verdict}");
        }
    }
}

/// Carets stand under the words at fault, wide characters and tabs before them or not.
#[test]
fn carets_stand_under_the_words() {
    let mut report = samples::all()[1].1[0].clone();
    report.checks.truncate(3);
    report.checks[2].related.clear();
    report.checks[2].place = Some(PlaceReport::Text {
        file: "Dockerfile".into(),
        line: 3,
        column: 6,
        end_line: 3,
        end_column: 8,
        snippet: vec!["RUN\t中<b>".into()],
    });
    let page = render(&[report]);
    assert!(
        page.contains(">3</span>RUN 中<mark>&lt;b</mark>&gt;\n"),
        "{page}"
    );
    assert!(
        page.contains("></span>      <span class=\"carets\" aria-hidden=\"true\">^^</span>\n"),
        "{page}"
    );
}

/// Headings go down one level at a time, whether there is one report or several.
#[test]
fn headings_make_an_outline() {
    for (name, reports) in samples::all() {
        let page = render(&reports);
        let document = parse(&page).unwrap();
        let mut before = 0;
        for node in document.descendants() {
            let Some(level) = node
                .tag_name()
                .name()
                .strip_prefix('h')
                .and_then(|l| l.parse::<u32>().ok())
            else {
                continue;
            };
            assert!(level <= before + 1, "{name}: h{level} after h{before}");
            before = level;
        }
        assert_eq!(page.matches("<h1>").count(), 1, "{name}");
        assert!(
            reports.iter().all(|r| r.count(Status::Failed) == 0)
                || page.contains("What does not hold")
        );
    }
}
