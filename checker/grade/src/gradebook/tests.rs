//! The file itself: versions, locks, marks, merging.

use std::path::Path;

use super::*;
use crate::gradebook::{Basis, Finish, Row};
use crate::intake::What;
use crate::run::recorded::text_report;
use crate::submission::tests::{file, lab};
use crate::submission::{Submission, Trusted};

impl Gradebook {
    /// Lets the database grow no further, as on a full disk.
    pub(crate) fn fill_disk(&self) {
        let pages: i64 = self
            .connection
            .pragma_query_value(None, "page_count", |r| r.get(0))
            .unwrap();
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    }
}

fn basis() -> Basis {
    Basis {
        mslab: "1".into(),
        rules: String::new(),
    }
}

fn row<'a>(student: &str, trusted: &'a Trusted, text: &str) -> Row<'a> {
    let submission = Submission {
        student: student.to_owned(),
        place: format!("{student}/exercise-5"),
        files: [("Dockerfile".to_owned(), file(text))].into(),
        notes: vec!["a note".into()],
    };
    Row {
        student: student.to_owned(),
        lab: Some(trusted),
        what: What::Submission(submission),
    }
}

fn judge_all(book: &mut Gradebook, trusted: &Trusted) {
    let labs = [trusted.digest.clone()].into();
    for Waiting { id, .. } in book.waiting(&labs, &basis()).unwrap() {
        let job = book.step(&[], &[id]).unwrap().remove(0);
        let report = Finish::Judged(Box::new(text_report(trusted, &job)));
        book.step(&[(id, report)], &[]).unwrap();
    }
}

fn filled(path: &Path, trusted: &Trusted, rows: &[Row<'_>]) -> Gradebook {
    let mut book = Gradebook::open(path).unwrap();
    book.know(std::slice::from_ref(trusted)).unwrap();
    book.receive(rows, &basis(), &|key| format!("c-{key}"))
        .unwrap();
    book
}

fn states(book: &Gradebook) -> Vec<String> {
    let mut all = Vec::new();
    let keep = |e: Entry| {
        let state = match e.state {
            EntryState::Judged(report) => report.score.to_string(),
            EntryState::Waiting => "waiting".into(),
            EntryState::Refused(why) => format!("refused: {why}"),
            EntryState::Environment(why) => format!("environment: {why}"),
            EntryState::Unplaced(why) => format!("unplaced: {why}"),
        };
        all.push(format!("{} {} {state}", e.student, e.exercise));
        Ok::<_, GradebookError>(())
    };
    book.entries(keep).unwrap();
    all
}

#[test]
fn one_run_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grades.db");
    let first = Gradebook::open(&path).unwrap();
    let second = Gradebook::open(&path).unwrap_err();
    assert!(matches!(second, GradebookError::InUse(_)), "{second:?}");
    // Who only looks is let in, and changes nothing.
    let mut reader = Gradebook::look_into(&path).unwrap();
    assert_eq!(reader.setting("x").unwrap(), None);
    assert!(reader.set("x", "y").is_err());
    drop((first, reader));
    Gradebook::open(&path).unwrap();
}

#[test]
fn what_is_no_gradebook_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text");
    std::fs::write(
        &text,
        "a file of somebody else's, long enough to be read as a header of a database",
    )
    .unwrap();
    assert!(matches!(
        Gradebook::open(&text),
        Err(GradebookError::NotOne(_))
    ));
    let other = dir.path().join("other.db");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE t (a)").unwrap();
    drop(connection);
    assert!(matches!(
        Gradebook::open(&other),
        Err(GradebookError::NotOne(_))
    ));
    let newer = dir.path().join("newer.db");
    drop(Gradebook::open(&newer).unwrap());
    let connection = Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Gradebook::open(&newer).unwrap_err();
    assert!(matches!(error, GradebookError::Newer { found: 99, .. }));
    assert!(error.is_usage() && !error.help().is_empty());
}

#[test]
fn files_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = lab("05-go-scratch");
    let mut row = row("ann", &trusted, "FROM a:1\r\n\u{feff}\n");
    let What::Submission(submission) = &mut row.what else {
        unreachable!()
    };
    let odd = mslab_core::lab::FolderFile {
        bytes: vec![0, 0xff, b'\n', 0x80].into(),
        executable: true,
    };
    submission.files.insert("conf/odd".into(), odd);
    let files = submission.files.clone();
    let mut book = filled(&dir.path().join("g.db"), &trusted, &[row]);
    let labs = [trusted.digest.clone()].into();
    let waiting = book.waiting(&labs, &basis()).unwrap();
    let job = book.step(&[], &[waiting[0].id]).unwrap().remove(0);
    assert_eq!(job.files, files);
    assert_eq!(job.students, ["ann"]);
    assert_eq!(job.canary, format!("c-{}", job.key));
}

