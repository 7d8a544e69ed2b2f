//! The graph for programs: `mslab/graph/v1`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::View;
use crate::dockerfile::{Command, Dockerfile};
use crate::source::Span;
use crate::stages::{Base, Needs, StageGraph, Via};

/// What names the form of the document.
const SCHEMA: &str = "mslab/graph/v1";

/// The stage graph of a Dockerfile.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Graph<'a> {
    /// `mslab/graph/v1`.
    schema: &'static str,
    /// The file, as it was named.
    file: &'a str,
    /// Index of the target; null where there is no stage.
    target: Option<usize>,
    /// The stages in the order of the file.
    stages: Vec<Stage<'a>>,
    /// What the stages need.
    edges: Vec<Edge<'a>>,
    /// What stands before the first stage.
    before: Vec<Line>,
    /// In the order in which the engine meets them.
    problems: Vec<Problem<'a>>,
}

/// One stage.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Stage<'a> {
    /// Position in the file, from 0.
    index: usize,
    /// The name after `AS`, in lower case.
    name: Option<String>,
    /// The base with its variables replaced; empty where that failed.
    base: &'a str,
    /// The base as it is written.
    base_written: Option<&'a str>,
    /// What the base is.
    base_kind: BaseKind,
    /// Index of the base where it is a stage.
    base_stage: Option<usize>,
    /// `--platform` with its variables replaced.
    platform: Option<&'a str>,
    /// The line of its `FROM`, from 1.
    line: usize,
    /// Whether the target needs it.
    reachable: bool,
    /// Its instructions, the `FROM` included.
    instructions: Vec<Line>,
}

/// An instruction, by its lines in the file, from 1.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Line {
    /// The instruction, in capitals.
    keyword: &'static str,
    /// Its first line.
    line: usize,
    /// Its last line.
    end_line: usize,
}

/// One use of a stage or an image by a stage. One of `needs_stage` and `needs_image` is there.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Edge<'a> {
    /// Index of the stage that needs.
    stage: usize,
    /// Through what it needs.
    via: Way,
    /// Index of the stage that is needed.
    needs_stage: Option<usize>,
    /// The image, or the named context, that is needed.
    needs_image: Option<&'a str>,
    /// The line of the instruction, from 1.
    line: usize,
}

/// What the engine refuses about the file or the graph.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Problem<'a> {
    /// What is wrong.
    message: &'a str,
    /// What to do.
    help: Option<&'a str>,
    /// The stage that must be reachable for the engine to meet it.
    stage: Option<usize>,
    /// Whether a build of the target meets it.
    met: bool,
    /// The line of the words at fault, from 1.
    line: usize,
    /// Their column, from 1.
    column: usize,
}

/// What a stage starts from.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum BaseKind {
    /// Nothing.
    Scratch,
    /// An earlier stage.
    Stage,
    /// An image, or a named context.
    Image,
    /// Its name could not be read.
    Unknown,
}

/// The instruction through which something is needed.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Way {
    /// `FROM`
    From,
    /// `COPY --from`
    Copy,
    /// `RUN --mount=…,from=`
    Mount,
}

/// JSON schema of what [`json`] writes, as committed in `schema/graph.v1.json`.
#[must_use]
pub fn json_schema() -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Graph<'static>>();
    schema.insert("title".into(), "mslab graph, version 1".into());
    if let Some(properties) = schema.get_mut("properties").and_then(|p| p.as_object_mut())
        && let Some(id) = properties.get_mut("schema").and_then(|s| s.as_object_mut())
    {
        id.insert("const".to_owned(), SCHEMA.into());
    }
    schema
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
        schema: SCHEMA,
        file: dockerfile.source.name(),
        target: view.target,
        stages: graph.stages.iter().map(|s| stage(&view, s)).collect(),
        edges: graph
            .edges
            .iter()
            .map(|e| Edge {
                stage: e.stage,
                via: match e.via {
                    Via::From => Way::From,
                    Via::Copy => Way::Copy,
                    Via::Mount => Way::Mount,
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
        Base::Scratch => (BaseKind::Scratch, None),
        Base::Stage(on) => (BaseKind::Stage, Some(*on)),
        Base::Image(_) => (BaseKind::Image, None),
        Base::Unknown => (BaseKind::Unknown, None),
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
