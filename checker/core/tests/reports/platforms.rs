//! The outputs for grading platforms, held against their published formats and against what is known to go wrong there.
//!
//! The schemas in `schemas/` are written from each platform's documentation, which they name.

use mslab_core::report::{
    self, CheckReport, Options, Outcome, PlaceReport, Report, Status, Submission,
};
use mslab_core::text::escape;
use pulldown_cmark::{Event, Options as Markdown, Parser, Tag};
use serde_json::Value;

use super::samples;

const PLATFORMS: [(&str, &str); 3] = [
    ("gradescope", include_str!("schemas/gradescope.json")),
    ("classroom50", include_str!("schemas/classroom50.json")),
    ("prairielearn", include_str!("schemas/prairielearn.json")),
];

pub(crate) fn submission() -> Submission {
    Submission {
        classroom: "docker-101".into(),
        assignment: "go-scratch".into(),
        assignment_type: "individual".into(),
        owner: "ada".into(),
        tag: "submit/2026-06-01T14-32-05Z-a1b2c3d".into(),
        commit: "https://example.org/ada/commit/a1b2c3d".into(),
        release: "https://example.org/ada/releases/tag/1".into(),
        review: String::new(),
    }
}

fn render(platform: &str, reports: &[Report]) -> Value {
    let options = Options {
        submission: Some(submission()),
        ..Options::default()
    };
    let text = (report::output(platform).unwrap().render)(reports, &options);
    serde_json::from_str(&text).unwrap()
}

/// Why a document is not what a platform takes.
pub(crate) fn faults(platform: &str, document: &Value) -> Vec<String> {
    let (_, schema) = PLATFORMS
        .iter()
        .find(|(name, _)| *name == platform)
        .unwrap();
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors = validator.iter_errors(document);
    errors
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}

/// Whether these reports make a grade: nothing went wrong, and there are points.
pub(crate) fn gradable(reports: &[Report]) -> bool {
    let counted = report::counted(reports);
    counted.iter().all(|r| r.outcome != Outcome::Error)
        && counted.iter().map(|r| r.max_score).sum::<u32>() > 0
}

/// Calls `f` for every text in a document, and for every key.
fn texts(value: &Value, f: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => f(text),
        Value::Array(all) => all.iter().for_each(|v| texts(v, f)),
        Value::Object(fields) => fields.iter().for_each(|(key, v)| {
            f(key);
            texts(v, f);
        }),
        _ => {}
    }
}

fn keys(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    texts(value, &mut |text| all.push(text.to_owned()));
    all
}

/// What is asked of these outputs for any reports at all.
pub(crate) fn holds(platform: &str, reports: &[Report], document: &Value) -> Result<(), String> {
    let faults = faults(platform, document);
    let numbers = ["score", "max-score", "max_score", "points", "tests"];
    if gradable(reports) {
        if !faults.is_empty() {
            return Err(format!("{faults:?}"));
        }
    } else {
        // A platform takes what it is given for a verdict: where there is none, there may be no number at all.
        let holds = keys(document);
        if let Some(number) = numbers.iter().find(|n| holds.iter().any(|k| k == *n)) {
            return Err(format!("not graded, and yet there is `{number}`"));
        }
    }
    let mut hidden = None;
    texts(document, &mut |text| {
        let steering = |c: char| c != '\n' && c != '\t' && escape::is_hidden(c);
        hidden = hidden.or(text.chars().find(|c| steering(*c)));
    });
    // Once decoded, a control character is one again: PrairieLearn turns ANSI sequences into HTML.
    hidden.map_or(Ok(()), |c| Err(format!("a text holds {c:?}")))
}

fn array<'a>(document: &'a Value, field: &str) -> &'a Vec<Value> {
    document[field].as_array().unwrap()
}

