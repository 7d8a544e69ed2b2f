//! `mslab graph`: the stage graph of any Dockerfile.

use std::path::{Path, PathBuf};

use mslab_core::diagnostic::did_you_mean;
use mslab_core::dockerfile;
use mslab_core::stages::{BuildOptions, StageGraph, draw};

use crate::args::GraphFormat;
use crate::check::evidence;
use crate::commands::check::print;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::workspace::Surroundings;

/// Draws it.
pub(crate) fn run(file: &Path, format: GraphFormat, target: Option<&str>) -> Result<Exit> {
    let exercise = exercise(file);
    let file = exercise.as_deref().unwrap_or(file);
    let inside = file.join("Dockerfile");
    let file = if file.is_dir() { &inside } else { file };
    let name = file.to_string_lossy();
    let dockerfile = dockerfile::parse(
        evidence::read(file, &name)
            .map_err(|f| f.help("Name a Dockerfile, the folder of one, or an exercise."))?,
    );
    let graph = StageGraph::build(&dockerfile, &BuildOptions::default());
    let target = match target {
        None => graph.stages.last(),
        Some(name) => Some(graph.find(name).ok_or_else(|| {
            let labels: Vec<String> = graph
                .stages
                .iter()
                .map(mslab_core::stages::Stage::label)
                .collect();
            let help = match did_you_mean(name, labels.iter().map(String::as_str)) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("The stages are {}.", labels.join(", ")),
            };
            Failure::usage(format!("{} has no stage called `{name}`", file.display())).help(help)
        })?),
    };
    let target = target.map(|t| t.index);
    let text = match format {
        GraphFormat::Tree => draw::tree(&graph, &dockerfile, target),
        GraphFormat::Svg => draw::svg(&graph, &dockerfile, target),
        GraphFormat::Dot => draw::dot(&graph, &dockerfile, target),
        GraphFormat::Mermaid => draw::mermaid(&graph, &dockerfile, target),
        GraphFormat::Json => draw::json(&graph, &dockerfile, target),
    };
    print(&text)?;
    for error in &dockerfile.errors {
        let at = dockerfile.source.position(error.span.start);
        Failure::usage(&error.message)
            .at(format!("{name}:{}:{}", at.line, at.column))
            .help(error.help.clone().unwrap_or_default())
            .print();
    }
    let refused = !dockerfile.errors.is_empty() || !graph.problems_for(target).is_empty();
    Ok(if refused { Exit::Work } else { Exit::Passed })
}

/// The folder of an exercise, where there is no such file and an exercise is called that.
fn exercise(name: &Path) -> Option<PathBuf> {
    if name.exists() {
        return None;
    }
    let here = Surroundings::here().ok()?;
    let lab = here.labs.find(name.to_str()?).ok()?;
    Some(here.workspace?.exercise_dir(&lab)).filter(|dir| dir.is_dir())
}
