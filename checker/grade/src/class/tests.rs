//! A class with everything in it that can be, and what the outputs make of it.

use super::*;
use crate::gradebook::{Basis, Finish, Gradebook, Row, Waiting};
use crate::intake::What;
use crate::roster::{Member, Roster};
use crate::run::recorded::text_report;
use crate::submission::Submission;
use crate::submission::tests::{file, lab};

pub(super) const HOSTILE: &str =
    "=cmd|'/c calc'!A1<script>alert(1)</script>\u{1b}[31m\u{202e}\n::set-output name=x::y";

/// A class with its gradebook, whose file is gone once the folder is.
pub(super) struct Graded {
    pub(super) class: Class,
    pub(super) book: Gradebook,
    _dir: tempfile::TempDir,
}

impl Graded {
    pub(super) fn shown(&self) -> Shown<'_> {
        Shown::new(&self.class, &self.book).unwrap()
    }

    pub(super) fn render(&self, name: &str) -> String {
        let mut out = Vec::new();
        (output(name).unwrap().write)(&mut out, &self.shown()).unwrap();
        String::from_utf8(out).unwrap()
    }
}

fn class() -> Class {
    graded().class
}

pub(super) fn graded() -> Graded {
    let dir = tempfile::tempdir().unwrap();
    let trusted = lab("05-go-scratch");
    let work = |student: &str, text: &str, note: &str| Row {
        student: student.to_owned(),
        lab: Some(&trusted),
        what: What::Submission(Submission {
            student: student.to_owned(),
            place: format!("{student}/exercise-5"),
            files: [("Dockerfile".to_owned(), file(text))].into(),
            notes: vec![note.to_owned()],
        }),
    };
    let other = |student: &str, lab, what| Row {
        student: student.to_owned(),
        lab,
        what,
    };
    let rows = [
        work("ann", "FROM a:1\nCMD [\"x\"]\n", "fine"),
        work("ben", "FROM a\nCMD [\"x\"]\n", "late"),
        work("cem", "FROM a\nCMD [\"x\"]\n", "the same as ben's"),
        work("dee", "FROM a:2\n", "outage"),
        work(HOSTILE, "FROM b\nCMD x\n", HOSTILE),
        other("eve", Some(&trusted), What::Refused(HOSTILE.to_owned())),
        other("fay", None, What::Unplaced("it is empty".into())),
    ];
    let basis = Basis {
        mslab: "1".into(),
        rules: String::new(),
    };
    let mut book = Gradebook::open(&dir.path().join("g.db")).unwrap();
    book.know(std::slice::from_ref(&trusted)).unwrap();
    book.receive(&rows, &basis, &|_| String::new()).unwrap();
    let labs = [trusted.digest.clone()].into();
    for Waiting { id, .. } in book.waiting(&labs, &basis).unwrap() {
        let job = book.step(&[], &[id]).unwrap().remove(0);
        let finish = if job.students[0] == "dee" {
            Finish::Environment("the engine was gone".into())
        } else {
            Finish::Judged(Box::new(text_report(&trusted, &job)))
        };
        book.step(&[(id, finish)], &[]).unwrap();
    }
    let due = Some(1_796_000_000);
    let member = |name: &str, late: i64| Member {
        name: Some(name.to_owned()),
        due,
        submitted: due.map(|d| d + late),
    };
    let roster: Roster = [
        ("ann".to_owned(), member("Ann", -5)),
        ("ben".to_owned(), member("Ben, the 2nd", 90_000)),
        ("cem".to_owned(), member("Cem", 90_000)),
        ("guy".to_owned(), Member::default()),
    ]
    .into();
    book.enrol(&roster).unwrap();
    book.override_mark("cem", "exercise-5", 777, HOSTILE)
        .unwrap();
    book.override_mark("guy", "exercise-5", 12, "by hand")
        .unwrap();
    book.set(SUBMISSIONS, "handed in").unwrap();
    let class = collect(&book, Some("10%/day".parse().unwrap())).unwrap();
    Graded {
        class,
        book,
        _dir: dir,
    }
}

#[test]
fn every_student_has_a_grade_or_a_reason() {
    let class = class();
    let exercise = &class.exercises[0];
    let expected = Counts {
        passed: 1,
        failed: 3,
        refused: 1,
        not_graded: 1,
        unplaced: 0,
        waiting: 0,
        missing: 2,
    };
    assert_eq!(exercise.counts, expected);
    assert_eq!(class.counts().unplaced, 1);
    let of = |id: &str| class.students.iter().find(|s| s.id == id).unwrap();
    assert_eq!(of("ann").grades[0].mark, Some(100));
    assert_eq!(of("ann").grades[0].late, None);
    // Two begun days late: 20 % of 40 points.
    let ben = &of("ben").grades[0];
    assert_eq!((ben.score, ben.mark), (Some(40), Some(32)));
    assert_eq!(ben.work, of("cem").grades[0].work);
    let cem = &of("cem").grades[0];
    assert_eq!((cem.score, cem.mark), (Some(40), Some(777)));
    // As late as Ben, but nothing is taken from an instructor's mark.
    assert_eq!(cem.late.map(|l| l.percent), Some(0));
    let said = of("cem").remarks();
    assert_eq!(said[0], "1 day 1 h late");
    assert!(said[1].starts_with("instructor's mark, in the place of 40: "));
    let dee = &of("dee").grades[0];
    assert_eq!((dee.score, dee.mark), (None, None));
    assert_eq!(dee.reason.as_deref(), Some("the engine was gone"));
    assert_eq!(of("eve").grades[0].mark, Some(0));
    assert_eq!(of("fay").unplaced.as_deref(), Some("it is empty"));
    assert_eq!(of("guy").grades[0].state, GradeState::Missing);
    assert_eq!(exercise.distribution, [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1]);
    let pinned = &exercise.checks[0];
    assert_eq!((pinned.passed, pinned.failed), (1, 3));
}