#[test]
fn documents_are_as_the_platforms_say() {
    for (sample, reports) in samples::all() {
        for (platform, _) in PLATFORMS {
            let document = render(platform, &reports);
            holds(platform, &reports, &document)
                .unwrap_or_else(|e| panic!("{sample}, {platform}: {e}\n{document:#}"));
        }
    }
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    let reports = &samples::all()[1].1;
    for (platform, field, wrong) in [
        ("gradescope", "visibility", Value::from("secret")),
        ("gradescope", "tests", Value::from(Vec::<Value>::new())),
        ("classroom50", "score", Value::from(45.5)),
        ("classroom50", "stdout", Value::from("text")),
        ("classroom50", "datetime", Value::from("yesterday")),
        ("prairielearn", "score", Value::from(45)),
    ] {
        let mut document = render(platform, reports);
        assert_eq!(faults(platform, &document), Vec::<String>::new());
        document[field] = wrong;
        assert!(
            !faults(platform, &document).is_empty(),
            "{platform}: {field}"
        );
    }
}

/// A score at the top of Gradescope's file overrides the sum of the tests, so that the tests alone must say it.
#[test]
fn gradescope_adds_the_points_up_by_itself() {
    for (sample, reports) in samples::all() {
        let document = render("gradescope", &reports);
        assert!(document.get("score").is_none(), "{sample}");
        if gradable(&reports) {
            let sum = |field: &str| -> u64 {
                let tests = array(&document, "tests").iter();
                tests.map(|t| t[field].as_u64().unwrap()).sum()
            };
            let score: u32 = reports.iter().map(|r| r.score).sum();
            let max: u32 = reports.iter().map(|r| r.max_score).sum();
            assert_eq!(
                (sum("score"), sum("max_score")),
                (score.into(), max.into()),
                "{sample}"
            );
        }
    }
}

#[test]
fn what_could_not_be_looked_at_is_never_a_zero() {
    let all = samples::all();
    for sample in ["error", "several", "nothing"] {
        let (_, reports) = all.iter().find(|(name, _)| *name == sample).unwrap();
        let gradescope = render("gradescope", reports);
        assert!(
            gradescope["output"]
                .as_str()
                .unwrap()
                .starts_with("Not graded")
        );
        let prairielearn = render("prairielearn", reports);
        assert_eq!(prairielearn["gradable"], false, "{sample}");
        assert!(
            prairielearn["format_errors"][0]
                .as_str()
                .unwrap()
                .starts_with("Not graded")
        );
        // 0 of 0 is what Classroom 50 shows for "no autograder is set up": it must refuse this one instead.
        let classroom = render("classroom50", reports);
        assert!(!faults("classroom50", &classroom).is_empty(), "{sample}");
        assert!(
            classroom["not-graded"]
                .as_str()
                .unwrap()
                .starts_with("Not graded")
        );
    }
}

/// One error among many exercises keeps all of them from being graded: the sum would be a number without it.
#[test]
fn one_error_keeps_the_whole_from_being_graded() {
    let all = samples::all();
    let (passed, error) = (&all[0].1[0], &all[3].1[0]);
    assert!(gradable(std::slice::from_ref(passed)));
    let both = [passed.clone(), error.clone()];
    for (platform, _) in PLATFORMS {
        holds(platform, &both, &render(platform, &both)).unwrap();
    }
    assert_eq!(render("prairielearn", &both)["gradable"], false);
}

/// With `--static`, an exercise that the text alone does not decide says nothing, as it does in the exit code.
#[test]
fn an_exercise_that_was_left_out_is_no_error() {
    let all = samples::all();
    let mut unseen = all[2].1[0].clone();
    unseen.checks.retain(|c| c.status == Status::Skipped);
    unseen.outcome = Outcome::Error;
    (unseen.score, unseen.max_score) = (0, 0);
    let reports = [all[0].1[0].clone(), unseen];
    assert_eq!(report::counted(&reports).len(), 1);
    assert_eq!(render("prairielearn", &reports)["score"], 1.0);
}

/// A test of zero points reads as passed on one platform and as failed on the next.
#[test]
fn what_was_left_out_is_no_test_and_is_named() {
    let (_, reports) = &samples::all()[2];
    for (platform, _) in PLATFORMS {
        assert_eq!(
            array(&render(platform, reports), "tests").len(),
            2,
            "{platform}"
        );
    }
    for platform in ["gradescope", "prairielearn"] {
        let document = render(platform, reports);
        let output = document["output"].as_str().unwrap();
        assert!(
            output.contains("small: skipped: `--static` reads no image"),
            "{output}"
        );
        assert!(output.contains("Partial:"), "{output}");
    }
}

