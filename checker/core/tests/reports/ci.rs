//! What CI systems read: annotations and the job's summary on GitHub, and SARIF's messages.

use mslab_core::report::{self, CheckReport, Options, PlaceReport};
use mslab_core::text::escape;
use serde_json::Value;

use super::samples;

/// GitHub's runner obeys a line that begins with `::` and `##[` anywhere, whatever file it was meant for; only the
/// `github` output may use either.
#[test]
fn no_output_gives_orders_to_a_ci_system() {
    for (name, rendered) in super::cases()
        .iter()
        .filter(|(n, _)| !n.contains(".github."))
    {
        let harmless = escape::ci_log(rendered);
        for (line, harmless) in rendered.lines().zip(harmless.lines()) {
            assert_eq!(line, harmless, "{name}");
        }
    }
    let hostile = &samples::all()[4].1;
    let github = (report::output("github").unwrap().render)(hostile, &Options::default());
    for line in github.lines() {
        let ours = line.starts_with("::error file=")
            || line.starts_with("::error title=")
            || !line.trim_start().starts_with("::");
        assert!(ours, "{line}");
    }
}

/// Of many findings GitHub shows ten, so that the eleventh is announced.
#[test]
fn github_is_told_how_many_more_there_are() {
    let mut report = samples::all()[1].1[0].clone();
    let one = report.checks[2].clone();
    report.checks = (0..13)
        .map(|n| report::CheckReport {
            key: format!("k{n}"),
            ..one.clone()
        })
        .collect();
    let github = (report::output("github").unwrap().render)(&[report], &Options::default());
    assert_eq!(github.matches("::error ").count(), 10);
    assert!(
        github.contains("::notice title=mslab::3 more findings"),
        "{github}"
    );
}

/// GitHub shows a file without a line at no line at all. A finding in an image is shown where its cause is.
#[test]
fn every_annotation_with_a_file_has_a_line() {
    let mut reports = samples::all()[1].1.clone();
    reports[0].checks[2].place = Some(PlaceReport::Text {
        file: "Dockerfile".into(),
        line: 0,
        column: 0,
        end_line: 0,
        end_column: 0,
        snippet: Vec::new(),
    });
    let github = (report::output("github").unwrap().render)(&reports, &Options::default());
    let orders: Vec<&str> = github.lines().filter(|l| l.starts_with("::")).collect();
    assert_eq!(orders.len(), 4, "{github}");
    for order in &orders {
        assert!(
            order.starts_with("::error file=Dockerfile,line="),
            "{order}"
        );
        assert!(
            !order.contains("line=0") && !order.contains("col=0"),
            "{order}"
        );
    }
    assert!(orders[3].contains("line=7,"), "{}", orders[3]);
}

fn with_a_log(lines: usize) -> report::Report {
    let mut report = samples::all()[1].1[0].clone();
    report.checks[3].details = (0..lines).map(|n| format!("line {n} of a log")).collect();
    report
}

/// An annotation's message may have 64 KB.
#[test]
fn a_long_message_is_cut() {
    let github =
        (report::output("github").unwrap().render)(&[with_a_log(9_000)], &Options::default());
    let shown = |l: &str| l.replace("%0A", "\n").len();
    let longest = github.lines().map(shown).max().unwrap();
    assert!((50_000..64_000).contains(&longest), "{longest}");
    assert!(github.contains("bytes are left out here]"));
}

/// Of a step that writes more than a megabyte, GitHub shows no summary at all.
#[test]
fn a_summary_has_room_or_says_so() {
    let render =
        |lines, bytes| report::markdown_within(&[with_a_log(lines)], &Options::default(), bytes);
    let whole =
        (report::output("markdown").unwrap().render)(&[with_a_log(90)], &Options::default());
    assert_eq!(render(90, 1_000_000), whole);
    let brief = render(90_000, 1_000_000);
    assert!(
        brief.len() < 10_000 && brief.starts_with("The report is too long"),
        "{brief}"
    );
    assert!(brief.contains("893 MB"), "what was found is there");
    assert_eq!(
        render(90_000, 60),
        "The report is too long for this page.\n"
    );
}

/// Whatever a viewer does with a message of SARIF, it finds no link, no placeholder and no control character in it; the
/// text that a fix puts into a file is exact.
#[test]
fn messages_of_sarif_mean_nothing_but_themselves() {
    let mut report = samples::all()[4].1[0].clone();
    let text = "[a](https://e.x) {0} \u{1b}[31m\u{202e}";
    let error = CheckReport {
        key: "error".into(),
        status: report::Status::Error,
        message: text.into(),
        ..report.checks[1].clone()
    };
    report.checks.push(error);
    report.checks[0].related[0].note = text.into();
    let fix = report.checks[0].fix.as_mut().unwrap();
    fix.title = text.into();
    fix.edits[0].edit.text = text.into();
    let sarif = (report::output("sarif").unwrap().render)(&[report], &Options::default());
    let log: Value = serde_json::from_str(&sarif).unwrap();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let fix = &result["fixes"][0];
    let messages = [
        &result["message"],
        &result["relatedLocations"][0]["message"],
        &fix["description"],
        &run["invocations"][0]["toolExecutionNotifications"][0]["message"],
    ];
    for message in messages {
        let text = message["text"].as_str().unwrap();
        assert!(
            !text.chars().any(|c| c != '\n' && escape::is_hidden(c)),
            "{text:?}"
        );
        let mut escaped = false;
        for c in text.chars() {
            assert!(escaped || !matches!(c, '[' | ']'), "{text}");
            escaped = c == '\\' && !escaped;
        }
        assert!(!text.replace("{{", "").contains('{'), "{text}");
    }
    let path = &result["relatedLocations"][1]["logicalLocations"][0]["fullyQualifiedName"];
    assert_eq!(path, "/tmp/\\u{1b}[1mname\\nwith newline");
    let inserted = &fix["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"];
    assert_eq!(inserted, text);
}
