//! A class in which almost everybody means harm: each gets a verdict, and nobody else notices.
#![cfg(target_os = "linux")]

mod recipe;
mod reports;
mod whole;

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use mslab_tests::{Sandbox, copy, engine_cannot, root};
use recipe::Recipe;
use whole::Machine;

/// What the class is graded with: little, so that what has no end meets its limit soon.
const LIMITS: [&str; 20] = [
    "--exercise",
    "1",
    "--network",
    "none",
    "--memory",
    "128MB",
    "--pids",
    "64",
    "--disk",
    "64MB",
    "--timeout",
    "12s",
    "--max-context",
    "1MB",
    "--max-log",
    "64kB",
    "--allow-base",
    "alpine:3.22",
    "--allow-syntax",
    "docker/dockerfile:1*",
];

/// The recipes, by the ids of their students.
fn recipes() -> BTreeMap<String, Recipe> {
    let dir = root().join("tests/hostile/submissions");
    let mut recipes = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let recipe: Recipe =
            toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        recipes.insert(recipe.student.clone().unwrap_or(name), recipe);
    }
    recipes
}

/// A folder with the lab that the class is graded by, and nothing else of the repository.
fn sandbox() -> Sandbox {
    let here = Sandbox::new();
    fs::create_dir_all(here.path().join("checker/cli")).unwrap();
    fs::write(here.path().join("checker/cli/Cargo.toml"), "").unwrap();
    copy(
        &root().join("tests/hostile/labs"),
        &here.path().join("labs"),
    );
    here
}

/// The second time everything is there already, so that the sum of a run's parts is not all that is seen of it.
#[test]
fn engine_a_hostile_class_gets_its_verdicts_and_the_machine_stays_whole() {
    let recipes = recipes();
    assert!(recipes.len() >= 40, "{} recipes", recipes.len());
    let here = sandbox();
    let class = here.path().join("in");
    fs::create_dir(&class).unwrap();
    for (student, recipe) in &recipes {
        recipe.lay_out(student, &class);
    }
    let before = Machine::look();
    let begun = Instant::now();
    let args = [&["grade", "in", "--output", "out"], &LIMITS[..]].concat();
    let run = here.run_on_engine(&args);
    let took = begun.elapsed();
    if !whole::is_root() || engine_cannot("be held within limits") {
        // Where no control groups can be made, or the engine knows none, that is said, and nothing is built.
        assert_eq!(run.code, 3, "{run:?}");
        assert!(
            run.stderr.contains("cannot be held within limits"),
            "{run:?}"
        );
        return;
    }
    assert_eq!(run.code, 1, "{run:?}");
    println!("{} submissions in {} s", recipes.len(), took.as_secs());
    Machine::look().is_whole(&before);

    let grades = fs::read_to_string(here.path().join("out/grades.json")).unwrap();
    let grades: serde_json::Value = serde_json::from_str(&grades).unwrap();
    let students = grades["students"].as_array().unwrap();
    assert_eq!(students.len(), recipes.len());
    let mut wrong = Vec::new();
    for (student, recipe) in &recipes {
        let found = students.iter().find(|s| reports::is_id(&s["id"], student));
        let Some(found) = found else {
            wrong.push(format!("{student:?} is not in the report"));
            continue;
        };
        let expect = &recipe.expect;
        let grade = &found["grades"][0];
        let text = grade.to_string();
        if grade["state"] != expect.state.as_str() || !text.contains(&expect.says) {
            wrong.push(format!(
                "{student:?}: {} `{}` expected\n{found:#}",
                expect.state, expect.says
            ));
        }
        if expect.state == "passed" && grade["mark"] != 100 {
            wrong.push(format!("{student:?} lost points\n{found:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));

    let never: Vec<&str> = recipes
        .values()
        .filter_map(|r| r.expect.never.as_deref())
        .collect();
    reports::are_whole(&here.path().join("out"), &never);
    reports::is_harmless(
        "the terminal",
        &format!("{}{}", run.stdout, run.stderr),
        &never,
    );
    // What a name would have made of itself in the machine's own folders.
    for place in [
        "/tmp/mslab-hostile-was-here",
        "was-here",
        "in/was-here",
        "in/odd-names/was-here",
    ] {
        assert!(!here.path().join(place).exists(), "{place}");
    }
    assert!(took < Duration::from_secs(300), "{took:?}");
}
