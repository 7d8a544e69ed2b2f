//! What CI systems and grading platforms read of a class, held against their formats and against what goes wrong there.

use mslab_core::report::{self, Submission};
use mslab_core::text::escape;
use pulldown_cmark::{Event, Options as Markdown, Parser, Tag};
use serde_json::Value;

use super::tests::graded;
use super::{Class, GradeState, markdown_within};

/// GitHub takes 20 runs of a file and tells results apart by their fingerprints; a missing finding is taken for a
/// mended one unless the run says that it is not whole.
#[test]
fn sarif_is_one_run_that_says_what_it_could_not_see() {
    let text = graded().render("sarif");
    let log: Value = serde_json::from_str(&text).unwrap();
    // Types made from the standard's own schema: what they do not know would be lost on the way.
    let typed: serde_sarif::sarif::Sarif = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(typed).unwrap(), log);
    let [run] = &log["runs"].as_array().unwrap()[..] else {
        panic!("more than one run");
    };
    let results = run["results"].as_array().unwrap();
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(seen.insert(result["partialFingerprints"]["mslabKey/v1"].to_string()));
        let at = &result["locations"][0]["physicalLocation"];
        let uri = at["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("handed%20in/"), "{uri}");
        assert!(uri.ends_with("/exercise-5/Dockerfile"), "{uri}");
    }
    // Ben and Cem failed one check, the hostile one both.
    assert_eq!(results.len(), 4, "{results:#?}");
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let said = invocation["toolExecutionNotifications"].to_string();
    assert!(
        said.contains("dee exercise-5: not graded: the engine was gone"),
        "{said}"
    );
    assert!(said.contains("fay: not placed: it is empty"), "{said}");
    assert!(said.contains("eve exercise-5: refused"), "{said}");
    for rule in rules {
        assert!(rule["fullDescription"].is_object(), "{rule}");
    }
}

/// GitHub shows ten annotations, a file only with a line, and obeys every line that begins with `::`.
#[test]
fn github_is_told_first_who_needs_the_instructor() {
    let graded = graded();
    let text = graded.render("github");
    let orders: Vec<&str> = text
        .lines()
        .filter(|l| l.trim_start().starts_with("::"))
        .collect();
    assert!(
        orders[0].starts_with("::error title=dee exercise-5%3A not graded::"),
        "{text}"
    );
    assert!(
        orders[1].starts_with("::error title=fay%3A not placed::"),
        "{text}"
    );
    assert!(
        orders[2].starts_with("::error title=eve exercise-5%3A refused::"),
        "{text}"
    );
    assert_eq!(orders.len(), 6, "{text}");
    for order in &orders[3..] {
        assert!(order.starts_with("::error file=handed in/"), "{order}");
        assert!(order.contains(",line="), "{order}");
    }
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let harmless = escape::ci_log(text.lines().last().unwrap());
    assert_eq!(
        harmless,
        "exercise-5: 1 passed, 3 failed, 1 refused, 1 not graded, 2 missing"
    );

    let mut large: Class = graded.class.clone();
    let dee = large
        .students
        .iter()
        .find(|s| s.id == "dee")
        .unwrap()
        .clone();
    large.students.extend(std::iter::repeat_n(dee, 20));
    let shown = super::Shown::new(&large, &graded.book).unwrap();
    let mut out = Vec::new();
    (super::output("github").unwrap().write)(&mut out, &shown).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("::error ").count(), 10, "{text}");
    assert!(
        text.contains("::notice title=mslab::16 more findings"),
        "{text}"
    );
}

fn events(text: &str) -> Vec<Event<'_>> {
    Parser::new_ext(
        text,
        Markdown::ENABLE_TABLES | Markdown::ENABLE_STRIKETHROUGH,
    )
    .collect()
}

#[test]
fn markdown_is_whole_whatever_a_name_holds() {
    let graded = graded();
    let text = graded.render("markdown");
    let events = events(&text);
    for event in &events {
        let foreign = matches!(
            event,
            Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_))
        );
        assert!(!foreign, "{event:?}");
    }
    let rows = events
        .iter()
        .filter(|e| matches!(e, Event::Start(Tag::TableRow)))
        .count();
    let class = &graded.class;
    assert_eq!(
        rows,
        class.students.len() + class.exercises[0].checks.len(),
        "{text}"
    );
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let head = "| check | failed | not reached | of |\n|---|---:|---:|---:|\n";
    assert!(text.contains(head), "{text}");
}

/// Of a step that writes more than a megabyte, GitHub shows no summary at all.
#[test]
fn a_summary_has_room_or_says_so() {
    let mut class = graded().class;
    let some = class.students.clone();
    class
        .students
        .extend(std::iter::repeat_n(some, 500).flatten());
    let whole = markdown_within(&class, usize::MAX);
    let brief = markdown_within(&class, 10_000);
    assert!(whole.len() > 100_000 && brief.len() <= 10_000);
    assert!(brief.contains("more students not shown: the page takes no more."));
    let shown = events(&brief)
        .iter()
        .filter(|e| matches!(e, Event::Start(Tag::TableRow)))
        .count();
    let (_, said) = brief.trim_end().rsplit_once('\n').unwrap();
    let left: usize = said.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(
        shown - class.exercises[0].checks.len() + left,
        class.students.len()
    );
    assert_eq!(
        markdown_within(&class, 60),
        "The class is too large for this page.\n"
    );
}

const PLATFORMS: [(&str, &str); 3] = [
    (
        "gradescope",
        include_str!("../../../core/tests/reports/schemas/gradescope.json"),
    ),
    (
        "classroom50",
        include_str!("../../../core/tests/reports/schemas/classroom50.json"),
    ),
    (
        "prairielearn",
        include_str!("../../../core/tests/reports/schemas/prairielearn.json"),
    ),
];

