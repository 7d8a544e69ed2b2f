//! Grading a class as far as it goes without an engine: nothing is lost, nobody gets a zero, and names stay harmless.

use std::fs;
use std::path::Path;

use mslab_tests::{Run, Sandbox};

const NOWHERE: &str = "unix:///nowhere/docker.sock";
const DOCKERFILE: &str = "FROM golang:1.27-alpine AS builder\nFROM scratch AS production\n";

fn hand_in(here: &Sandbox, student: &str, text: &str) {
    let dir = here.path().join("in").join(student).join("exercise-5");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("Dockerfile"), text).unwrap();
}

fn grade(here: &Sandbox, more: &[&str]) -> Run {
    let mut args = vec!["grade", "in", "--engine", NOWHERE];
    args.extend(more);
    here.run(&args)
}

fn report(here: &Sandbox) -> serde_json::Value {
    here.run(&["grade", "report", "--format", "json"]).json()
}

fn state(class: &serde_json::Value, student: &str) -> (String, serde_json::Value) {
    let students = class["students"].as_array().unwrap();
    let student = students.iter().find(|s| s["id"] == student).unwrap();
    let grade = &student["grades"][0];
    (
        grade["state"].as_str().unwrap().to_owned(),
        grade["mark"].clone(),
    )
}

#[test]
fn without_an_engine_everything_is_written_down_and_nobody_gets_a_zero() {
    let here = Sandbox::new();
    hand_in(&here, "ann", DOCKERFILE);
    hand_in(&here, "ben", "FROM scratch\n");
    fs::create_dir_all(here.path().join("in/cem/holiday-pictures")).unwrap();
    let run = grade(&here, &[]);
    assert_eq!(run.code, 3, "{run:?}");
    let class = report(&here);
    for student in ["ann", "ben"] {
        let waiting = ("waiting".to_owned(), serde_json::Value::Null);
        assert_eq!(state(&class, student), waiting);
    }
    let lost = class["students"][2]["unplaced"].as_str().unwrap();
    assert!(lost.contains("holiday-pictures"), "{lost}");
    let run = here.run(&["grade", "report"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("Not graded, and no zero:"), "{run:?}");
}

#[test]
fn an_instructors_mark_and_a_merge_need_no_engine() {
    let here = Sandbox::new();
    hand_in(&here, "ann", DOCKERFILE);
    assert_eq!(grade(&here, &[]).code, 3);
    let mark = [
        "grade",
        "override",
        "ann",
        "5",
        "80",
        "--note",
        "shown at the board",
    ];
    let run = here.run(&mark);
    assert_eq!(run.code, 0, "{run:?}");
    let said = "ann exercise-5: 80 / 100 (was none). Run mslab grade report --output FOLDER to write it down.\n";
    assert_eq!(run.stdout, said);
    assert_eq!(state(&report(&here), "ann").1, 80);
    for points in ["195", "-5", "99999999999"] {
        let run = here.run(&["grade", "override", "ann", "5", points, "--note", "x"]);
        assert_eq!(run.code, 2, "{run:?}");
        let said = format!("{points} points for exercise-5, which has 100");
        assert!(run.stderr.contains(&said), "{run:?}");
    }
    assert_eq!(state(&report(&here), "ann").1, 80);
    let merge = ["grade", "merge", "whole.db", "mslab-grades.db"];
    assert_eq!(here.run(&merge).code, 0);
    let whole = [
        "grade",
        "report",
        "--gradebook",
        "whole.db",
        "--format",
        "json",
    ];
    assert_eq!(state(&here.run(&whole).json(), "ann").1, 80);
    let nobody = ["grade", "override", "zoe", "5", "80", "--note", "x"];
    let run = here.run(&nobody);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("zoe has not handed in anything"),
        "{run:?}"
    );
    let slip = ["grade", "override", "anm", "5", "80", "--note", "x"];
    let run = here.run(&slip);
    assert!(run.stderr.contains("Did you mean `ann`?"), "{run:?}");
    let back = ["grade", "override", "ann", "5", "--remove"];
    let run = here.run(&back);
    let said = "ann exercise-5: no mark (was 80). Run";
    assert!(run.stdout.starts_with(said), "{run:?}");
    assert_eq!(state(&report(&here), "ann").1, serde_json::Value::Null);
    let run = here.run(&back);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("ann has no mark of yours"), "{run:?}");
}

