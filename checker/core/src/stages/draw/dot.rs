//! The graph in Graphviz's language.

use super::{End, Kind, View, visible};
use crate::dockerfile::Dockerfile;
use crate::stages::StageGraph;

/// Draws the graph for `dot -Tsvg`. Lines go from what is needed to what needs it.
#[must_use]
pub fn dot(graph: &StageGraph, dockerfile: &Dockerfile, target: Option<usize>) -> String {
    let view = View::new(graph, dockerfile, target);
    let mut out = String::from(
        "digraph stages {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n",
    );
    let numbers = view.image_numbers();
    for (i, (name, needed)) in view.images.iter().enumerate() {
        let dim = if *needed {
            ""
        } else {
            ", fontcolor=gray, color=gray"
        };
        out.push_str(&format!(
            "  image{i} [label={}, shape=note{dim}];\n",
            quoted(name)
        ));
    }
    for stage in &graph.stages {
        let label = format!(
            "{}\nFROM {}",
            view.title(stage.index),
            view.base(stage.index)
        );
        let look = if view.target == Some(stage.index) {
            ", penwidth=2"
        } else if view.needed(stage.index) {
            ""
        } else {
            ", style=\"rounded,dashed\", fontcolor=gray, color=gray"
        };
        out.push_str(&format!(
            "  stage{} [label={}{look}];\n",
            stage.index,
            quoted(&label)
        ));
    }
    for link in &view.lines {
        let from = match link.from {
            End::Stage(stage) => format!("stage{stage}"),
            End::Image(name) => format!("image{}", numbers[name]),
        };
        let kinds: Vec<_> = link.via.iter().map(|k| k.word()).collect();
        let style = if link.via.contains(&Kind::From) {
            "bold"
        } else {
            "solid"
        };
        out.push_str(&format!(
            "  {from} -> stage{} [label={}, style={style}];\n",
            link.to,
            quoted(&kinds.join("+"))
        ));
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    let lines: Vec<_> = text
        .split('\n')
        .map(|l| visible(l).replace('\\', "\\\\").replace('"', "\\\""))
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}
