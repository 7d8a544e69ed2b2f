//! Classroom 50: `result.json` in the format `classroom50/result/v1`, as an autograder leaves it in the checkout.
//!
//! Source: <https://github.com/foundation50/classroom50/wiki/Advanced-Autograding>, "The `result.json` contract", and
//! `schemas/result-v1.schema.json` of that repository. Scores are integers. The runner reads an autograder's exit code
//! other than 0 as a fault of the infrastructure, so that mslab's 1 (the work failed) must become 0, and its 3 must not.
//!
//! A score of 0 out of 0 means "no autograder is set up" there, and reads as a success. So where there is no grade, this
//! file has no score: the runner refuses it, and records an error, even where somebody forgot about the exit code.

use serde_json::{Map, Value, json};

use super::{CheckReport, Options, Output, PlaceReport, Report, Status, grade, json, words};
use crate::text::escape;

pub(super) const OUTPUT: Output = Output {
    name: "classroom50",
    extension: "json",
    about: "result.json for Classroom 50",
    platform: true,
    render,
};

const SCHEMA: &str = "classroom50/result/v1";
/// Bytes of the longest text.
const TEXT: usize = 64_000;

/// Whose work it is and where it lies: what Classroom 50's runner tells an autograder in its environment. The runner
/// writes `owner`, `assignment_type` and `datetime` anew over whatever they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Submission {
    /// The classroom's short name (`CLASSROOM`).
    pub classroom: String,
    /// The assignment's slug (`ASSIGNMENT`).
    pub assignment: String,
    /// `individual` or `group` (`ASSIGNMENT_TYPE`).
    pub assignment_type: String,
    /// The login of the repository's owner (`OWNER`).
    pub owner: String,
    /// The tag `submit/<UTC time>-<short commit>` (`SUBMISSION_TAG`).
    pub tag: String,
    /// Address of the commit (`COMMIT_URL`).
    pub commit: String,
    /// Address of the release (`RELEASE_URL`).
    pub release: String,
    /// Address of the difference to the starter (`REVIEW_URL`); the commit's, where it is empty.
    pub review: String,
}

impl Submission {
    /// When the work was handed in, as the tag says: `submit/2026-06-01T14-32-05Z-a1b2c3d` is `2026-06-01T14:32:05Z`.
    fn datetime(&self) -> Option<String> {
        let time = self.tag.strip_prefix("submit/")?.get(..20)?;
        let shape = |pattern: &str| {
            time.bytes().zip(pattern.bytes()).all(|(c, p)| match p {
                b'0' => c.is_ascii_digit(),
                p => c == p,
            })
        };
        let (date, clock) = time.split_at(10);
        shape("0000-00-00T00-00-00Z").then(|| format!("{date}{}", clock.replace('-', ":")))
    }

    fn fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let or = |a: &str, b: &str| {
            if a.is_empty() {
                b.to_owned()
            } else {
                a.to_owned()
            }
        };
        [
            ("classroom", self.classroom.clone()),
            ("assignment", self.assignment.clone()),
            ("assignment_type", or(&self.assignment_type, "individual")),
            ("owner", self.owner.clone()),
            ("submission", self.tag.clone()),
            ("commit", self.commit.clone()),
            ("release", self.release.clone()),
            ("review", or(&self.review, &self.commit)),
            ("datetime", self.datetime().unwrap_or_default()),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
    }
}

fn render(reports: &[Report], options: &Options) -> String {
    let reports = super::counted(reports);
    let mut result = Map::new();
    result.insert("schema".into(), json!(SCHEMA));
    for (field, value) in options.submission.iter().flat_map(Submission::fields) {
        result.insert(field.into(), json!(value));
    }
    match grade::grade(&reports, options) {
        Ok(grade) => {
            let test =
                |(report, check): &(&Report, &CheckReport)| test(&reports, report, check, options);
            let tests: Vec<Value> = grade::tests(&reports).iter().map(test).collect();
            // It refuses a score above the points that can be earned.
            let score = grade.score.min(grade.max_score);
            result.insert("score".into(), json!(score));
            result.insert("max-score".into(), json!(grade.max_score));
            result.insert("tests".into(), json!(tests));
        }
        Err(_) => {
            let why = grade::summary(&reports, options, TEXT);
            result.insert("not-graded".into(), json!(why));
        }
    }
    json::to_json(&result)
}

fn test(reports: &[&Report], report: &Report, check: &CheckReport, options: &Options) -> Value {
    json!({
        // The runner pastes it into a table in Markdown, and escapes no more than the pipe.
        "test-name": escape::without_markup(&grade::name(reports, report, check)),
        "passed": check.status == Status::Passed,
        "score": check.points,
        "max-score": check.max_points,
        // What follows is kept, and for people. GitHub Classroom's reporter, which some carry over, says "line
        // undefined" for a test without `line_no`.
        "line_no": line(check),
        "message": escape::line(&words::headline(check)),
        "output": grade::text(report, check, options, TEXT),
    })
}

/// The line that a finding speaks of; 0 where it speaks of none.
fn line(check: &CheckReport) -> usize {
    match words::text_place(check) {
        Some(PlaceReport::Text { line, .. }) => *line,
        _ => 0,
    }
}
