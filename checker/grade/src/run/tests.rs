//! The loop with recorded verdicts.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::Mutex;

use super::recorded::{Recorded, text_report};
use super::*;
use crate::gradebook::{Entry, EntryState};
use crate::intake::{Intake, Limits};
use crate::submission::tests::lab;

const RIGHT: &str = "FROM node:24\nCMD [\"node\"]\n";
const WRONG: &str = "FROM node\nCMD node\n";

struct Class {
    root: tempfile::TempDir,
    labs: Vec<Trusted>,
}

impl Class {
    fn new(students: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for (student, dockerfile) in students {
            let dir = root.path().join("in").join(student).join("5");
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join("Dockerfile"), dockerfile).unwrap();
        }
        let labs = vec![lab("05-go-scratch")];
        Self { root, labs }
    }

    fn path(&self) -> std::path::PathBuf {
        self.root.path().join("grades.db")
    }

    fn open(&self) -> Gradebook {
        let mut book = Gradebook::open(&self.path()).unwrap();
        let intake = Intake::new(&self.labs, None, Limits::default());
        let root = self.root.path().join("in");
        let canary = |key: &str| format!("canary-{key}");
        take_in(&mut book, &intake, &root, None, &options().basis, &canary).unwrap();
        book
    }
}

fn options() -> Options {
    Options {
        jobs: 2,
        basis: Basis {
            mslab: "1".into(),
            rules: String::new(),
        },
        retry_environment: false,
        delays: vec![Duration::from_millis(1); 3],
        cancel: CancellationToken::new(),
    }
}

fn entries(book: &Gradebook) -> Vec<Entry> {
    let mut all = Vec::new();
    let keep = |entry| {
        all.push(entry);
        Ok::<_, GradebookError>(())
    };
    book.entries(keep).unwrap();
    all
}

fn scores(book: &Gradebook) -> Vec<(String, Option<u32>)> {
    let score = |e: &Entry| match &e.state {
        EntryState::Judged(report) => Some(report.score),
        _ => None,
    };
    entries(book)
        .iter()
        .map(|e| (e.student.clone(), score(e)))
        .collect()
}

fn pairs(all: &[(&str, Option<u32>)]) -> Vec<(String, Option<u32>)> {
    all.iter().map(|(s, n)| ((*s).to_owned(), *n)).collect()
}

fn verdict(trusted: &Trusted, job: &Job) -> Result<Judged, Infallible> {
    Ok(Judged::Report(Box::new(text_report(trusted, job))))
}

#[tokio::test]
async fn identical_work_is_judged_once_and_reported_for_each() {
    let class = Class::new(&[("ann", RIGHT), ("ben", WRONG), ("cem", RIGHT)]);
    let mut book = class.open();
    let count = Cell::new(0);
    let judge = Recorded(async |t: &Trusted, j: &Job| {
        count.set(count.get() + 1);
        verdict(t, j)
    });
    judge_all(&mut book, &class.labs, &judge, &options(), &Silent)
        .await
        .unwrap();
    assert_eq!(count.get(), 2);
    let all = [("ann", Some(100)), ("ben", Some(0)), ("cem", Some(100))];
    assert_eq!(scores(&book), pairs(&all));
    // Again: there is nothing left to do.
    drop(book);
    let mut book = class.open();
    judge_all(&mut book, &class.labs, &judge, &options(), &Silent)
        .await
        .unwrap();
    assert_eq!(count.get(), 2);
}

#[tokio::test]
async fn other_rules_another_version_and_a_changed_lab_are_new_grades() {
    let mut class = Class::new(&[("ann", RIGHT)]);
    let count = Cell::new(0);
    let judge = Recorded(async |t: &Trusted, j: &Job| {
        count.set(count.get() + 1);
        verdict(t, j)
    });
    let mut run = options();
    for step in 1..=4 {
        match step {
            2 => run.basis.rules = "offline\n".into(),
            3 => run.basis.mslab = "2".into(),
            4 => {
                let mut lab = class.labs.remove(0).lab;
                let more = crate::submission::tests::file("more");
                lab.files.insert("starter/more".into(), more);
                class.labs.push(Trusted::new(lab).unwrap());
            }
            _ => {}
        }
        let mut book = Gradebook::open(&class.path()).unwrap();
        let intake = Intake::new(&class.labs, None, Limits::default());
        let root = class.root.path().join("in");
        take_in(&mut book, &intake, &root, None, &run.basis, &|_| {
            String::new()
        })
        .unwrap();
        judge_all(&mut book, &class.labs, &judge, &run, &Silent)
            .await
            .unwrap();
        assert_eq!(count.get(), step);
        assert_eq!(scores(&book), pairs(&[("ann", Some(100))]));
    }
}

#[tokio::test]
async fn new_work_takes_the_place_of_old_work() {
    let class = Class::new(&[("ann", WRONG)]);
    let judge = Recorded(async |t: &Trusted, j: &Job| verdict(t, j));
    let mut book = class.open();
    let run = options();
    judge_all(&mut book, &class.labs, &judge, &run, &Silent)
        .await
        .unwrap();
    drop(book);
    std::fs::write(class.root.path().join("in/ann/5/Dockerfile"), RIGHT).unwrap();
    let mut book = class.open();
    assert_eq!(scores(&book), pairs(&[("ann", None)]));
    judge_all(&mut book, &class.labs, &judge, &run, &Silent)
        .await
        .unwrap();
    assert_eq!(scores(&book), pairs(&[("ann", Some(100))]));
}

