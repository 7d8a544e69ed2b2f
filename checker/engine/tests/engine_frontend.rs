//! mslab's reading of Dockerfiles against the engine's own: what is refused, the stages, and their bases.
//!
//! The files are the corpus in `tests/`, and every Dockerfile of the labs, of the book and of the stand-ins. Nothing is built.
//! mslab follows the frontend of Docker 28.5; other engines know other rules, and there the test says that it did not
//! compare.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::StreamExt;
use mslab_core::dockerfile::{Command, Dockerfile, parse};
use mslab_core::source::Source;
use mslab_core::stages::{Base, BuildOptions, Needs, StageGraph};
use mslab_engine::context::{Context, pack};
use mslab_engine::{BuildRequest, Engine, Target, Targets};
use support::engine;

/// The versions whose frontend mslab follows.
const FOLLOWED: &str = "Docker 28.5.";
/// How many requests run at once.
const AT_ONCE: usize = 4;

/// Files on which the two differ, each with its reason.
const DIFFERENCES: [(&str, &str); 0] = [];

#[tokio::test]
async fn engine_frontend_reads_dockerfiles_as_mslab_does() {
    let engine = engine().await;
    let label = engine.identity().label();
    if !label.starts_with(FOLLOWED) {
        eprintln!("{label} has another frontend than {FOLLOWED}x: nothing was compared");
        return;
    }
    let files = dockerfiles();
    assert!(
        files.len() > 500,
        "{} files: the corpus has shrunk",
        files.len()
    );
    let started = Instant::now();
    let engine = &engine;
    let compared: Vec<(String, Option<String>)> = futures_util::stream::iter(files)
        .map(|path| async move { (shown(&path), difference(engine, &path).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let took = started.elapsed();
    println!("{} files in {:.1} s", compared.len(), took.as_secs_f64());
    let mut wrong = Vec::new();
    for (name, difference) in &compared {
        let known = DIFFERENCES.iter().find(|(file, _)| file == name);
        match (difference, known) {
            (Some(difference), None) => wrong.push(format!("{name}: {difference}")),
            (None, Some((_, reason))) => {
                wrong.push(format!(
                    "{name}: differs no more, though it is listed: {reason}"
                ));
            }
            _ => {}
        }
    }
    let names: BTreeSet<&str> = compared.iter().map(|(name, _)| name.as_str()).collect();
    for (name, _) in DIFFERENCES {
        if !names.contains(name) {
            wrong.push(format!("{name}: is listed, and is not there"));
        }
    }
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A path as seen from the repository.
fn shown(path: &Path) -> String {
    let relative = path.strip_prefix(root()).unwrap_or(path);
    relative.to_string_lossy().into_owned()
}

fn dockerfiles() -> Vec<PathBuf> {
    let mut found = vec![root().join("Dockerfile")];
    for folder in [
        "tests",
        "labs",
        "book/examples",
        "checker/engine/stand-ins",
        "fuzz/seeds/dockerfile",
    ] {
        collect(&root().join(folder), &mut found);
    }
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder that can be read") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "node_modules" {
            collect(&path, found);
        } else if path.is_file() && name.ends_with("Dockerfile") {
            found.push(path);
        }
    }
}

/// Where the engine and mslab do not agree about a file.
async fn difference(engine: &Engine, path: &Path) -> Option<String> {
    let bytes = fs::read(path).expect("a Dockerfile that can be read");
    let file = parse(Source::new("Dockerfile", bytes.as_slice()));
    let options = BuildOptions {
        target_platform: engine.identity().platform.clone(),
        build_platform: engine.identity().platform.clone(),
        ..BuildOptions::default()
    };
    let graph = StageGraph::build(&file, &options);
    let mut context = Context::empty();
    context.put("Dockerfile", bytes.clone(), 0o644).unwrap();
    let archive = pack(&context, "Dockerfile", &bytes).expect("a Dockerfile can be packed");
    let mut request = BuildRequest::new(archive);
    // No base image is looked for: what it holds is not the question.
    request.named_contexts = images(&graph)
        .into_iter()
        .map(|image| (image, "scratch".to_owned()))
        .collect();
    let theirs = match engine.targets(&request).await {
        Ok(theirs) => theirs,
        Err(error) => return Some(format!("the engine gave no answer: {error}")),
    };
    refusals(&file, &graph, &theirs).or_else(|| stages(&file, &graph, &theirs.stages))
}

/// Images that the file names, which are stages or contexts of the build nowhere.
fn images(graph: &StageGraph) -> BTreeSet<String> {
    let bases = graph.stages.iter().filter_map(|s| match &s.base {
        Base::Image(name) => Some(name.clone()),
        _ => None,
    });
    let used = graph.edges.iter().filter_map(|e| match &e.needs {
        Needs::Image(name) => Some(name.clone()),
        Needs::Stage(_) => None,
    });
    bases.chain(used).filter(|name| name != "scratch").collect()
}

fn refusals(file: &Dockerfile, graph: &StageGraph, theirs: &Targets) -> Option<String> {
    let of_file = file.errors.first().map(|e| &e.message);
    let ours = of_file.or(graph.problems_for(None).first().map(|p| &p.message));
    match (ours, &theirs.refused) {
        (Some(message), None) => Some(format!("mslab alone refuses it: {message}")),
        (None, Some((message, _))) => Some(format!("the engine alone refuses it: {message}")),
        _ => None,
    }
}

/// Compares the stages of a file that the engine can read.
fn stages(file: &Dockerfile, graph: &StageGraph, theirs: &[Target]) -> Option<String> {
    if theirs.is_empty() {
        return None;
    }
    let last = graph.stages.len().saturating_sub(1);
    let ours: Vec<Target> = graph
        .stages
        .iter()
        .map(|stage| {
            let from = &file.instructions[stage.from];
            let (image, platform) = match &from.command {
                Command::From {
                    image, platform, ..
                } => (image.text.clone(), platform.as_ref()),
                _ => Default::default(),
            };
            Target {
                name: stage
                    .name
                    .as_ref()
                    .map_or_else(String::new, |n| n.text.to_lowercase()),
                base: image,
                platform: platform.map_or_else(String::new, |p| p.text.clone()),
                default: stage.index == last,
                line: Some(from.first_line),
            }
        })
        .collect();
    (ours != theirs).then(|| format!("mslab reads {ours:?}, the engine {theirs:?}"))
}
