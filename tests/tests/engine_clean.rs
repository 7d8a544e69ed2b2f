//! `mslab clean` on a real engine. It takes what other tests may be about to use, and so has a program to itself.

mod left;

use std::process::Stdio;

use mslab_tests::{Sandbox, engine, signal, wait_until};

use left::left_by;

/// A dead program cleans nothing up; what it left is found by its name, and what others have made stays.
#[test]
fn engine_what_a_killed_check_left_is_removed_by_clean() {
    let here = Sandbox::workspace();
    here.lay_over("05-go-scratch", "solution");
    let mut command = here.command(&["check", "exercise-5"]);
    command
        .env("DOCKER_HOST", engine())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("mslab can be started");
    wait_until("image", || {
        !left_by(child.id()).is_empty() || child.try_wait().is_ok_and(|s| s.is_some())
    });
    signal("KILL", &child);
    child.wait().expect("it ends");
    let left = left_by(child.id());
    assert!(
        !left.is_empty(),
        "the check ended before it could be killed"
    );
    let clean = here.run_on_engine(&["clean", "--keep-stand-ins"]);
    assert_eq!(clean.code, 0, "{clean:?}");
    assert!(clean.stdout.contains(&left[0]), "{clean:?}");
    assert_eq!(left_by(child.id()), [""; 0]);
    let run = here.run_on_engine(&["check", "exercise-5"]);
    assert_eq!(run.code, 0, "{run:?}");
}
