//! What mslab sends of a folder against what Docker sends of it, for several hundred ignore files.
//!
//! No engine applies an ignore file to what it is given: Docker's client does that, by rules that the engine sends it.
//! `dockerignore.json` has what came of it. With `MSLAB_BLESS=1` and `-- --ignored`, the `docker` command with buildx
//! and its engine fill the table anew.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mslab_engine::context::{ContextError, Kind, Sent};
use serde_json::{Map, Value, json};

fn table_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dockerignore.json")
}

fn table() -> Value {
    let text = fs::read_to_string(table_path()).expect("the table is there");
    serde_json::from_str(&text).expect("the table is JSON")
}

/// One case: a tree of files, a Dockerfile, and the ignore files beside it.
struct Case<'a> {
    row: &'a Value,
    tree: &'a Value,
}

impl<'a> Case<'a> {
    fn all(table: &'a Value) -> Vec<Self> {
        let rows = table["cases"].as_array().expect("cases");
        rows.iter()
            .map(|row| Self {
                row,
                tree: &table["trees"][row["tree"].as_str().expect("a tree")],
            })
            .collect()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.row.get(key).and_then(Value::as_str)
    }

    fn dockerfile(&self) -> &str {
        self.text("dockerfile").unwrap_or("Dockerfile")
    }

    /// Every path by the text in it. Names that end in a slash are folders.
    fn files(&self) -> Vec<(String, String)> {
        let names = self.tree.as_array().expect("a list of names");
        let mut files: Vec<(String, String)> = names
            .iter()
            .map(|name| (name.as_str().expect("a name").to_owned(), "x".to_owned()))
            .collect();
        let dockerfile = self.dockerfile();
        files.push((dockerfile.to_owned(), "FROM scratch\nCOPY . /\n".to_owned()));
        if let Some(text) = self.text("ignore") {
            files.push((".dockerignore".to_owned(), text.to_owned()));
        }
        if let Some(text) = self.text("own") {
            files.push((format!("{dockerfile}.dockerignore"), text.to_owned()));
        }
        files
    }

    /// Makes the folder, and gives every path in it; folders end in a slash.
    fn lay_out(&self, root: &Path) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for (name, text) in self.files() {
            let path = root.join(&name);
            all.extend(
                name.match_indices('/')
                    .map(|(at, _)| name[..=at].to_owned()),
            );
            if name.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().expect("a folder")).unwrap();
                fs::write(path, text).unwrap();
                all.insert(name);
            }
        }
        all
    }

    /// The row with this outcome: what is left out, or why Docker refuses the file.
    fn with(&self, outcome: Result<Vec<String>, String>) -> Map<String, Value> {
        let mut row = self.row.as_object().expect("an object").clone();
        row.remove("left_out");
        row.remove("refused");
        match outcome {
            Ok(left_out) => row.insert("left_out".to_owned(), json!(left_out)),
            Err(why) => row.insert("refused".to_owned(), json!(why)),
        };
        row
    }
}

/// What is missing of `all`; a folder stands for all that is in it.
fn left_out(all: &BTreeSet<String>, sent: &BTreeSet<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for path in all.difference(sent) {
        if !out
            .iter()
            .any(|o| o.ends_with('/') && path.starts_with(o.as_str()))
        {
            out.push(path.clone());
        }
    }
    out
}

fn what_mslab_sends(root: &Path, dockerfile: &str) -> Result<BTreeSet<String>, ContextError> {
    let sent = Sent::of(root, dockerfile)?;
    let shown = sent
        .context
        .entries()
        .map(|(path, entry)| match entry.kind {
            Kind::Directory => format!("{path}/"),
            _ => path.to_owned(),
        });
    Ok(shown.collect())
}

#[test]
fn mslab_sends_what_docker_sends() {
    let table = table();
    let cases = Case::all(&table);
    assert!(cases.len() > 400, "the table has shrunk");
    let mut wrong = Vec::new();
    for case in &cases {
        let folder = tempfile::tempdir().unwrap();
        let all = case.lay_out(folder.path());
        let ours = match what_mslab_sends(folder.path(), case.dockerfile()) {
            Ok(sent) => {
                assert!(sent.is_subset(&all), "{sent:?}");
                Ok(left_out(&all, &sent))
            }
            Err(error @ ContextError::Ignore { .. }) => Err(error.to_string()),
            Err(error) => panic!("{}: {error}", case.row),
        };
        let same = match &ours {
            Ok(left_out) => case.row["left_out"] == json!(left_out),
            Err(_) => case.row.get("refused").is_some(),
        };
        if !same {
            wrong.push(format!("{}\n  mslab: {ours:?}", case.row));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
#[ignore = "fills the table anew: needs the docker command with buildx, and an engine"]
fn engine_fills_the_table() {
    assert!(
        std::env::var_os("MSLAB_BLESS").is_some(),
        "this writes {}: say MSLAB_BLESS=1",
        table_path().display()
    );
    let table = table();
    let mut rows = Vec::new();
    for case in Case::all(&table) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("context");
        let all = case.lay_out(&root);
        let out = folder.path().join("out");
        let built = Command::new("docker")
            .args(["build", "--quiet", "--file"])
            .arg(root.join(case.dockerfile()))
            .arg(format!("--output=type=local,dest={}", out.display()))
            .arg(&root)
            .output()
            .expect("the docker command");
        let outcome = if built.status.success() {
            let mut sent = BTreeSet::new();
            list(&out, "", &mut sent);
            Ok(left_out(&all, &sent))
        } else {
            let message = String::from_utf8_lossy(&built.stderr);
            let last = message.trim().lines().last().unwrap_or_default();
            Err(last
                .rsplit("failed to solve: ")
                .next()
                .unwrap_or_default()
                .to_owned())
        };
        rows.push(case.with(outcome));
    }
    let text = written(&from(), &table["trees"], &rows);
    fs::write(table_path(), text).unwrap();
}

fn list(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().expect("UTF-8"));
        if entry.file_type().unwrap().is_dir() {
            let name = format!("{name}/");
            list(&entry.path(), &name, found);
            found.insert(name);
        } else {
            found.insert(name);
        }
    }
}

/// Which programs the table comes from.
fn from() -> String {
    let says = |args: &[&str]| {
        let output = Command::new("docker").args(args).output().expect("docker");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    format!(
        "Docker {}, with the docker command {} and {}",
        says(&["version", "--format", "{{.Server.Version}}"]),
        says(&["version", "--format", "{{.Client.Version}}"]),
        says(&["buildx", "version"]),
    )
}

/// The table with a case on each line.
fn written(from: &str, trees: &Value, rows: &[Map<String, Value>]) -> String {
    let mut text = format!("{{\n  \"from\": {},\n  \"trees\": {{\n", json!(from));
    let trees: Vec<String> = trees
        .as_object()
        .expect("trees by name")
        .iter()
        .map(|(name, tree)| format!("    {}: {}", json!(name), visible(tree)))
        .collect();
    let _ = write!(text, "{}\n  }},\n  \"cases\": [\n", trees.join(",\n"));
    let rows: Vec<String> = rows
        .iter()
        .map(|row| format!("    {}", visible(&json!(row))))
        .collect();
    let _ = write!(text, "{}\n  ]\n}}\n", rows.join(",\n"));
    text
}

/// JSON in one line, with marks that nobody sees as escapes.
fn visible(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if matches!(c, '\u{a0}' | '\u{301}' | '\u{2003}' | '\u{feff}') {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}
