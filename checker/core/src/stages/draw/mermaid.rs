//! The graph as a Mermaid flowchart, which Markdown on many sites draws.

use super::{End, Kind, View, visible};
use crate::dockerfile::Dockerfile;
use crate::stages::StageGraph;

/// Draws the graph. Lines go from what is needed to what needs it; thick ones are `FROM`, dotted ones mounts.
#[must_use]
pub fn mermaid(graph: &StageGraph, dockerfile: &Dockerfile, target: Option<usize>) -> String {
    let view = View::new(graph, dockerfile, target);
    let mut out = String::from("flowchart LR\n");
    let numbers = view.image_numbers();
    for (i, name) in view.images.keys().enumerate() {
        out.push_str(&format!("  image{i}[/\"{}\"/]\n", escaped(name)));
    }
    for stage in &graph.stages {
        let class = if view.target == Some(stage.index) {
            ":::target"
        } else if view.needed(stage.index) {
            ""
        } else {
            ":::idle"
        };
        out.push_str(&format!(
            "  stage{}[\"{}<br/>FROM {}\"]{class}\n",
            stage.index,
            escaped(&view.title(stage.index)),
            escaped(&view.base(stage.index))
        ));
    }
    for link in &view.lines {
        let from = match link.from {
            End::Stage(stage) => format!("stage{stage}"),
            End::Image(name) => format!("image{}", numbers[name]),
        };
        let kinds: Vec<_> = link.via.iter().map(|k| k.word()).collect();
        let arrow = match link.via.first() {
            Some(Kind::From) => "==>",
            Some(Kind::Copy) => "-->",
            _ => "-.->",
        };
        out.push_str(&format!(
            "  {from} {arrow}|{}| stage{}\n",
            kinds.join("+"),
            link.to
        ));
    }
    out.push_str("  classDef target stroke-width:3px\n");
    out.push_str("  classDef idle opacity:0.5,stroke-dasharray:4\n");
    out
}

/// Text inside Mermaid's double quotes, where anything but letters, digits and a few marks is an entity.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in visible(text).chars() {
        if c.is_alphanumeric() || " .:/-_@".contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("#{};", u32::from(c)));
        }
    }
    out
}