#[test]
fn what_was_not_placed_gives_way_to_what_was() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = lab("05-go-scratch");
    let lost = Row {
        student: "ann".into(),
        lab: None,
        what: What::Unplaced("it is empty".into()),
    };
    let mut book = filled(&dir.path().join("g.db"), &trusted, &[lost]);
    assert_eq!(states(&book), ["ann  unplaced: it is empty"]);
    let again = [row("ann", &trusted, "FROM a:1\n")];
    book.receive(&again, &basis(), &|_| String::new()).unwrap();
    assert_eq!(states(&book), ["ann exercise-5 waiting"]);
    let link = Row {
        student: "ann".into(),
        lab: Some(&trusted),
        what: What::Refused("Dockerfile is a link".into()),
    };
    book.receive(&[link], &basis(), &|_| String::new()).unwrap();
    assert_eq!(
        states(&book),
        ["ann exercise-5 refused: Dockerfile is a link"]
    );
}

#[test]
fn an_instructors_mark_stands_beside_the_checks() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = lab("05-go-scratch");
    let rows = [row("ann", &trusted, "FROM a\n")];
    let mut book = filled(&dir.path().join("g.db"), &trusted, &rows);
    judge_all(&mut book, &trusted);
    book.override_mark("ann", "exercise-5", 80, "talked it over")
        .unwrap();
    book.override_mark("ann", "exercise-5", 90, "and again")
        .unwrap();
    let marks = book.overrides().unwrap();
    let mark = &marks[&("ann".to_owned(), "exercise-5".to_owned())];
    assert_eq!((mark.points, mark.note.as_str()), (90, "and again"));
    assert_eq!(states(&book), ["ann exercise-5 40"]);
    for (student, exercise, said) in [
        (
            "ben",
            "exercise-5",
            "`mslab grade report --format marks` lists the ids.",
        ),
        ("anm", "exercise-5", "Did you mean `ann`?"),
        (
            "ann",
            "exercise-6",
            "exercise-6 is not in this gradebook, which has exercise-5",
        ),
    ] {
        let error = book.override_mark(student, exercise, 1, "x").unwrap_err();
        assert!(error.is_usage(), "{error}");
        let text = format!("{error}. {}", error.help());
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn an_instructors_mark_can_be_taken_back_and_stays_so_when_a_part_is_merged_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = |n: &str| dir.path().join(n);
    let trusted = lab("05-go-scratch");
    let mut part = filled(&path("a"), &trusted, &[row("ann", &trusted, "FROM a\n")]);
    part.override_mark("ann", "exercise-5", 80, "talked it over")
        .unwrap();
    drop(part);
    let mut book = Gradebook::open(&path("whole")).unwrap();
    book.merge(&path("a")).unwrap();
    book.take_back_mark("ann", "exercise-5", "").unwrap();
    book.merge(&path("a")).unwrap();
    assert!(book.overrides().unwrap().is_empty());
    let error = book.take_back_mark("ann", "exercise-5", "").unwrap_err();
    assert!(error.is_usage(), "{error}");
    book.override_mark("ann", "exercise-5", 70, "again")
        .unwrap();
    assert_eq!(book.overrides().unwrap().len(), 1);
}

#[test]
fn parts_of_a_class_become_one_gradebook() {
    let dir = tempfile::tempdir().unwrap();
    let path = |n: &str| dir.path().join(n);
    let trusted = lab("05-go-scratch");
    let (right, wrong) = ("FROM a:1\nCMD [\"x\"]\n", "FROM a\nCMD x\n");
    let rows = [row("ann", &trusted, right), row("ben", &trusted, wrong)];
    let mut a = filled(&path("a"), &trusted, &rows);
    judge_all(&mut a, &trusted);
    a.override_mark("ben", "exercise-5", 10, "kindness")
        .unwrap();
    drop(a);
    // The same work as ann's, judged in one part and waiting in the other.
    let b = filled(&path("b"), &trusted, &[row("cem", &trusted, right)]);
    drop(b);
    let mut whole = Gradebook::open(&path("whole")).unwrap();
    for _ in 0..2 {
        whole.merge(&path("b")).unwrap();
        whole.merge(&path("a")).unwrap();
    }
    assert_eq!(
        states(&whole),
        [
            "ann exercise-5 100",
            "ben exercise-5 0",
            "cem exercise-5 100"
        ]
    );
    assert_eq!(whole.overrides().unwrap().len(), 1);
    let c = filled(&path("c"), &trusted, &[row("ann", &trusted, wrong)]);
    drop(c);
    let error = whole.merge(&path("c")).unwrap_err();
    assert!(
        matches!(error, GradebookError::Conflict { .. }),
        "{error:?}"
    );
    assert_eq!(states(&whole).len(), 3);
    assert!(matches!(
        whole.merge(&path("none")),
        Err(GradebookError::NotOne(_))
    ));
    assert!(!path("none").exists());
}
