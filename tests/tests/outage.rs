//! An engine that goes away while a class is graded: waited for, and never a zero.
#![cfg(unix)]

use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mslab_tests::{Heard, Run, Sandbox, copy, engine, engine_cannot, root};

/// The tests' engine behind a socket that can be closed and opened: to whoever uses it, an engine that is restarted.
struct Door {
    socket: PathBuf,
    open: Arc<AtomicBool>,
    through: Arc<Mutex<Vec<UnixStream>>>,
}

impl Door {
    fn new(socket: PathBuf) -> Self {
        let door = Self {
            socket,
            open: Arc::default(),
            through: Arc::default(),
        };
        door.open();
        door
    }

    fn open(&self) {
        let listener = UnixListener::bind(&self.socket).unwrap();
        self.open.store(true, Ordering::SeqCst);
        let (open, through) = (self.open.clone(), self.through.clone());
        let engine = engine().replace("unix://", "");
        std::thread::spawn(move || {
            for client in listener.incoming() {
                // The connection that closes the door is the last.
                if !open.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&engine)) else {
                    continue;
                };
                let both = [&client, &server].map(|s| s.try_clone().unwrap());
                through.lock().unwrap().extend(both);
                carry(client.try_clone().unwrap(), server.try_clone().unwrap());
                carry(server, client);
            }
        });
    }

    fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        let _ = UnixStream::connect(&self.socket);
        fs::remove_file(&self.socket).unwrap();
        for stream in self.through.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut from: UnixStream, mut to: UnixStream) {
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// Three students, each with a build that takes a while.
fn class() -> Sandbox {
    let here = Sandbox::new();
    fs::create_dir_all(here.path().join("checker/cli")).unwrap();
    fs::write(here.path().join("checker/cli/Cargo.toml"), "").unwrap();
    let hostile = root().join("tests/hostile");
    copy(&hostile.join("labs"), &here.path().join("labs"));
    let solution = hostile.join("labs/01-held/solution/Dockerfile");
    let solution = fs::read_to_string(solution).unwrap();
    let unique = std::process::id();
    for student in ["ann", "ben", "cem"] {
        let slow = format!("RUN echo {student} {unique} && sleep 3\nUSER 1000");
        let dir = here.path().join("in").join(student);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("Dockerfile"), solution.replace("USER 1000", &slow)).unwrap();
    }
    here
}

fn grade(here: &Sandbox, patience: &str, meanwhile: impl FnOnce(&Door)) -> Run {
    let socket = here.path().join("engine.sock");
    let door = Door::new(socket.clone());
    let host = format!("unix://{}", socket.display());
    let args = [
        "--engine",
        &host,
        "grade",
        "in",
        "--exercise",
        "1",
        "--trust-submissions",
        "--patience",
        patience,
    ];
    let mut child = here
        .command(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = Heard::listen(child.stderr.take().unwrap());
    said.wait_for("3 to judge");
    // In the middle of the first builds.
    std::thread::sleep(Duration::from_secs(2));
    door.close();
    meanwhile(&door);
    let output = child.wait_with_output().unwrap();
    let run: Run = output.into();
    Run {
        stderr: said.text(),
        ..run
    }
}

fn states(here: &Sandbox) -> Vec<(String, serde_json::Value)> {
    let class = here.run(&["grade", "report", "--format", "json"]).json();
    let students = class["students"].as_array().unwrap().iter();
    students
        .map(|s| {
            let grade = &s["grades"][0];
            (
                grade["state"].as_str().unwrap().to_owned(),
                grade["mark"].clone(),
            )
        })
        .collect()
}

/// An engine that takes no secrets builds nothing of this class, which is nobody's zero either.
fn takes_no_secrets(here: &Sandbox) -> bool {
    let so = engine_cannot("no secrets");
    if so {
        let run = here.run_on_engine(&["grade", "in", "--exercise", "1", "--trust-submissions"]);
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.stdout.contains("takes no secrets"), "{run:?}");
        let nothing = ("not-graded".to_owned(), serde_json::Value::Null);
        assert_eq!(states(here), vec![nothing; 3]);
    }
    so
}

#[test]
fn engine_one_that_is_restarted_in_the_middle_costs_nobody_a_point() {
    let here = class();
    if takes_no_secrets(&here) {
        return;
    }
    let run = grade(&here, "60s", |door| {
        std::thread::sleep(Duration::from_secs(3));
        door.open();
    });
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("lost the engine"), "{run:?}");
    assert_eq!(states(&here), vec![("passed".to_owned(), 100.into()); 3]);
}

#[test]
fn engine_one_that_stays_away_is_no_zero_and_is_tried_again_when_asked() {
    let here = class();
    if takes_no_secrets(&here) {
        return;
    }
    let begun = Instant::now();
    let run = grade(&here, "4s", |_| {});
    assert_eq!(run.code, 3, "{run:?}");
    assert!(begun.elapsed() > Duration::from_secs(4), "it did not wait");
    let nothing = ("not-graded".to_owned(), serde_json::Value::Null);
    assert_eq!(states(&here), vec![nothing; 3]);
    // It is back, and those who were not graded are.
    let again = [
        "grade",
        "in",
        "--exercise",
        "1",
        "--trust-submissions",
        "--retry-failed-environment",
    ];
    let run = here.run_on_engine(&again);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(states(&here), vec![("passed".to_owned(), 100.into()); 3]);
}

/// Behind the door mslab cannot see the engine's own process, as with an engine on another machine.
#[test]
fn engine_one_that_cannot_hold_builds_is_refused() {
    let here = class();
    let socket = here.path().join("engine.sock");
    let _door = Door::new(socket.clone());
    let host = format!("unix://{}", socket.display());
    let run = here.run(&["--engine", &host, "grade", "in", "--exercise", "1"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.stderr.contains("cannot be held within limits"),
        "{run:?}"
    );
    assert!(run.stderr.contains("--trust-submissions"), "{run:?}");
    let waiting = ("waiting".to_owned(), serde_json::Value::Null);
    assert_eq!(states(&here), vec![waiting; 3]);
}
