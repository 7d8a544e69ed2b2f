//! What whole-program tests of mslab share: the program, a folder to run it in, and the engine.

pub mod served;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The program under test: `MSLAB_BIN`, or the newest that cargo built beside this test.
///
/// # Panics
/// There is none.
#[must_use]
pub fn mslab() -> PathBuf {
    if let Some(path) = std::env::var_os("MSLAB_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test knows where it is");
    // target/debug/deps/NAME
    let target = test.ancestors().nth(3).expect("cargo puts tests there");
    let name = format!("mslab{}", std::env::consts::EXE_SUFFIX);
    let age = |p: &PathBuf| p.metadata().and_then(|m| m.modified()).ok();
    [
        target.join("release").join(&name),
        target.join("debug").join(&name),
    ]
    .into_iter()
    .filter(|p| p.is_file())
    .max_by_key(age)
    .expect("no mslab to test: run `cargo build -p mslab` first, or `make test`")
}

/// The engine's address.
///
/// # Panics
/// `MSLAB_TEST_ENGINE` is not set: a test that needs an engine fails without one.
#[must_use]
pub fn engine() -> String {
    std::env::var("MSLAB_TEST_ENGINE")
        .expect("this test needs an engine: set MSLAB_TEST_ENGINE to its address, or run `make test`, which brings one up")
}

/// Whether `mslab doctor` says of the tests' engine that it cannot do something, in these words.
pub fn engine_cannot(words: &str) -> bool {
    let doctor = Sandbox::new().run_on_engine(&["doctor", "--format", "json"]);
    let cannot = doctor.json()["engine"]["cannot"].clone();
    let cannot = cannot.as_array().unwrap();
    cannot.iter().any(|c| c.as_str().unwrap().contains(words))
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the repository")
        .to_owned()
}

/// What a run of the program gave.
#[derive(Debug)]
pub struct Run {
    /// The exit code; -1 for a signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(o: Output) -> Self {
        Self {
            code: o.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&o.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&o.stderr).into_owned(),
        }
    }
}

impl Run {
    /// Standard output as JSON.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.stdout, self.stderr))
    }
}

/// What Classroom 50's runner tells those whom it starts.
pub fn classroom50(command: &mut Command) -> &mut Command {
    command
        .env("CLASSROOM", "docker-101")
        .env("ASSIGNMENT", "go-scratch")
        .env("ASSIGNMENT_TYPE", "individual")
        .env("OWNER", "ada")
        .env("SUBMISSION_TAG", "submit/2026-06-01T14-32-05Z-a1b2c3d")
        .env("COMMIT_URL", "https://example.org/commit/a1b2c3d")
        .env("RELEASE_URL", "https://example.org/releases/1")
}

/// A folder to run the program in, with memory and caches of its own.
#[derive(Debug)]
pub struct Sandbox {
    dir: TempDir,
    cache: TempDir,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// An empty folder.
    ///
    /// # Panics
    /// The disk is full.
    #[must_use]
    pub fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a temporary folder can be made");
        Self {
            dir: folder(),
            cache: folder(),
        }
    }

    /// A folder with a workspace in it.
    #[must_use]
    pub fn workspace() -> Self {
        let sandbox = Self::new();
        let run = sandbox.run(&["init"]);
        assert_eq!(run.code, 0, "{run:?}");
        sandbox
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The program with these arguments, ready to run here.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(mslab());
        command
            .args(args)
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .env("MSLAB_CACHE_DIR", self.cache.path())
            .env_remove("GITHUB_STEP_SUMMARY");
        command
    }

    /// Runs the program with these arguments.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Run {
        self.command(args)
            .output()
            .expect("the program can be started")
            .into()
    }

    /// Runs it against the tests' engine.
    ///
    /// # Panics
    /// It cannot be started, or there is no engine.
    #[must_use]
    pub fn run_on_engine(&self, args: &[&str]) -> Run {
        self.command(args)
            .env("DOCKER_HOST", engine())
            .output()
            .expect("the program can be started")
            .into()
    }

    /// An exercise's folder, by its lab's.
    #[must_use]
    pub fn exercise(&self, lab: &str) -> PathBuf {
        self.path().join(format!("exercise-{lab}"))
    }

    /// Lays a lab's folder (`solution`, `attempts/NAME`) over the exercise's files.
    ///
    /// # Panics
    /// A file cannot be copied.
    pub fn lay_over(&self, lab: &str, folder: &str) {
        let from = root().join("labs").join(lab).join(folder);
        copy(&from, &self.exercise(lab));
    }
}

/// The verdicts of a report, by the checks' keys.
///
/// # Panics
/// It is no report.
#[must_use]
pub fn statuses(report: &serde_json::Value, wanted: &str) -> Vec<String> {
    let checks = report["checks"].as_array().expect("a report has checks");
    let of_status = checks.iter().filter(|c| c["status"] == wanted);
    of_status
        .map(|c| c["key"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Sends a signal (`INT`, `TERM`, `KILL`) to a program that a test has started.
///
/// # Panics
/// There is no `kill`, or no such program.
pub fn signal(name: &str, child: &Child) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .expect("kill can be run");
    assert!(status.success(), "no process {}", child.id());
}

/// Waits until `holds`, for a minute at most.
///
/// # Panics
/// It does not come to hold.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a running program says, as it says it.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<String>>);

impl Heard {
    /// Listens until the program ends or closes its end.
    pub fn listen(mut from: impl Read + Send + 'static) -> Self {
        let heard = Self::default();
        let to = heard.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
                to.0.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&text);
            }
        });
        heard
    }

    /// All that was said.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.0.lock();
        text.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it says this, for a minute at most.
    ///
    /// # Panics
    /// It does not.
    pub fn wait_for(&self, words: &str) {
        let begun = Instant::now();
        while !self.text().contains(words) {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "it did not say {words:?}, but\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Copies the files of a folder into another, which is made.
///
/// # Panics
/// If it cannot.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from)
        .expect("a folder that is there")
        .flatten()
    {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
