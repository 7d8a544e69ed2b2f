//! What CI systems read: annotations and the job's summary on GitHub, and SARIF's messages.

use mslab_core::report::{self, CheckReport, Options};
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
