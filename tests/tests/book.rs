//! What the book shows is true: its transcripts say what mslab says, and its example Dockerfiles are sound and build.
//!
//! `TRYCMD=overwrite cargo test -p mslab-tests --test book` writes the transcripts anew, and `MSLAB_BLESS=1` those that
//! are measured.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mslab_tests::{Sandbox, copy, engine, mslab, root};

/// The image check that the examples of a lesson's first steps fail on purpose.
const NON_ROOT: &str = "non-root";

/// How the names of transcripts begin whose figures are those of the day when they were written: a base image changes by
/// some bytes whenever its distribution mends something.
const MEASURED: &str = "measured-";

#[test]
fn transcripts_say_what_mslab_says() {
    run_transcripts(false, "unix:///nowhere/docker.sock");
}

#[test]
fn engine_transcripts_say_what_mslab_says() {
    run_transcripts(true, &engine());
}

/// Runs the book's transcripts: those for an engine, or those for none.
fn run_transcripts(on_engine: bool, host: &str) {
    let cache = tempfile::tempdir().expect("a temporary folder can be made");
    let cases = trycmd::TestCases::new();
    cases
        .register_bin("mslab", mslab())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .env("MSLAB_CACHE_DIR", cache.path().to_string_lossy())
        .env("DOCKER_HOST", host)
        .timeout(Duration::from_secs(600));
    let mut found = 0;
    for path in files(&root().join("book/transcripts")) {
        let name = name_of(&path);
        if !name.ends_with(".trycmd")
            || name.starts_with(MEASURED)
            || name.starts_with("engine-") != on_engine
        {
            continue;
        }
        cases.case(&path);
        found += 1;
    }
    assert!(found > 0, "the book has no such transcript");
    cases.run();
}

#[test]
fn engine_measured_transcripts_differ_in_figures_only() {
    let mut seen = 0;
    for path in files(&root().join("book/transcripts")) {
        if !name_of(&path).starts_with(MEASURED) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (title, shown) = text.split_once("$ mslab ").expect("a command");
        let (arguments, told) = shown.split_once('\n').expect("what it prints");
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let run = Sandbox::new().run_on_engine(&arguments);
        assert_eq!(run.code, 0, "{run:?}");
        let now = format!("{}```\n", run.stdout);
        seen += 1;
        if std::env::var_os("MSLAB_BLESS").is_some() {
            let command = arguments.join(" ");
            fs::write(&path, format!("{title}$ mslab {command}\n{now}")).unwrap();
            continue;
        }
        assert_eq!(
            without_figures(told),
            without_figures(&now),
            "{}",
            path.display()
        );
    }
    assert!(seen > 0, "the book has no such transcript");
}

/// Lines of words, with `#` for every figure and digest, and one blank where there are several: figures are as wide as
/// they are large.
fn without_figures(text: &str) -> Vec<String> {
    let plain = |word: &str| {
        if word.starts_with("sha256:") {
            return "#".to_owned();
        }
        let mut plain = word.replace(|c: char| c.is_ascii_digit() || c == '.' || c == ',', "#");
        while plain.contains("##") {
            plain = plain.replace("##", "#");
        }
        plain
    };
    let line = |l: &str| {
        l.split_whitespace()
            .map(plain)
            .collect::<Vec<_>>()
            .join(" ")
    };
    text.lines().map(line).collect()
}

#[test]
fn examples_are_sound() {
    let book = Examples::read();
    let here = Sandbox::new();
    for path in &book.dockerfiles {
        let run = here.run(&[
            "check",
            "--format",
            "json",
            "--file",
            &path.to_string_lossy(),
        ]);
        let report = run.json();
        let report = report.as_array().map_or(&report, |all| &all[0]);
        let failed: BTreeSet<String> = mslab_tests::statuses(report, "failed")
            .into_iter()
            .collect();
        let expected: BTreeSet<String> = book
            .findings(path)
            .iter()
            .filter(|f| *f != NON_ROOT)
            .cloned()
            .collect();
        assert_eq!(failed, expected, "{}: what the text shows", path.display());
    }
}