#[test]
fn of_a_dockerfile_that_does_not_parse_the_reason_says_so() {
    let toml = r#"
        schema = 1
        title = "A lab"
        lesson = "node"
        [files]
        learner = ["Dockerfile"]
        [[build]]
        key = "prod"
        [[check]]
        id = "builds"
        points = 60
        [[check]]
        id = "base-pinned"
        points = 40
        [starter]
        fails = ["base-pinned"]
    "#;
    let files = [
        ("lab.toml", toml),
        ("README.md", "# A lab\n"),
        ("starter/Dockerfile", "FROM node\n"),
        ("solution/Dockerfile", "FROM node:24\n"),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), file(text)));
    let lab = mslab_core::lab::Lab::read("05-go-scratch", files.into_iter().collect());
    let trusted = crate::submission::Trusted::new(lab.unwrap()).unwrap();
    let reason = |text: &str| {
        let job = crate::gradebook::Job {
            id: 1,
            lab: trusted.digest.clone(),
            files: [("Dockerfile".to_owned(), file(text))].into(),
            canary: String::new(),
            key: String::new(),
            students: Vec::new(),
        };
        collect::no_points(&text_report(&trusted, &job))
    };
    let said = reason("FROM node:24\nRUNN x\n").unwrap();
    assert!(said.starts_with("Dockerfile does not parse: "), "{said}");
    assert!(said.contains("RUNN"), "{said}");
    assert_eq!(reason("FROM node:24\n"), None);
}

#[test]
fn lateness_is_told_to_the_minute() {
    for (seconds, words) in [
        (1, "1 min late"),
        (3_660, "1 h 1 min late"),
        (7_200, "2 h late"),
        (2 * 86_400 + 61, "2 days 2 min late"),
    ] {
        assert_eq!(
            Late {
                seconds,
                percent: 0
            }
            .words(),
            words
        );
    }
    let late = Late {
        seconds: 86_400,
        percent: 10,
    };
    assert_eq!(late.words(), "1 day late: 10 % taken away");
}

#[test]
fn json_is_as_the_schema_says() {
    let graded = graded();
    let class = &graded.class;
    let text = graded.render("json");
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema().to_value()).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(&serde_json::from_value::<Class>(value).unwrap(), class);
}

#[test]
fn csv_has_a_line_for_each_and_no_formula() {
    let graded = graded();
    let class = &graded.class;
    for (name, width) in [("csv", 13), ("marks", 4)] {
        let text = graded.render(name);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert!(records.len() >= class.students.len());
        for record in &records {
            assert_eq!(record.len(), width);
            for cell in record {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{cell:?}");
                assert!(!cell.contains(['\u{1b}', '\n', '\r']), "{cell:?}");
            }
        }
    }
    let all = graded.render("marks");
    assert!(all.contains("\r\ndee,,,\r\n"), "{all}");
    assert!(all.contains("\"Ben, the 2nd\",32,32"), "{all}");
}

#[test]
fn junit_keeps_outages_apart_from_failures() {
    let xml = graded().render("junit");
    assert!(!xml.contains(['\u{1b}', '\u{202e}']));
    let document = roxmltree::Document::parse(&xml).unwrap();
    let count = |name: &str| {
        document
            .descendants()
            .filter(|n| n.has_tag_name(name))
            .count()
    };
    let root = document.root_element();
    for (attribute, element) in [
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
    ] {
        let counted = count(element).to_string();
        assert_eq!(root.attribute(attribute), Some(counted.as_str()));
    }
    // The outage and what could not be placed; the two who are missing are skipped.
    assert_eq!((count("error"), count("script")), (2, 0));
    let outage = document
        .descendants()
        .find(|n| n.has_tag_name("error"))
        .unwrap();
    assert_eq!(outage.attribute("message"), Some("the engine was gone"));
}

#[test]
fn the_page_is_whole_whatever_a_name_holds() {
    let graded = graded();
    let mut shown = graded.shown();
    shown.pages = [("ann".to_owned(), "students/a n.html".to_owned())].into();
    let mut html = Vec::new();
    (output("html").unwrap().write)(&mut html, &shown).unwrap();
    let html = String::from_utf8(html).unwrap();
    let body = html.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let document = roxmltree::Document::parse(body).unwrap();
    let elements: Vec<&str> = document
        .descendants()
        .filter(roxmltree::Node::is_element)
        .map(|n| n.tag_name().name())
        .collect();
    assert!(!elements.contains(&"script"));
    assert!(html.contains("&lt;script&gt;"));
    assert!(
        html.contains("1 day 1 h late;<br/>instructor's mark"),
        "{html}"
    );
    assert!(!html.contains(['\u{1b}', '\u{202e}']));
    assert!(html.contains("href=\"students/a%20n.html\""));
    assert!(!html.contains("http://") && !html.contains("https://"));
    // What is said by colour is said by a sign and words too.
    assert!(html.contains("✗ 3 failed") && html.contains("! 1 not graded"));
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/grades.v1.json");
    let text = format!("{:#}\n", schema().as_value());
    if std::env::var_os("MSLAB_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "schema/grades.v1.json is not that of the types"
    );
}
