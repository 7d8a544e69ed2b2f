//! PrairieLearn: `results.json`, as an external grader leaves it in `/grade/results`.
//!
//! Source: <https://docs.prairielearn.com/externalGrading/>, "Grading results". `score` is a fraction from 0 to 1. Where
//! there is no grade, `gradable` is `false`: no points are given or lost, and the attempt does not count. The file may
//! have 1 MB, so that long texts are cut, with a line that says so.

use serde_json::{Value, json};

use super::{CheckReport, Options, Output, Report, grade, json, words};
use crate::text::{cut, escape};

pub(super) const OUTPUT: Output = Output {
    name: "prairielearn",
    extension: "json",
    about: "results.json for PrairieLearn",
    platform: true,
    render,
};

/// Bytes that the whole file may have.
const MOST: usize = 1_000_000;
/// Bytes of the longest text, and of the shortest that it is cut down to where there are many.
const TEXT: usize = 64_000;
const SHORTEST: usize = 250;

fn render(reports: &[Report], options: &Options) -> String {
    let reports = super::counted(reports);
    let grade = match grade::grade(&reports, options) {
        Ok(grade) => grade,
        Err(reason) => {
            return json::to_json(&json!({
                "gradable": false,
                "format_errors": [reason],
                "message": reason,
                "output": grade::summary(&reports, options, TEXT),
            }));
        }
    };
    let tests: Vec<Test<'_>> = grade::tests(&reports)
        .into_iter()
        .map(|(report, check)| Test::new(&reports, report, check, options))
        .collect();
    let mut results = json!({
        "gradable": true,
        // A mark above all points is all points here.
        "score": f64::from(grade.score.min(grade.max_score)) / f64::from(grade.max_score),
        "message": format!("{} / {} points", grade.score, grade.max_score),
        "output": grade::summary(&reports, options, TEXT),
    });
    let mut limit = TEXT;
    while limit >= SHORTEST {
        results["tests"] = tests.iter().map(|t| t.within(limit)).collect();
        let rendered = json::to_json(&results);
        if rendered.len() <= MOST {
            return rendered;
        }
        limit /= 2;
    }
    let many = crate::text::plural(tests.len(), "check");
    results["message"] = json!(format!(
        "{many} are left out here: they take more than 1 MB."
    ));
    results["tests"] = json!([]);
    json::to_json(&results)
}

/// A check with its texts as long as they are.
struct Test<'a> {
    check: &'a CheckReport,
    name: String,
    output: String,
}

impl<'a> Test<'a> {
    fn new(
        reports: &[&Report],
        report: &Report,
        check: &'a CheckReport,
        options: &Options,
    ) -> Self {
        Self {
            check,
            name: grade::name(reports, report, check),
            output: grade::text(report, check, options, usize::MAX),
        }
    }

    /// The same with texts of at most about `limit` bytes.
    fn within(&self, limit: usize) -> Value {
        let short = |text: &str| cut(&escape::line(text), limit).into_owned();
        json!({
            "name": short(&self.name),
            "description": short(&self.check.summary),
            "points": self.check.points,
            "max_points": self.check.max_points,
            "message": short(&words::headline(self.check)),
            "output": cut(&self.output, limit),
        })
    }
}
