//! Drawings of a stage graph: a tree for the terminal, SVG, DOT, Mermaid and JSON.
//!
//! Each is a pure function of the graph, its file and the target; `None` is what a build makes, [`StageGraph::target`],
//! or the last stage where that is missing. Stages that the target
//! does not need stay in the drawing, set back and said to be so in words.

mod dot;
mod json;
mod layout;
mod mermaid;
mod svg;
mod tree;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use dot::dot;
pub use json::{json, json_schema};
pub use mermaid::mermaid;
pub use svg::svg;
pub use tree::tree;

use super::graph::{Base, Needs, Stage, StageGraph, Via};
use crate::dockerfile::Dockerfile;

/// What is drawn, in the order in which it is drawn.
struct View<'a> {
    graph: &'a StageGraph,
    dockerfile: &'a Dockerfile,
    target: Option<usize>,
    reachable: BTreeSet<usize>,
    /// Images and contexts that are no stages, each once, with whether the target needs it.
    images: BTreeMap<&'a str, bool>,
    /// Each pair once, with the ways in which the stage uses what it needs.
    lines: Vec<Link<'a>>,
}

/// That a stage uses something.
struct Link<'a> {
    from: End<'a>,
    to: usize,
    via: BTreeSet<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End<'a> {
    Stage(usize),
    Image(&'a str),
}

/// [`Via`] with an order: what shapes the drawing most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    From,
    Copy,
    Mount,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::From => "FROM",
            Self::Copy => "COPY",
            Self::Mount => "mount",
        }
    }
}

impl From<Via> for Kind {
    fn from(via: Via) -> Self {
        match via {
            Via::From => Self::From,
            Via::Copy => Self::Copy,
            Via::Mount => Self::Mount,
        }
    }
}

impl<'a> View<'a> {
    fn new(graph: &'a StageGraph, dockerfile: &'a Dockerfile, target: Option<usize>) -> Self {
        let target = target
            .filter(|t| *t < graph.stages.len())
            .or_else(|| graph.target())
            .or(graph.stages.len().checked_sub(1));
        let reachable = target.map(|t| graph.reachable(t)).unwrap_or_default();
        let mut images = BTreeMap::new();
        let mut lines: BTreeMap<(usize, End<'a>), BTreeSet<Kind>> = BTreeMap::new();
        for edge in &graph.edges {
            let from = match &edge.needs {
                Needs::Stage(stage) => End::Stage(*stage),
                Needs::Image(name) => {
                    *images.entry(name.as_str()).or_insert(false) |=
                        reachable.contains(&edge.stage);
                    End::Image(name)
                }
            };
            lines
                .entry((edge.stage, from))
                .or_default()
                .insert(edge.via.into());
        }
        let lines = lines
            .into_iter()
            .map(|((to, from), via)| Link { from, to, via })
            .collect();
        Self {
            graph,
            dockerfile,
            target,
            reachable,
            images,
            lines,
        }
    }

    /// Each image's place in the order of the names.
    fn image_numbers(&self) -> HashMap<&'a str, usize> {
        self.images
            .keys()
            .enumerate()
            .map(|(i, n)| (*n, i))
            .collect()
    }

    /// Whether a stage is drawn in full.
    fn needed(&self, stage: usize) -> bool {
        self.reachable.contains(&stage)
    }

    /// The line of a stage's `FROM`, from 1.
    fn line(&self, stage: &Stage) -> usize {
        self.line_of(stage.from)
    }

    /// The line of an instruction, from 1.
    fn line_of(&self, instruction: usize) -> usize {
        self.dockerfile
            .instructions
            .get(instruction)
            .map_or(0, |i| i.first_line)
    }

    /// What a stage is called: its name, or `stage 2`.
    fn title(&self, stage: usize) -> String {
        let stage = &self.graph.stages[stage];
        match &stage.name {
            Some(name) => visible(&name.text),
            None => format!("stage {}", stage.index),
        }
    }

    /// What a stage starts from, in a few words.
    fn base(&self, stage: usize) -> String {
        match &self.graph.stages[stage].base {
            Base::Scratch => "scratch".to_owned(),
            Base::Stage(base) => self.title(*base),
            Base::Image(name) => visible(name),
            Base::Unknown => "unknown base".to_owned(),
        }
    }

    /// One sentence that says what the drawing shows.
    fn sentence(&self) -> String {
        let count = self.graph.stages.len();
        let Some(target) = self.target else {
            return "No stages.".to_owned();
        };
        let idle = count - self.reachable.len();
        let mut text = format!(
            "{count} stage{}; {} is built from {} of them",
            plural(count),
            self.title(target),
            self.reachable.len()
        );
        if idle > 0 {
            let names: Vec<_> = (0..count)
                .filter(|s| !self.needed(*s))
                .take(8)
                .map(|s| self.title(s))
                .collect();
            let more = if idle > names.len() { " and more" } else { "" };
            text.push_str(&format!(", without {}{more}", names.join(", ")));
        }
        text.push('.');
        text
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Text that cannot steer a terminal or break a line: control characters become pictures or replacement characters.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\0'..='\x1F' => {
                char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            // Marks that turn the direction of text, which could make a name read as another.
            '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                char::REPLACEMENT_CHARACTER
            }
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests;