#[tokio::test]
async fn an_outage_is_waited_for_and_never_a_zero() {
    let class = Class::new(&[("ann", RIGHT), ("ben", WRONG)]);
    let mut book = class.open();
    let tries = Cell::new(0);
    let down = Cell::new(2);
    let judge = Recorded(async |t: &Trusted, j: &Job| {
        tries.set(tries.get() + 1);
        if tries.get() <= down.get() {
            return Ok(Judged::Environment("no engine".into()));
        }
        verdict(t, j)
    });
    judge_all(&mut book, &class.labs, &judge, &options(), &Silent)
        .await
        .unwrap();
    assert_eq!(
        scores(&book),
        pairs(&[("ann", Some(100)), ("ben", Some(0))])
    );

    let class = Class::new(&[("ann", RIGHT), ("ben", WRONG), ("cem", "FROM a:1\n")]);
    let mut book = class.open();
    tries.set(0);
    down.set(usize::MAX);
    judge_all(&mut book, &class.labs, &judge, &options(), &Silent)
        .await
        .unwrap();
    for entry in entries(&book) {
        assert!(matches!(&entry.state, EntryState::Environment(why) if why == "no engine"));
    }
    // Two at a time are waited for, the third is not waited for once more.
    assert!(tries.get() <= 9, "{}", tries.get());

    // Only who is asked to tries again.
    down.set(0);
    judge_all(&mut book, &class.labs, &judge, &options(), &Silent)
        .await
        .unwrap();
    assert!(matches!(
        entries(&book)[0].state,
        EntryState::Environment(_)
    ));
    let again = Options {
        retry_environment: true,
        ..options()
    };
    judge_all(&mut book, &class.labs, &judge, &again, &Silent)
        .await
        .unwrap();
    assert_eq!(scores(&book)[0].1, Some(100));
}

#[tokio::test]
async fn cancelling_leaves_what_had_begun_for_the_next_run() {
    let class = Class::new(&[("ann", RIGHT), ("ben", WRONG)]);
    let mut book = class.open();
    let run = options();
    let cancel = run.cancel.clone();
    let hangs = Recorded(async |_: &Trusted, _: &Job| {
        cancel.cancel();
        std::future::pending::<Result<Judged, Infallible>>().await
    });
    let ended = judge_all(&mut book, &class.labs, &hangs, &run, &Silent).await;
    assert!(matches!(ended, Err(RunError::Cancelled)));
    let judge = Recorded(async |t: &Trusted, j: &Job| verdict(t, j));
    judge_all(&mut book, &class.labs, &judge, &options(), &Silent)
        .await
        .unwrap();
    assert_eq!(
        scores(&book),
        pairs(&[("ann", Some(100)), ("ben", Some(0))])
    );
}

#[tokio::test]
async fn a_judge_that_cannot_go_on_stops_the_run() {
    let class = Class::new(&[("ann", RIGHT), ("ben", WRONG)]);
    let mut book = class.open();
    let judge = Recorded(async |_: &Trusted, _: &Job| Err::<Judged, _>("broken"));
    let ended = judge_all(&mut book, &class.labs, &judge, &options(), &Silent).await;
    assert!(matches!(ended, Err(RunError::Judge("broken"))));
    assert!(matches!(entries(&book)[0].state, EntryState::Waiting));
}

struct Diary(Mutex<Vec<String>>);

impl Listener for Diary {
    fn on(&self, event: Event<'_>) {
        let line = match event {
            Event::Planned { work, .. } => format!("planned {work}"),
            Event::Started { job } => format!("started {}", job.students.join("+")),
            Event::Doing { students, .. } => format!("doing {}", students.join("+")),
            Event::Ended { students, finish } => {
                let how = match finish {
                    Finish::Judged(report) => report.score.to_string(),
                    Finish::Again(n) => format!("again {n}"),
                    other => format!("{other:?}"),
                };
                format!("ended {} {how}", students.join("+"))
            }
            Event::Waiting { reason, .. } => format!("waiting: {reason}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn events_tell_what_happens_in_its_order() {
    let class = Class::new(&[("ann", RIGHT), ("ben", RIGHT)]);
    let mut book = class.open();
    let first = Cell::new(true);
    let judge = Recorded(async |t: &Trusted, j: &Job| {
        if first.replace(false) {
            return Ok(Judged::Environment("gone".into()));
        }
        verdict(t, j)
    });
    let diary = Diary(Mutex::default());
    judge_all(&mut book, &class.labs, &judge, &options(), &diary)
        .await
        .unwrap();
    let expected = [
        "planned 1",
        "started ann+ben",
        "doing ann+ben",
        "waiting: gone",
        "ended ann+ben again 1",
        "started ann+ben",
        "doing ann+ben",
        "ended ann+ben 100",
    ];
    assert_eq!(diary.0.into_inner().unwrap(), expected);
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_finished_is_lost() {
    let class = Class::new(&[("ann", RIGHT), ("ben", WRONG)]);
    let mut book = class.open();
    book.fill_disk();
    let judge = Recorded(async |t: &Trusted, j: &Job| {
        let mut report = text_report(t, j);
        report.title = "x".repeat(1 << 20);
        Ok::<_, Infallible>(Judged::Report(Box::new(report)))
    });
    let ended = judge_all(&mut book, &class.labs, &judge, &options(), &Silent).await;
    let Err(RunError::Gradebook(e)) = ended else {
        panic!("{ended:?}")
    };
    assert!(matches!(e, GradebookError::DiskFull(_)), "{e:?}");
    assert!(e.help().contains("goes on where it was"));
    drop(book);
    let mut book = class.open();
    let judge = Recorded(async |t: &Trusted, j: &Job| verdict(t, j));
    judge_all(&mut book, &class.labs, &judge, &options(), &Silent)
        .await
        .unwrap();
    assert_eq!(
        scores(&book),
        pairs(&[("ann", Some(100)), ("ben", Some(0))])
    );
}
