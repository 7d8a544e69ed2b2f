//! The graph for programs: `mslab/graph/v1`.

use serde::Serialize;

use super::View;
use crate::dockerfile::{Command, Dockerfile};
use crate::source::Span;
use crate::stages::{Base, Needs, StageGraph, Via};

#[derive(Serialize)]
struct Graph<'a> {
    schema: &'static str,
    file: &'a str,
    /// Index of the target.
    target: Option<usize>,
    stages: Vec<Stage<'a>>,
    edges: Vec<Edge<'a>>,
    /// What stands before the first stage.
    before: Vec<Line>,
    problems: Vec<Problem<'a>>,
}

#[derive(Serialize)]
struct Stage<'a> {
    index: usize,
    name: Option<String>,
    base: &'a str,
    base_written: Option<&'a str>,
    base_kind: &'static str,
    base_stage: Option<usize>,
    platform: Option<&'a str>,
    line: usize,
    reachable: bool,
    instructions: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    keyword: &'static str,
    line: usize,
    end_line: usize,
}

#[derive(Serialize)]
struct Edge<'a> {
    stage: usize,
    via: &'static str,
    needs_stage: Option<usize>,
    needs_image: Option<&'a str>,
    line: usize,
}

#[derive(Serialize)]
struct Problem<'a> {
    message: &'a str,
    help: Option<&'a str>,
    /// The stage that must be reachable for the engine to meet it.
    stage: Option<usize>,
    /// Whether a build of the target meets it.
    met: bool,
    line: usize,
    column: usize,
}

/// The graph as one JSON document, with what the engine refuses about the file and the graph in its order.
#[must_use]
pub fn json(graph: &StageGraph, dockerfile: &Dockerfile, target: Option<usize>) -> String {
    let view = View::new(graph, dockerfile, target);
    let first = graph
        .stages
        .first()
        .map_or(dockerfile.instructions.len(), |s| s.from);
    let document = Graph {
        schema: "mslab/graph/v1",
        file: dockerfile.source.name(),
        target: view.target,
        stages: graph.stages.iter().map(|s| stage(&view, s)).collect(),
        edges: graph
            .edges
            .iter()
            .map(|e| Edge {
                stage: e.stage,
                via: match e.via {
                    Via::From => "from",
                    Via::Copy => "copy",
                    Via::Mount => "mount",
                },
                needs_stage: match e.needs {
                    Needs::Stage(on) => Some(on),
                    Needs::Image(_) => None,
                },
                needs_image: match &e.needs {
                    Needs::Stage(_) => None,
                    Needs::Image(name) => Some(name),
                },
                line: view.line_of(e.instruction),
            })
            .collect(),
        before: lines(&view, 0..first),
        problems: problems(&view),
    };
    // The document holds only strings, numbers and lists of them, which always serialise.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn stage<'a>(view: &View<'a>, stage: &'a crate::stages::Stage) -> Stage<'a> {
    let (base_kind, base_stage) = match &stage.base {
        Base::Scratch => ("scratch", None),
        Base::Stage(on) => ("stage", Some(*on)),
        Base::Image(_) => ("image", None),
        Base::Unknown => ("unknown", None),
    };
    let written = match &view.dockerfile.instructions[stage.from].command {
        Command::From { image, .. } => Some(image.text.as_str()),
        _ => None,
    };
    Stage {
        index: stage.index,
        name: stage.name.as_ref().map(|n| n.text.to_lowercase()),
        base: &stage.base_name,
        base_written: written,
        base_kind,
        base_stage,
        platform: stage.platform.as_deref(),
        line: view.line(stage),
        reachable: view.needed(stage.index),
        instructions: lines(view, stage.instructions.clone()),
    }
}

fn lines(view: &View<'_>, range: std::ops::Range<usize>) -> Vec<Line> {
    view.dockerfile.instructions[range]
        .iter()
        .map(|i| Line {
            keyword: i.keyword.as_str(),
            line: i.first_line,
            end_line: view.dockerfile.source.position(last_byte(i.span)).line,
        })
        .collect()
}

fn last_byte(span: Span) -> usize {
    span.end.saturating_sub(1).max(span.start)
}

fn problems<'a>(view: &View<'a>) -> Vec<Problem<'a>> {
    let source = &view.dockerfile.source;
    let of_file = view.dockerfile.errors.iter().map(|e| {
        let at = source.position(e.span.start);
        Problem {
            message: &e.message,
            help: e.help.as_deref(),
            stage: None,
            met: true,
            line: at.line,
            column: at.column,
        }
    });
    let of_graph = view.graph.problems.iter().map(|p| {
        let at = source.position(p.span.start);
        Problem {
            message: &p.message,
            help: p.help.as_deref(),
            stage: p.stage,
            met: p.stage.is_none_or(|s| view.needed(s)),
            line: at.line,
            column: at.column,
        }
    });
    of_file.chain(of_graph).collect()
}
