//! `mslab grade --network registries`: packages come, and nothing else comes or goes.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write as _;
use std::process::Command;

use mslab_engine::Engine;
use mslab_tests::{Sandbox, copy, engine, mslab, root};

/// An honest build, and what others try that look like one.
const STUDENTS: [(&str, &str, &str); 4] = [
    ("honest", "npm ci", "passed"),
    (
        "another-host",
        "wget -qO- http://example.com/ && npm ci",
        "failed",
    ),
    (
        "another-host-tls",
        "node -e \"fetch('https://example.com/').then(() => process.exit(0), () => process.exit(7))\" && npm ci",
        "failed",
    ),
    (
        "an-address",
        "wget -Y off -T 5 -qO- http://1.1.1.1/ && npm ci",
        "failed",
    ),
];

fn class() -> Sandbox {
    let here = Sandbox::new();
    fs::create_dir_all(here.path().join("checker/cli")).unwrap();
    fs::write(here.path().join("checker/cli/Cargo.toml"), "").unwrap();
    let labs = root().join("tests/registries/labs");
    copy(&labs, &here.path().join("labs"));
    let solution = labs.join("01-fetches/solution/Dockerfile");
    let solution = fs::read_to_string(solution).unwrap();
    for (student, command, _) in STUDENTS {
        let dir = here.path().join("in").join(student);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("Dockerfile"), solution.replace("npm ci", command)).unwrap();
    }
    here
}

/// The engine that has no other way out, brought up for this test and stopped after it.
struct Private {
    host: String,
}

impl Private {
    fn up() -> Self {
        let up = script(&["up", "--network", "registries", "--quiet"]);
        assert!(
            up.status.success(),
            "{}",
            String::from_utf8_lossy(&up.stderr)
        );
        Self {
            host: String::from_utf8(up.stdout).unwrap().trim().to_owned(),
        }
    }

    /// Carries an image over from the tests' engine: no registry of images can be reached from here.
    fn carry(&self, image: &str) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
        runtime.block_on(async {
            let from = Engine::at(&engine()).await.expect("the engine answers");
            let to = Engine::at(&self.host).await.expect("the engine answers");
            let mut archive = from.export(&[image]);
            let mut file = tempfile::NamedTempFile::new().expect("a file can be made");
            let copied = tokio::task::spawn_blocking(move || {
                std::io::copy(&mut archive, &mut file).map(|_| file)
            });
            let file = copied.await.unwrap().expect("the image can be read");
            let archive = tokio::fs::File::open(file.path()).await.unwrap();
            to.load(archive).await.expect("the image can be loaded");
        });
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let down = script(&["down", "--version", "28-registries"]);
        let _ = std::io::stderr().write_all(&down.stderr);
    }
}

fn script(args: &[&str]) -> std::process::Output {
    Command::new(root().join("scripts/engine"))
        .args(args)
        .env("MSLAB_BIN", mslab())
        .output()
        .expect("scripts/engine can be run")
}

#[test]
fn engine_builds_reach_package_registries_and_nothing_else() {
    let here = class();
    let args = [
        "grade",
        "in",
        "--exercise",
        "1",
        "--network",
        "registries",
        "--patience",
        "10s",
    ];
    let run = here.run_on_engine(&args);
    assert_eq!(run.code, 3, "{run:?}");
    // An engine that others can be reached from is none for this.
    let held = run.stderr.contains("has other ways out");
    assert!(
        held || run.stderr.contains("cannot be held within limits"),
        "{run:?}"
    );
    if !held || !engine().contains("/engine-28/") {
        return;
    }
    let private = Private::up();
    private.carry("node:24-alpine");
    let args = [&["--engine", &private.host], &args[..]].concat();
    let run = here.run(&args);
    assert_eq!(run.code, 1, "{run:?}");
    let class = here.run(&["grade", "report", "--format", "json"]).json();
    for (student, _, state) in STUDENTS {
        let students = class["students"].as_array().unwrap();
        let found = students.iter().find(|s| s["id"] == student).unwrap();
        assert_eq!(found["grades"][0]["state"], state, "{found:#}");
    }
}