#[test]
fn what_is_wrong_with_a_call_is_said_before_anything_is_graded() {
    let here = Sandbox::new();
    fs::create_dir(here.path().join("in")).unwrap();
    let empty = grade(&here, &[]);
    assert_eq!(empty.code, 2, "{empty:?}");
    assert!(empty.stderr.contains("in holds no submission"), "{empty:?}");
    hand_in(&here, "ann", DOCKERFILE);
    fs::write(here.path().join("roster.csv"), "name\nAnn\n").unwrap();
    fs::write(here.path().join("dates.csv"), "id,due\nann,2026-11-30\n").unwrap();
    for (args, wrong) in [
        (
            &["--exercise", "99"][..],
            "there is no exercise called `99`",
        ),
        (&["--late-penalty", "10"], "is not a penalty rule"),
        (&["--roster", "roster.csv"], "has no column `id`"),
        (&["--roster", "dates.csv"], "time zone"),
        (
            &["--roster", "none.csv"],
            "the class list none.csv (--roster)\n  because: No such file or directory (os error 2)\nhelp: ",
        ),
        (&["--shard", "3/2"], "is not a part of a class"),
        (&["--network", "none"], "cannot be built without a network"),
        (&["--gradebook", "roster.csv"], "is not a gradebook"),
        (&["--format", "xml"], "there is no format called `xml`"),
        (
            &["--output", "out", "--platform", "moodle"],
            "The platforms are gradescope, classroom50, prairielearn.",
        ),
        (
            &["--output", "out", "--platform", "classroom50"],
            "Classroom 50's format needs CLASSROOM",
        ),
    ] {
        let run = grade(&here, args);
        assert_eq!(run.code, 2, "{args:?}: {run:?}");
        assert!(run.stderr.contains(wrong), "{args:?}: {run:?}");
    }
    let none = here.run(&["grade", "nosuch", "--engine", NOWHERE]);
    assert_eq!(none.code, 2, "{none:?}");
    let said = "cannot read the folder of submissions nosuch\n";
    assert!(none.stderr.contains(said), "{none:?}");
    assert!(none.stderr.contains("help: Check the path;"), "{none:?}");
    let one = here.run(&["grade", "in/ann", "--engine", NOWHERE]);
    assert_eq!(one.code, 2, "{one:?}");
    assert!(
        one.stderr
            .contains("in/ann looks like one student's folder"),
        "{one:?}"
    );
    let run = here.run(&["grade", "report", "--gradebook", "none.db"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(!here.path().join("none.db").exists());
}

#[test]
fn where_nothing_can_be_placed_there_is_no_gradebook() {
    let here = Sandbox::new();
    for student in ["ann", "ben"] {
        let dir = here.path().join("in").join(student);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("Dockerfile"), DOCKERFILE).unwrap();
    }
    let run = grade(&here, &[]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("nothing in in can be placed; ann: "),
        "{run:?}"
    );
    let said = "help: If all of it is for one exercise: --exercise exercise-";
    assert!(run.stderr.contains(said), "{run:?}");
    let none = here.run(&["grade", "nosuch", "--engine", NOWHERE]);
    assert_eq!(none.code, 2, "{none:?}");
    assert!(!here.path().join("mslab-grades.db").exists());
    assert_eq!(grade(&here, &["--exercise", "5"]).code, 3);
}

#[test]
fn names_from_a_submission_stay_harmless_in_every_output() {
    let here = Sandbox::new();
    let hostile = "=cmd()<script>alert(1)<!--\u{1b}[2J\u{202e}";
    hand_in(&here, hostile, DOCKERFILE);
    fs::write(here.path().join("in/=1+1.txt"), "").unwrap();
    grade(&here, &[]);
    let out = here.path().join("out");
    let run = here.run(&["grade", "report", "--output", "out", "--format", "csv"]);
    assert!(run.stdout.contains("'=cmd()"), "{run:?}");
    let mut seen = 0;
    for name in [
        "grades.csv",
        "marks.csv",
        "grades.json",
        "junit.xml",
        "findings.sarif",
        "summary.md",
        "index.html",
        "similarity.md",
    ] {
        let text = read(&out.join(name));
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{name}");
        seen += usize::from(text.contains("cmd()"));
    }
    assert!(seen >= 6, "{seen}");
    assert!(!read(&out.join("index.html")).contains("<script"));
    let human = here.run(&["grade", "report", "--output", "out/"]).stdout;
    let said = "Written to out/: open out/index.html\n";
    assert!(human.ends_with(said), "{human}");
    assert!(!human.contains(['\u{1b}', '\u{202e}']), "{human}");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[cfg(unix)]
#[test]
fn what_breaks_a_rule_is_refused_without_an_engine() {
    let here = Sandbox::new();
    let dir = here.path().join("in/ann/exercise-5");
    fs::create_dir_all(&dir).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("Dockerfile")).unwrap();
    grade(&here, &[]);
    let class = report(&here);
    assert_eq!(state(&class, "ann"), ("refused".to_owned(), 0.into()));
    let text = class.to_string();
    assert!(
        text.contains("Dockerfile is a link") && !text.contains("root:"),
        "{text}"
    );
}

/// An engine that takes a call and never answers it.
#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_far_it_came() {
    let here = Sandbox::new();
    hand_in(&here, "ann", DOCKERFILE);
    hand_in(&here, "ben", "FROM scratch\n");
    let socket = here.path().join("silent.sock");
    let silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let engine = format!("unix://{}", socket.display());
    let mut command = here.command(&["grade", "in", "--engine", &engine]);
    command.stderr(std::process::Stdio::piped());
    let run = command.spawn().unwrap();
    // Once it asks the engine, all that was handed in is written down.
    let call = silent.accept().unwrap();
    let id = run.id().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-TERM", &id]).status().unwrap().success());
    let run: Run = run.wait_with_output().unwrap().into();
    drop(call);
    assert_eq!(run.code, 130, "{run:?}");
    let said = "0 of 2 are in mslab-grades.db; run the same command to go on.";
    assert!(run.stderr.contains(said), "{run:?}");
}