/// A student's result for a platform, if there is one, with what the platform's schema says against it.
fn result(platform: &str, id: &str) -> Option<(Value, Vec<String>)> {
    let graded = graded();
    let student = graded.class.students.iter().find(|s| s.id == id).unwrap();
    let mut work = graded.shown().whole(student).unwrap();
    work.options.submission = Some(Submission {
        classroom: "docker".into(),
        assignment: "go".into(),
        owner: student.id.clone(),
        tag: "submit/2026-06-01T14-32-05Z-a1b2c3d".into(),
        commit: "https://example.org/commit".into(),
        release: "https://example.org/release".into(),
        ..Submission::default()
    });
    if work.reports.is_empty() {
        return None;
    }
    let text = (report::output(platform).unwrap().render)(&work.reports, &work.options);
    let document: Value = serde_json::from_str(&text).unwrap();
    let (_, schema) = PLATFORMS
        .iter()
        .find(|(name, _)| *name == platform)
        .unwrap();
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults = validator
        .iter_errors(&document)
        .map(|e| e.to_string())
        .collect();
    Some((document, faults))
}

/// The mark counts, penalty and instructor's word included, and not the sum of the checks.
#[test]
fn every_platform_gets_the_mark_that_counts() {
    for (id, mark, max) in [
        ("ann", 100, 100),
        ("ben", 32, 100),
        ("eve", 0, 100),
        ("guy", 12, 100),
    ] {
        let of = |platform| {
            let (document, faults) = result(platform, id).unwrap();
            assert_eq!(faults, Vec::<String>::new(), "{platform}: {document:#}");
            document
        };
        let gradescope = of("gradescope");
        let sum: i64 = gradescope["tests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["score"].as_i64().unwrap())
            .sum();
        // A score at the top overrides the sum: it is there only where it says something else.
        assert_eq!(
            gradescope["score"].as_i64().unwrap_or(sum),
            mark,
            "{gradescope:#}"
        );
        assert_eq!(
            gradescope.get("score").is_some(),
            sum != mark,
            "{gradescope:#}"
        );
        let classroom = of("classroom50");
        assert_eq!(
            (&classroom["score"], &classroom["max-score"]),
            (&mark.into(), &max.into())
        );
        assert_eq!(classroom["owner"], id);
        assert_eq!(
            of("prairielearn")["score"].as_f64(),
            Some(mark as f64 / max as f64)
        );
    }
    let (gradescope, _) = result("gradescope", "ben").unwrap();
    let said = gradescope["output"].as_str().unwrap();
    assert!(
        said.contains("32 / 100 points count: 1 day 1 h late: 20 % taken away"),
        "{said}"
    );
}

/// Who handed in nothing has failed no check, and there is nothing to explain.
#[test]
fn a_mark_without_work_is_the_instructors_alone() {
    let (gradescope, _) = result("gradescope", "guy").unwrap();
    assert_eq!(gradescope["tests"], serde_json::json!([]));
    assert_eq!(
        gradescope["output"],
        "exercise-5: nothing was handed in\n12 / 100 points count: the instructor's mark: by hand"
    );
    let graded = graded();
    let student = graded.class.students.iter().find(|s| s.id == "guy");
    let work = graded.shown().whole(student.unwrap()).unwrap();
    let page = (report::output("html").unwrap().render)(&work.reports, &work.options);
    assert!(page.contains("nothing was handed in"), "{page}");
    assert!(page.contains("the instructor's mark: by hand"), "{page}");
    for wrong in ["failed", "0 / 100", "mslab explain", "<table"] {
        let body = page.rsplit("</style>").next().unwrap();
        assert!(!body.contains(wrong), "{wrong}: {body}");
    }
    // Nor has what was refused a check of that name.
    let (refused, _) = result("gradescope", "eve").unwrap();
    let text = refused["tests"][0]["output"].as_str().unwrap();
    assert!(!text.contains("mslab explain"), "{text}");
}

/// Classroom 50 refuses a score above the points that can be earned, PrairieLearn one above 1.
#[test]
fn a_mark_above_all_points_stays_within_what_a_platform_takes() {
    let of = |platform| result(platform, "cem").unwrap();
    let (classroom, faults) = of("classroom50");
    assert_eq!((&classroom["score"], faults.len()), (&100.into(), 0));
    let (prairielearn, faults) = of("prairielearn");
    assert_eq!((&prairielearn["score"], faults.len()), (&1.0.into(), 0));
    assert_eq!(of("gradescope").0["score"], 777);
}

#[test]
fn what_could_not_be_graded_is_a_number_nowhere() {
    let class = graded().class;
    let dee = class.students.iter().find(|s| s.id == "dee").unwrap();
    assert_eq!(dee.grades[0].state, GradeState::NotGraded);
    for (platform, _) in PLATFORMS {
        let (document, faults) = result(platform, "dee").unwrap();
        for number in ["score", "max-score", "tests"] {
            assert!(document.get(number).is_none(), "{platform}: {document:#}");
        }
        // PrairieLearn has a word for it; the others are to refuse the file.
        assert_eq!(
            faults.is_empty(),
            platform == "prairielearn",
            "{document:#}"
        );
        assert!(
            document.to_string().contains("the engine was gone"),
            "{document:#}"
        );
        assert!(
            result(platform, "fay").is_none(),
            "nobody can say for which exercise it is"
        );
    }
    assert_eq!(result("prairielearn", "dee").unwrap().0["gradable"], false);
}
