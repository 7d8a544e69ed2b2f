//! Any text at all in a report: no output may panic, be broken by it, or carry it to where it does harm.

use mslab_core::report::{self, Options, PlaceReport, Report};
use mslab_core::text::escape;
use proptest::prelude::*;
use pulldown_cmark::{Event, Options as Markdown, Parser, Tag};

use super::{page, platforms, samples};

/// Text with more than its share of what steers readers.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[a-z ]{0,12}",
        proptest::sample::select(vec![
            "`",
            "```",
            "|",
            "\\",
            "\\|",
            "\n",
            "\r\n",
            "\t",
            "@user",
            "#1",
            "<b>",
            "</details>",
            "<!--",
            "[x](y)",
            "![x](y)",
            "](",
            "*",
            "_",
            "~~",
            "$x$",
            "::error::",
            "##[x]",
            "https://e.x",
            "www.e.x",
            "a@e.x",
            "<https://e.x>",
            "&lt;",
            "\u{1b}[2J",
            "\u{202e}",
            "\u{0}",
            "\u{9b}",
            "]]>",
            "中",
            "👩‍💻",
            "\u{301}",
            "- ",
            "# ",
            "1. ",
            "> ",
            "---",
            "{0}",
            "%0A",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|parts| parts.concat())
}

fn place() -> impl Strategy<Value = PlaceReport> {
    let small = 0usize..40;
    let lines = proptest::collection::vec(text(), 0..9);
    let in_text = (
        text(),
        small.clone(),
        small.clone(),
        small.clone(),
        small,
        lines,
    )
        .prop_map(
            |(file, line, column, more, end_column, snippet)| PlaceReport::Text {
                file,
                line,
                column,
                end_line: line + more / 4,
                end_column,
                snippet,
            },
        );
    let in_image = (
        proptest::option::of(0usize..9),
        proptest::option::of(text()),
    )
        .prop_map(|(layer, path)| PlaceReport::Image { layer, path });
    prop_oneof![3 => in_text, 1 => in_image]
}

/// A sample with its words and places replaced.
fn report() -> impl Strategy<Value = Report> {
    let words = proptest::collection::vec(text(), 12);
    (words, place(), place()).prop_map(|(words, at, other)| {
        let mut report = samples::all()[1].1[0].clone();
        let word = |n: usize| words[n].clone();
        report.title = word(0);
        report.stand_ins = vec![word(1)];
        report.builds[0].target = Some(word(6));
        if let Some(engine) = &mut report.engine {
            engine.version = word(9);
        }
        report.checks.truncate(4);
        let check = &mut report.checks[2];
        check.key = word(2);
        check.title = word(3);
        check.summary = word(4);
        check.message = word(5);
        check.place = Some(at);
        check.related[0].place = other;
        check.related[0].note = word(6);
        check.expected = Some(word(7));
        check.actual = Some(word(8));
        check.why = word(9);
        check.help = Some(word(10));
        check.details = vec![word(11), word(5)];
        let fix = check.fix.as_mut().unwrap();
        fix.title = word(3);
        fix.diff = word(11);
        report
    })
}

fn markdown_events(text: &str) -> Vec<Event<'_>> {
    Parser::new_ext(text, Markdown::all()).collect()
}

/// Whether the Markdown holds nothing but what mslab itself writes.
fn only_ours(events: &[Event<'_>]) -> Result<(), String> {
    for event in events {
        let fine = match event {
            Event::Html(html) => {
                let html = html.trim();
                html == "<details><summary>details</summary>" || html == "</details>"
            }
            Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::TaskListMarker(_)
            | Event::Rule => false,
            Event::Start(tag) => !matches!(
                tag,
                Tag::Link { .. }
                    | Tag::Image { .. }
                    | Tag::FootnoteDefinition(_)
                    | Tag::BlockQuote(_)
            ),
            _ => true,
        };
        if !fine {
            return Err(format!("{event:?}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_output_bears_any_text(report in report(), width in 0usize..120, ascii in any::<bool>(), verbose in any::<bool>()) {
        let options = Options {
            width,
            ascii,
            verbose,
            next: Some(report.title.clone()),
            submission: Some(platforms::submission()),
            ..Options::default()
        };
        let reports = [report];
        for output in report::OUTPUTS {
            let text = (output.render)(&reports, &options);
            let steering = |c: char| c != '\n' && c != '\t' && c != '\u{2060}' && escape::is_hidden(c);
            prop_assert!(!text.chars().any(steering), "{}: {text:?}", output.name);
            let obeyed = output.name != "github" && escape::ci_log(&text) != text;
            prop_assert!(!obeyed, "{}: {text}", output.name);
            match output.name {
                "human" => {
                    prop_assert!(!ascii || text.is_ascii());
                }
                "json" => {
                    let back: Report = serde_json::from_str(&text).unwrap();
                    prop_assert_eq!(&back, &reports[0]);
                }
                "junit" => prop_assert!(roxmltree::Document::parse(&text).is_ok(), "{text}"),
                "sarif" => prop_assert!(serde_json::from_str::<serde_sarif::sarif::Sarif>(&text).is_ok()),
                "github" => {
                    let orders = text.lines().filter(|l| l.trim_start().starts_with("::")).count();
                    prop_assert_eq!(orders, 2, "{}", text);
                }
                "markdown" => {
                    let events = markdown_events(&text);
                    prop_assert!(only_ours(&events).is_ok(), "{:?}\n{text}", only_ours(&events));
                    let tables = events.iter().filter(|e| matches!(e, Event::Start(Tag::Table(_)))).count();
                    let rows = events.iter().filter(|e| matches!(e, Event::Start(Tag::TableRow))).count();
                    prop_assert_eq!((tables, rows), (1, 4), "{}", text);
                }
                "html" => prop_assert!(page::is_inert(&text).is_ok(), "{:?}\n{text}", page::is_inert(&text)),
                "gradescope" | "classroom50" | "prairielearn" => {
                    let document = serde_json::from_str(&text).unwrap();
                    let holds = platforms::holds(output.name, &reports, &document);
                    prop_assert!(holds.is_ok(), "{:?}\n{text}", holds);
                }
                other => prop_assert!(false, "no rule for the output {other}"),
            }
        }
    }

    /// A table's cell holds the words and nothing else: the neighbour on its right is still there.
    #[test]
    fn markdown_stays_in_its_cell(text in text()) {
        let table = format!("| a | b |\n|---|---|\n| {} | neighbour |\n", escape::markdown(&text));
        let events = markdown_events(&table);
        prop_assert!(only_ours(&events).is_ok(), "{:?}\n{table}", only_ours(&events));
        let neighbour = events.windows(3).any(|w| {
            matches!(&w[0], Event::Start(Tag::TableCell)) && matches!(&w[1], Event::Text(t) if &**t == "neighbour")
                && matches!(&w[2], Event::End(_))
        });
        prop_assert!(neighbour, "{table}");
    }
}