/// What GitHub reads: orders on standard output, and the job's summary in the file that the runner names.
#[test]
fn github_gets_annotations_and_a_summary() {
    let here = Sandbox::new();
    hand_in(&here, "ann", DOCKERFILE);
    grade(&here, &[]);
    let summary = here.path().join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    let mut command = here.command(&["grade", "report", "--format", "github"]);
    command.env("GITHUB_STEP_SUMMARY", &summary);
    let run: Run = command.output().unwrap().into();
    assert_eq!(run.code, 3, "{run:?}");
    let order = "::error title=ann exercise-5%3A waiting::still waiting";
    assert!(run.stdout.starts_with(order), "{run:?}");
    let text = read(&summary);
    assert!(
        text.starts_with("before\n# Grades of 1 student\n"),
        "{text}"
    );
    assert!(text.contains("| `ann` |"), "{text}");
}

/// A file for each exercise and student, and of what has no grade no number.
#[test]
fn platforms_get_a_file_for_each_student() {
    let here = Sandbox::new();
    hand_in(&here, "ann", DOCKERFILE);
    hand_in(&here, "Ben@example.org", DOCKERFILE);
    grade(&here, &[]);
    let mark = ["grade", "override", "ann", "5", "80", "--note", "board"];
    assert_eq!(here.run(&mark).code, 0);
    let args = [
        "grade",
        "report",
        "--output",
        "out",
        "--platform",
        "gradescope",
    ];
    assert_eq!(here.run(&args).code, 3);
    let folder = here.path().join("out/gradescope/exercise-5");
    let ann: serde_json::Value = serde_json::from_str(&read(&folder.join("ann.json"))).unwrap();
    assert_eq!(ann["score"], 80);
    let ben = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path());
    let ben: Vec<_> = ben.filter(|p| !p.ends_with("ann.json")).collect();
    let text = read(&ben[0]);
    assert!(
        !text.contains("\"score\"") && text.contains("not judged yet"),
        "{text}"
    );
}
