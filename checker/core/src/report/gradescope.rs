//! Gradescope: `results.json`, as an autograder leaves it in `/autograder/results`.
//!
//! Source: <https://gradescope-autograders.readthedocs.io/en/latest/specs/>, "Output format". A `score` at the top
//! overrides the sum of the tests, so that it is not written: each test carries its points, and Gradescope adds them. Only
//! a mark that counts in the place of that sum is such a `score`.
//! The format has no way to say "not graded". A file without any score is no valid result, and Gradescope then says that
//! the autograder failed, and lets the instructor run it again. So where there is no grade, there is no number here that
//! could be taken for one, and no list of tests whose sum would be zero.

use serde_json::{Value, json};

use super::{CheckReport, Options, Output, Report, Status, grade, json};
use crate::text::escape;

pub(super) const OUTPUT: Output = Output {
    name: "gradescope",
    extension: "json",
    about: "results.json for Gradescope",
    platform: true,
    render,
};

/// Bytes of the longest text: a page has to show all of them at once.
const TEXT: usize = 64_000;

fn render(reports: &[Report], options: &Options) -> String {
    let reports = super::counted(reports);
    let mut results = json!({
        "output": grade::summary(&reports, options, TEXT),
        // Every text is shown as it is: no HTML, no Markdown, no ANSI sequences.
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "execution_time": seconds(&reports),
    });
    if let Ok(grade) = grade::grade(&reports, options) {
        if reports
            .iter()
            .any(|r| options.marks.contains_key(&r.exercise))
        {
            results["score"] = json!(grade.score);
        }
        let tests = grade::tests(&reports);
        let test =
            |(report, check): &(&Report, &CheckReport)| test(&reports, report, check, options);
        results["tests"] = tests.iter().map(test).collect();
    }
    json::to_json(&results)
}

fn test(reports: &[&Report], report: &Report, check: &CheckReport, options: &Options) -> Value {
    // Without a status, a test of zero points would read as passed.
    let passed = check.status == Status::Passed;
    json!({
        "name": escape::line(&grade::name(reports, report, check)),
        "score": check.points,
        "max_score": check.max_points,
        "status": if passed { "passed" } else { "failed" },
        "output": grade::text(report, check, options, TEXT),
        "extra_data": {
            "exercise": escape::line(&report.exercise),
            "key": escape::line(&check.key),
            "id": escape::line(&check.id),
            "verdict": check.status,
        },
    })
}

fn seconds(reports: &[&Report]) -> f64 {
    let ms: u64 = reports.iter().map(|r| r.duration_ms).sum();
    ms as f64 / 1_000.0
}
