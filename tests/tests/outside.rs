//! The program alone: it carries its labs, so that it works with no checkout and no network.

use std::fs;
use std::process::{Command, Stdio};

use mslab_tests::{Sandbox, mslab};

#[test]
fn a_copied_program_makes_and_checks_exercises() {
    let here = Sandbox::new();
    let home = here.path().join("home");
    let program = here.path().join("mslab");
    fs::create_dir(&home).unwrap();
    fs::copy(mslab(), &program).unwrap();
    let run = |args: &[&str], dir: &str| {
        let output = Command::new(&program)
            .args(args)
            .current_dir(here.path().join(dir))
            .env_clear()
            .env("HOME", &home)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, text) = run(&["init", "learn"], ".");
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&["check", "--static"], "learn");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("exercise-1 "), "{text}");
    // Inside an exercise's folder, that exercise is meant, and its file is named as it is seen from there.
    let (code, text) = run(&["check", "--static"], "learn/exercise-05-go-scratch");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.starts_with("exercise-5 ") && text.contains("╭─ Dockerfile:"),
        "{text}"
    );
    let (code, text) = run(&["graph"], "learn/exercise-05-go-scratch");
    assert_eq!(code, Some(0), "{text}");
}

/// Whenever it is stopped, no exercise is there by half: what is there is whole, and the next run makes the rest.
#[test]
fn an_interrupted_init_leaves_no_half_of_an_exercise() {
    let whole = Sandbox::workspace();
    let list = |here: &Sandbox, folder: &str| -> Option<Vec<_>> {
        let mut names: Vec<_> = fs::read_dir(here.path().join(folder))
            .ok()?
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        Some(names)
    };
    let exercises: Vec<String> = list(&whole, ".")
        .unwrap()
        .into_iter()
        .filter_map(|n| n.into_string().ok())
        .filter(|n| n.starts_with("exercise-"))
        .collect();
    for microseconds in (0..20).map(|n| n * 700) {
        let here = Sandbox::new();
        let mut child = here
            .command(&["init"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_micros(microseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        for exercise in &exercises {
            if let Some(files) = list(&here, exercise) {
                assert_eq!(Some(files), list(&whole, exercise), "{exercise}");
            }
        }
        assert_eq!(here.run(&["init"]).code, 0);
        for exercise in &exercises {
            assert_eq!(list(&here, exercise), list(&whole, exercise), "{exercise}");
        }
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let here = Sandbox::workspace();
    for args in [
        &["list"][..],
        &["explain"],
        &["explain", "non-root"],
        &["completions", "bash"],
        &["check", "5", "--static"],
        &["--help"],
    ] {
        let mut child = here
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code().is_some_and(|c| c < 2),
            "{args:?}: {said}"
        );
        assert!(!said.contains("panicked"), "{args:?}: {said}");
    }
}
