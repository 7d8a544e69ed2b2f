//! GitHub Actions: findings as annotations on the lines of a pull request.
//!
//! The job's summary is the `markdown` output, which the command line writes to the file that the runner names in
//! `GITHUB_STEP_SUMMARY`. Syntax: the workflow commands of GitHub's documentation.

use std::fmt::Write as _;

use super::{CheckReport, Options, Output, PlaceReport, Report, Status, words};
use crate::text::{cut, escape};

pub(super) const OUTPUT: Output = Output {
    name: "github",
    extension: "txt",
    about: "annotations for GitHub Actions",
    platform: false,
    render,
};

/// GitHub shows this many annotations of a kind for a step and drops the others without a word.
pub const SHOWN: usize = 10;

/// Bytes of an annotation's message; of 64 KB GitHub takes none.
const MESSAGE: usize = 60_000;

fn render(reports: &[Report], options: &Options) -> String {
    let mut out = String::new();
    let all = |status| {
        let checks = move |r: &'_ Report| r.checks.iter().any(|c| c.status == status);
        reports
            .iter()
            .filter(move |r| checks(r))
            .flat_map(move |r| {
                r.checks
                    .iter()
                    .filter(move |c| c.status == status)
                    .map(move |c| (r, c))
            })
    };
    let errors: Vec<_> = all(Status::Error).chain(all(Status::Failed)).collect();
    for (report, check) in errors.iter().take(SHOWN) {
        out.push_str(&annotation(&report.exercise, report, check, options));
    }
    out.push_str(&more(errors.len()));
    for report in reports {
        let mut line = format!("{}: {}", report.exercise, words::outcome(report));
        if let Some(score) = words::score(report) {
            let _ = write!(line, ", {score}");
        }
        let _ = write!(line, " ({})", words::tally(report));
        // A plain line of the log, on which nothing may be taken for a command.
        out.push_str(&escape::ci_log(&escape::line(&line)));
        out.push('\n');
        for notice in [words::partial(report), words::stand_ins(report)]
            .into_iter()
            .flatten()
        {
            out.push_str(&escape::ci_log(&escape::line(&notice)));
            out.push('\n');
        }
    }
    out
}

/// What is said of those of `found` annotations that GitHub would not show.
#[must_use]
pub fn more(found: usize) -> String {
    let more = found.saturating_sub(SHOWN);
    if more == 0 {
        return String::new();
    }
    format!(
        "::notice title=mslab::{} not shown here. The job summary has all.\n",
        escape::github_message(&crate::text::plural(more, "more finding"))
    )
}

/// A finding as an annotation, with a newline at its end. `name` says whose it is: the exercise, or in a class the
/// student too.
#[must_use]
pub fn annotation(name: &str, report: &Report, check: &CheckReport, options: &Options) -> String {
    let mut properties = Vec::new();
    let mut text = words::plain(report, check, options);
    if let Some(PlaceReport::Text {
        file,
        line,
        column,
        end_line,
        end_column,
        ..
    }) = words::text_place(check)
    {
        let file = options.path(report, file);
        // GitHub's own count begins at 1, and a file without a line is shown at none.
        let (line, column) = ((*line).max(1), (*column).max(1));
        let end_line = (*end_line).max(line);
        properties.push(format!("file={}", escape::github_property(&file)));
        properties.push(format!("line={line}"));
        // GitHub takes columns on one line only, and its end is the last character itself.
        if line == end_line {
            properties.push(format!("col={column}"));
            properties.push(format!("endLine={end_line}"));
            let last = end_column.saturating_sub(1).max(column);
            properties.push(format!("endColumn={last}"));
        } else {
            properties.push(format!("endLine={end_line}"));
        }
    }
    let mut title = format!("{name}: {} failed", check.key);
    if check.status == Status::Error {
        title = format!("{name}: {} could not be looked at", check.key);
        text.push_str("\nThis is not graded: the cause is not in the work.");
    }
    properties.push(format!("title={}", escape::github_property(&title)));
    format!(
        "::error {}::{}\n",
        properties.join(","),
        escape::github_message(&cut(escape::block(&text).trim_end(), MESSAGE))
    )
}
