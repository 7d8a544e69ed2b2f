//! The learner's folder: made, remembered, reset, and never lost.

use std::fs;

use mslab_tests::{Sandbox, root};

#[test]
fn init_makes_every_exercise_and_keeps_what_is_there() {
    let here = Sandbox::workspace();
    let dockerfile = here.path().join("exercise-05-go-scratch/Dockerfile");
    fs::write(&dockerfile, "FROM scratch\n").unwrap();
    let again = here.run(&["init"]);
    assert_eq!(again.code, 0);
    assert!(
        again.stdout.contains("0 exercises made"),
        "{}",
        again.stdout
    );
    assert_eq!(fs::read_to_string(dockerfile).unwrap(), "FROM scratch\n");
}

#[test]
fn reset_keeps_the_old_work_and_says_where() {
    let here = Sandbox::workspace();
    let dockerfile = here.path().join("exercise-05-go-scratch/Dockerfile");
    let starter = fs::read(&dockerfile).unwrap();
    fs::write(&dockerfile, "FROM scratch\n# mine\n").unwrap();
    let run = here.run(&["reset", "go-scratch"]);
    assert_eq!(run.code, 0);
    let backup = run.stdout.trim().rsplit(' ').next().unwrap();
    assert_eq!(
        fs::read_to_string(here.path().join(backup).join("Dockerfile")).unwrap(),
        "FROM scratch\n# mine\n"
    );
    assert_eq!(fs::read(dockerfile).unwrap(), starter);
}

#[test]
fn the_solution_opens_after_a_pass_or_when_asked_for() {
    let here = Sandbox::workspace();
    let closed = here.run(&["solution", "5"]);
    assert_eq!(closed.code, 2);
    assert!(closed.stderr.contains("--spoil"), "{}", closed.stderr);
    let open = here.run(&["solution", "5", "--spoil"]);
    assert_eq!(open.code, 0);
    let reference = fs::read_to_string(root().join("labs/05-go-scratch/solution/Dockerfile"));
    assert_eq!(open.stdout, reference.expect("the solution can be read"));
    assert!(open.stderr.contains("── Dockerfile"), "{}", open.stderr);
}

#[test]
fn hints_open_one_step_at_a_time() {
    let here = Sandbox::workspace();
    assert_eq!(
        here.run(&["hint", "5"]).code,
        2,
        "nothing has been checked yet"
    );
    assert_eq!(here.run(&["check", "5", "--static"]).code, 1);
    let steps: Vec<_> = (0..3).map(|_| here.run(&["hint", "5"]).stdout).collect();
    assert!(
        !steps[0].contains("-->") && steps[0].len() < steps[1].len(),
        "{steps:#?}"
    );
    assert_ne!(steps[1], steps[2]);
}

#[test]
fn a_damaged_memory_is_kept_and_begun_again() {
    let here = Sandbox::workspace();
    assert_eq!(here.run(&["check", "5", "--static"]).code, 1);
    fs::create_dir_all(here.path().join(".mslab")).unwrap();
    fs::write(here.path().join(".mslab/state.json"), "not json").unwrap();
    let run = here.run(&["list"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("it is kept as"), "{}", run.stderr);
}

#[test]
fn unknown_names_get_a_suggestion() {
    let here = Sandbox::workspace();
    let run = here.run(&["check", "go-scrach", "--static"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("Did you mean `go-scratch`?"),
        "{}",
        run.stderr
    );
    let run = here.run(&["explain", "non-rot"]);
    assert!(
        run.stderr.contains("Did you mean `non-root`?"),
        "{}",
        run.stderr
    );
    let run = here.run(&["check", "5", "--static", "--format", "jsn"]);
    assert!(run.stderr.contains("json"), "{}", run.stderr);
}

#[test]
fn no_workspace_and_no_engine_say_what_to_do() {
    let nowhere = Sandbox::new();
    let run = nowhere.run(&["check"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("mslab init"), "{}", run.stderr);
    let here = Sandbox::workspace();
    let run = here.run(&["check", "5", "--engine", "unix:///nowhere/docker.sock"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stderr.contains("help:"), "{}", run.stderr);
}

#[test]
fn a_static_check_skips_by_name_and_is_partial() {
    let here = Sandbox::workspace();
    here.lay_over("05-go-scratch", "solution");
    let run = here.run(&["check", "5", "--static", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    assert_eq!(report["partial"], true);
    let status = |key: &str| {
        report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["key"] == key)
            .map(|c| c["status"].clone())
            .unwrap()
    };
    assert_eq!(status("static"), "skipped");
    assert_eq!(status("scratch"), "passed");
    assert!(report["max_score"].as_u64().unwrap() < 100);
}

#[test]
fn a_dockerfile_that_does_not_parse_is_the_learners_to_mend() {
    let here = Sandbox::workspace();
    fs::write(
        here.path().join("exercise-05-go-scratch/Dockerfile"),
        "FROM scratch AS\nRUNN x\n",
    )
    .unwrap();
    let run = here.run(&["check", "5", "--static"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("Dockerfile:"), "{}", run.stdout);
}