#[test]
fn engine_examples_build() {
    let book = Examples::read();
    let mut folders: BTreeMap<PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    for path in book
        .dockerfiles
        .iter()
        .filter(|p| !book.not_built.contains(*p))
    {
        let folder = path.parent().expect("a file is in a folder");
        folders.entry(folder.to_owned()).or_default().push(path);
    }
    for (folder, dockerfiles) in folders {
        let here = Sandbox::new();
        // A repository with one lab in it, which has a build for each of the Dockerfiles.
        fs::create_dir_all(here.path().join("checker/cli")).unwrap();
        fs::write(here.path().join("checker/cli/Cargo.toml"), "").unwrap();
        let lab = here.path().join("labs/01-example");
        for part in ["starter", "solution"] {
            copy(&folder, &lab.join(part));
        }
        fs::write(lab.join("README.md"), "# An example\n").unwrap();
        fs::write(lab.join("lab.toml"), lab_toml(&dockerfiles)).unwrap();
        let run = here.run_on_engine(&["check", "example", "--format", "json"]);
        let report = run.json();
        let not = |wanted: &str| mslab_tests::statuses(&report, wanted);
        assert!(
            not("error").is_empty() && not("skipped").is_empty(),
            "{}: {run:?}",
            folder.display()
        );
        let failed: BTreeSet<String> = not("failed").into_iter().collect();
        let expected: BTreeSet<String> = dockerfiles
            .iter()
            .filter(|p| book.findings(p).contains(NON_ROOT))
            .map(|p| format!("{}-user", key_of(p)))
            .collect();
        assert_eq!(
            failed,
            expected,
            "{}: what is built: {run:?}",
            folder.display()
        );
    }
}

/// A lab that builds each of these, and asks who runs it.
fn lab_toml(dockerfiles: &[&PathBuf]) -> String {
    let mut text = String::from(
        "schema = 1\ntitle = \"An example\"\nlesson = \"book\"\ntime-limit = \"900s\"\n[files]\nlearner = [\"Dockerfile\"]\n",
    );
    for path in dockerfiles {
        let (key, name) = (key_of(path), name_of(path));
        writeln!(
            text,
            "[[build]]\nkey = \"{key}\"\ndockerfile = \"{name}\"\ntarget = [\"@last\"]"
        )
        .unwrap();
    }
    // A lab's points add up to 100.
    let mut left = 100;
    let each = 50 / dockerfiles.len();
    for (i, path) in dockerfiles.iter().enumerate() {
        let key = key_of(path);
        let last = if i + 1 == dockerfiles.len() {
            left - each
        } else {
            each
        };
        left -= each + last;
        writeln!(
            text,
            "[[check]]\nid = \"builds\"\nkey = \"{key}-builds\"\nbuild = \"{key}\"\npoints = {each}\n\
             [[check]]\nid = \"{NON_ROOT}\"\nkey = \"{key}-user\"\nbuild = \"{key}\"\npoints = {last}"
        )
        .unwrap();
    }
    text
}

/// The book's examples, and what `examples.toml` says of them.
struct Examples {
    dockerfiles: Vec<PathBuf>,
    not_built: BTreeSet<PathBuf>,
    expected: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl Examples {
    fn read() -> Self {
        let folder = root().join("book/examples");
        let text =
            fs::read_to_string(folder.join("examples.toml")).expect("book/examples/examples.toml");
        let table: toml::Table = text.parse().expect("examples.toml is TOML");
        let mut dockerfiles = Vec::new();
        for example in files(&folder).into_iter().filter(|p| p.is_dir()) {
            dockerfiles.extend(
                files(&example)
                    .into_iter()
                    .filter(|p| name_of(p).ends_with("Dockerfile")),
            );
        }
        let entries = |list: &str, of: &str| -> Vec<(PathBuf, String)> {
            let all = table.get(list).and_then(toml::Value::as_array);
            all.into_iter()
                .flatten()
                .map(|entry| {
                    let file = folder.join(entry["file"].as_str().expect("a file"));
                    assert!(
                        dockerfiles.contains(&file),
                        "examples.toml names {}",
                        file.display()
                    );
                    (file, entry[of].as_str().expect(of).to_owned())
                })
                .collect()
        };
        let not_built = entries("not-built", "why")
            .into_iter()
            .map(|(file, _)| file)
            .collect();
        let mut expected: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
        for (file, finding) in entries("expect", "finding") {
            expected.entry(file).or_default().insert(finding);
        }
        assert!(
            dockerfiles.len() > 10,
            "the book's examples are not where they were"
        );
        Self {
            dockerfiles,
            not_built,
            expected,
        }
    }

    fn findings(&self, path: &Path) -> BTreeSet<String> {
        self.expected.get(path).cloned().unwrap_or_default()
    }
}

/// What is in a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|e| e.expect("a readable entry").path())
        .collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// `1-single` of `1-single.Dockerfile`, and `plain` of `Dockerfile`.
fn key_of(path: &Path) -> String {
    let name = name_of(path);
    name.strip_suffix(".Dockerfile")
        .unwrap_or("plain")
        .to_owned()
}
