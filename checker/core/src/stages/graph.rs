//! The graph's types and the questions that one asks of it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::build::Setting;
use crate::dockerfile::Word;
use crate::source::Span;

/// All stages of a Dockerfile with what they need.
#[derive(Debug, Clone, Default)]
pub struct StageGraph {
    /// Stages in the order of the file.
    pub stages: Vec<Stage>,
    /// Each use of a stage, an image or a context by a stage.
    pub edges: Vec<Edge>,
    /// What is wrong with the graph, each a thing that the engine refuses too, in the order in which it would.
    pub problems: Vec<Problem>,
    pub(crate) setting: Setting,
}

/// One `FROM` and what follows it.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Position in the file, from 0: what a numeric `--from` counts.
    pub index: usize,
    /// The name after `AS`.
    pub name: Option<Word>,
    /// The base as it reads after expansion.
    pub base_name: String,
    /// What the base turned out to be.
    pub base: Base,
    /// `--platform` after expansion.
    pub platform: Option<String>,
    /// Index of the `FROM` in [`crate::dockerfile::Dockerfile::instructions`].
    pub from: usize,
    /// Indexes of the stage's instructions, the `FROM` included.
    pub instructions: Range<usize>,
}

impl Stage {
    /// The name, or the index where there is none: what `--from` accepts. `--target` takes names only.
    #[must_use]
    pub fn label(&self) -> String {
        self.name
            .as_ref()
            .map_or_else(|| self.index.to_string(), |n| n.text.clone())
    }
}

/// What a stage starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage, by index.
    Stage(usize),
    /// An image, by reference.
    Image(String),
    /// The name could not be expanded to anything.
    Unknown,
}

/// One use of something by a stage.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The stage that needs, by index.
    pub stage: usize,
    /// What it needs.
    pub needs: Needs,
    /// Through which instruction.
    pub via: Via,
    /// Index of the instruction.
    pub instruction: usize,
    /// The words that name what is needed.
    pub span: Span,
}

/// What a stage can need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// A stage, by index.
    Stage(usize),
    /// An image, or a named context given at build time: the text cannot tell which.
    Image(String),
}

/// The kind of instruction that makes an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// `FROM`
    From,
    /// `COPY --from` (or `ADD --from` where an engine knows it)
    Copy,
    /// `RUN --mount=…,from=`
    Mount,
}

/// Something the engine refuses about the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The stage that must be reachable from the target for the engine to meet the problem; `None` where it refuses
    /// the file whatever the target.
    pub stage: Option<usize>,
    /// The words at fault.
    pub span: Span,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What to do: one sentence.
    pub help: Option<String>,
}

impl StageGraph {
    /// The stage called `name`, compared without case, or the stage of that number. The last one of a name wins, as
    /// in the engine.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Stage> {
        self.stage_named(name)
            .or_else(|| name.parse::<usize>().ok().and_then(|i| self.stages.get(i)))
    }

    /// The last stage called `name`, compared without case.
    fn stage_named(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().rev().find(|s| {
            s.name
                .as_ref()
                .is_some_and(|n| n.text.eq_ignore_ascii_case(name))
        })
    }

    /// The first of `names` that is a stage's name; `@last` is the last stage of the file. A number is no name here: as
    /// with `--target`, it is not counted.
    #[must_use]
    pub fn find_first<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&Stage> {
        names.into_iter().find_map(|n| {
            if n == "@last" {
                self.stages.last()
            } else {
                self.stage_named(n)
            }
        })
    }

    /// Indexes of `target` and of every stage that it needs, directly or through others.
    #[must_use]
    pub fn reachable(&self, target: usize) -> BTreeSet<usize> {
        let mut needs = vec![Vec::new(); self.stages.len()];
        for edge in &self.edges {
            if let (Some(list), Needs::Stage(on)) = (needs.get_mut(edge.stage), &edge.needs) {
                list.push(*on);
            }
        }
        let mut seen = BTreeSet::new();
        let mut todo = vec![target];
        while let Some(at) = todo.pop() {
            if at < self.stages.len() && seen.insert(at) {
                todo.extend(&needs[at]);
            }
        }
        seen
    }

    /// Index of the stage that a build makes: the one that [`super::BuildOptions::target`] names, or the last one where
    /// it names none; `None` where there is no such stage.
    #[must_use]
    pub fn target(&self) -> Option<usize> {
        match &self.setting.options.target {
            Some(name) => self.stage_named(name).map(|s| s.index),
            None => self.stages.len().checked_sub(1),
        }
    }

    /// What the engine refuses when it builds `target` (that of [`StageGraph::target`] where it is `None`).
    #[must_use]
    pub fn problems_for(&self, target: Option<usize>) -> Vec<&Problem> {
        let target = target.or_else(|| self.target());
        let reachable = target.map(|t| self.reachable(t)).unwrap_or_default();
        self.problems
            .iter()
            .filter(|p| p.stage.is_none_or(|s| reachable.contains(&s)))
            .collect()
    }

    /// Whether `stage` needs `on`, directly or through others. No stage needs itself.
    #[must_use]
    pub fn depends_on(&self, stage: usize, on: usize) -> bool {
        stage != on && self.reachable(stage).contains(&on)
    }
}