#[test]
fn prairielearn_gets_a_fraction() {
    let all = samples::all();
    let score = |n: usize| render("prairielearn", &all[n].1)["score"].as_f64().unwrap();
    assert_eq!(score(0), 1.0);
    assert_eq!(score(1), 0.25);
}

fn with_logs(checks: usize, lines: usize) -> Vec<Report> {
    let mut report = samples::all()[1].1[0].clone();
    let one = report.checks[3].clone();
    let log: Vec<String> = (0..lines)
        .map(|n| format!("line {n} of \u{1b}[31m a long log"))
        .collect();
    let many = (0..checks).map(|n| CheckReport {
        key: format!("k{n}"),
        details: log.clone(),
        ..one.clone()
    });
    report.checks = many.collect();
    vec![report]
}

#[test]
fn prairielearn_gets_one_megabyte_at_most() {
    let render = |reports: &[Report]| {
        (report::output("prairielearn").unwrap().render)(reports, &Options::default())
    };
    for (checks, lines) in [(1, 60_000), (40, 4_000)] {
        let reports = with_logs(checks, lines);
        let text = render(&reports);
        assert!(
            text.len() <= 1_000_000,
            "{checks} checks make {} bytes",
            text.len()
        );
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(array(&document, "tests").len(), checks);
        let output = document["tests"][0]["output"].as_str().unwrap();
        assert!(output.contains("bytes are left out here]"), "{output}");
        assert!(
            output.contains(&format!("line {} of", lines - 1)),
            "the end is what tells most"
        );
        assert_eq!(faults("prairielearn", &document), Vec::<String>::new());
    }
    let text = render(&with_logs(3_000, 20));
    assert!(text.len() <= 1_000_000, "{} bytes", text.len());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(
        document["message"]
            .as_str()
            .unwrap()
            .starts_with("3000 checks are left out")
    );
    assert_eq!(document["score"], 0.25);
}

#[test]
fn classroom50_wants_integers_and_knows_whose_work_it_is() {
    let document = render("classroom50", &samples::all()[1].1);
    assert_eq!(document["score"], 25);
    assert_eq!(document["datetime"], "2026-06-01T14:32:05Z");
    assert_eq!(document["review"], document["commit"]);
    let sum: u64 = array(&document, "tests")
        .iter()
        .map(|t| t["score"].as_u64().unwrap())
        .sum();
    assert_eq!(document["score"].as_u64(), Some(sum));
    for tag in ["", "submit/", "submit/2026-06-01T14-32-05Ä", "v1.0"] {
        let options = Options {
            submission: Some(Submission {
                tag: tag.into(),
                ..submission()
            }),
            ..Options::default()
        };
        let text = (report::output("classroom50").unwrap().render)(&samples::all()[1].1, &options);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(document.get("datetime").is_none(), "{document}");
    }
}

/// Its runner pastes names into a table in Markdown, and escapes the pipe only.
#[test]
fn classroom50_gets_names_that_mean_nothing_to_markdown() {
    let document = render("classroom50", &samples::all()[4].1);
    let mut rows = String::new();
    for test in array(&document, "tests") {
        let name = test["test-name"].as_str().unwrap().replace('|', "\\|");
        rows.push_str(&format!("| {name} | FAIL |\n"));
    }
    let table = format!("| Test | Result |\n|---|---|\n{rows}");
    let mut cells = 0;
    for event in Parser::new_ext(&table, Markdown::all()) {
        let plain = matches!(
            event,
            Event::Text(_)
                | Event::End(_)
                | Event::Start(Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell)
        );
        assert!(plain, "{event:?}\n{table}");
        cells += usize::from(matches!(event, Event::Start(Tag::TableCell)));
    }
    assert_eq!(cells, 2 + 2 * 2, "{table}");
}

/// GitHub Classroom's reporter says "line undefined" for a test without `line_no`.
#[test]
fn every_test_of_classroom50_has_a_line() {
    let reports = &samples::all()[1].1;
    let document = render("classroom50", reports);
    let lines: Vec<u64> = array(&document, "tests")
        .iter()
        .map(|t| t["line_no"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [0, 0, 7, 9, 17, 7, 0]);
    let CheckReport { place, .. } = &reports[0].checks[5];
    assert!(
        matches!(place, Some(PlaceReport::Image { .. })),
        "the related line is taken there"
    );
}
