//! A run that is killed at any moment, again and again, ends with the gradebook of one that nobody disturbed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mslab_core::lab::{FolderFile, Lab};
use mslab_grade::gradebook::{Basis, Gradebook, Job};
use mslab_grade::intake::{Intake, Limits};
use mslab_grade::run::recorded::{Recorded, text_report};
use mslab_grade::run::{Judged, Options, Silent, judge_all, take_in};
use mslab_grade::submission::Trusted;
use rusqlite::{Connection, OpenFlags};

const PLACE: &str = "MSLAB_GRADE_KILLED";
const STUDENTS: usize = 60;
const KILLS: usize = 100;

fn lab() -> Trusted {
    let toml = "schema = 1\ntitle = \"A lab\"\nlesson = \"node\"\n\
                [[build]]\nkey = \"prod\"\n\
                [[check]]\nid = \"base-pinned\"\npoints = 60\n\
                [[check]]\nid = \"exec-form\"\npoints = 40\n\
                [starter]\nfails = [\"base-pinned\"]\n";
    let files = [
        ("lab.toml", toml),
        ("README.md", "# A lab\n"),
        ("starter/Dockerfile", "FROM node\n"),
        ("solution/Dockerfile", "FROM node:24\n"),
    ];
    let files = files.map(|(path, text)| {
        let file = FolderFile {
            bytes: text.as_bytes().to_vec().into(),
            executable: false,
        };
        (path.to_owned(), file)
    });
    let lab = Lab::read("05-go-scratch", files.into_iter().collect()).unwrap();
    Trusted::new(lab).unwrap()
}

/// Every third is a copy of another, one breaks a rule, one cannot be placed.
fn hand_in(root: &Path) {
    for n in 0..STUDENTS {
        let dir = root.join(format!("student-{n:03}/5"));
        std::fs::create_dir_all(&dir).unwrap();
        let tag = if n % 2 == 0 { ":1" } else { "" };
        let number = if n % 3 == 0 { 0 } else { n };
        let text = format!("FROM a{tag}\nCMD [\"x{number}\"]\n");
        std::fs::write(dir.join("Dockerfile"), text).unwrap();
    }
    let large = root.join("student-large/5");
    std::fs::create_dir_all(&large).unwrap();
    std::fs::write(large.join("Dockerfile"), "#".repeat(2 << 20)).unwrap();
    std::fs::create_dir_all(root.join("student-lost/nothing")).unwrap();
}

/// What the child does: a whole run.
async fn grade(place: &Path) {
    let labs = vec![lab()];
    let basis = Basis {
        mslab: "1".into(),
        rules: String::new(),
    };
    let mut book = Gradebook::open(&place.join("grades.db")).unwrap();
    let intake = Intake::new(&labs, None, Limits::default());
    let canary = |key: &str| format!("canary-{key}");
    take_in(&mut book, &intake, &place.join("in"), None, &basis, &canary).unwrap();
    let judge = Recorded(async |trusted: &Trusted, job: &Job| {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let report = text_report(trusted, job);
        Ok::<_, Infallible>(Judged::Report(Box::new(report)))
    });
    let options = Options {
        jobs: 3,
        basis,
        retry_environment: false,
        delays: Vec::new(),
        cancel: tokio_util::sync::CancellationToken::new(),
    };
    judge_all(&mut book, &labs, &judge, &options, &Silent)
        .await
        .unwrap();
}

/// Runs in a process of its own, which `runs_that_are_killed_…` starts and kills.
#[tokio::test]
#[ignore = "the other test starts it"]
async fn child() {
    let place = std::env::var_os(PLACE).expect("the other test starts this one");
    grade(&PathBuf::from(place)).await;
}

fn start(place: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--test-threads=1"])
        .env(PLACE, place)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Runs the child to its end, or kills it: SIGKILL, after which nothing of its own runs any more.
fn run_for(place: &Path, patience: Option<Duration>) -> Option<ExitStatus> {
    let mut child = start(place);
    let deadline = patience.map(|p| Instant::now() + p);
    while deadline.is_some_and(|d| Instant::now() < d) {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    if deadline.is_some() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    deadline.is_none().then_some(status)
}

/// All that stands in a gradebook but its times, a line for each row.
fn dump(place: &Path) -> Vec<String> {
    let connection = open(place);
    let mut lines = Vec::new();
    for sql in [
        "SELECT * FROM lab ORDER BY digest",
        "SELECT key, lab, mslab, rules, digest, files, canary, state, attempts, reason, report FROM work ORDER BY key",
        "SELECT s.student, s.exercise, s.key, s.lab, w.key, s.refused, s.reason, s.notes, s.current
            FROM submission s LEFT JOIN work w ON w.id = s.work ORDER BY s.student, s.exercise, s.key",
        "SELECT * FROM setting ORDER BY name",
        "SELECT * FROM override ORDER BY id",
    ] {
        let mut statement = connection.prepare(sql).unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells = (0..width).map(|n| format!("{:?}", row.get_ref(n).unwrap()));
            lines.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    lines
}

fn open(place: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = Connection::open_with_flags(place.join("grades.db"), flags).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

/// When each piece of finished work was finished.
fn finished(place: &Path) -> BTreeMap<String, i64> {
    let Ok(connection) = Connection::open(place.join("grades.db")) else {
        return BTreeMap::new();
    };
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    let sql = "SELECT key, finished_ms FROM work WHERE state = 'judged'";
    // A run may have been killed before there was a table.
    let Ok(mut statement) = connection.prepare(sql) else {
        return BTreeMap::new();
    };
    let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn runs_that_are_killed_lose_nothing_and_repeat_nothing_finished() {
    let root = tempfile::tempdir().unwrap();
    let calm = root.path().join("calm");
    hand_in(&calm.join("in"));
    let started = Instant::now();
    assert!(start(&calm).wait().unwrap().success());
    let whole = started.elapsed();
    let expected = dump(&calm);
    assert!(expected.len() > STUDENTS);
    assert!(
        expected
            .iter()
            .all(|l| !l.contains("waiting") && !l.contains("judging"))
    );

    let mut kills = 0;
    let mut rounds = 0;
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        // xorshift: other moments each time would make a failure hard to see again.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    while kills < KILLS {
        rounds += 1;
        let place = root.path().join(format!("round-{rounds}"));
        hand_in(&place.join("in"));
        let mut done = BTreeMap::new();
        loop {
            let wait = random(whole.as_micros() as u64);
            let patience = (kills < KILLS).then(|| Duration::from_micros(wait));
            let ended = run_for(&place, patience);
            kills += usize::from(ended.is_none());
            let now = finished(&place);
            for (key, when) in &done {
                assert_eq!(
                    now.get(key),
                    Some(when),
                    "finished work was lost or repeated"
                );
            }
            done = now;
            if let Some(status) = ended {
                assert!(status.success());
                break;
            }
        }
        assert_eq!(dump(&place), expected, "after {kills} kills");
    }
    assert!(
        rounds > 1,
        "every kill hit one round: the moments are not spread"
    );
}
