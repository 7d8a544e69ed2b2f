//! Which instruction of the Dockerfile a step of a build is, and what it does: engines name steps in their own words.

use super::{failure, shell, walk};
use crate::dockerfile::Command;
use crate::evidence::{SourceEvidence, Step};
use crate::stages::{Base, Stage};

/// The instruction of a step: by the lines that the engine gives, or by the words of its name.
pub(super) fn instruction_of(source: &SourceEvidence, step: &Step) -> Option<usize> {
    if let Some((index, _)) = failure::instruction_at(source, step.lines) {
        return Some(index);
    }
    let all = &source.dockerfile.instructions;
    let says = |i: &usize, text: &str| {
        let instruction = all.get(*i);
        instruction
            .is_some_and(|x| normal(&source.dockerfile.source.snippet(x.span)) == normal(text))
    };
    match name_parts(&step.name) {
        Some((place, text)) => {
            let stage = stage_of_name(source, place)?;
            stage.instructions.clone().find(|i| says(i, text))
        }
        // The classic builder and Podman name no stage: `Step 4/9 : RUN npm ci`, `STEP 4/9: RUN npm ci`.
        None => {
            let (_, text) = step.name.split_once(": ")?;
            let mut found = (0..all.len()).filter(|i| says(i, text));
            found.next().filter(|_| found.next().is_none())
        }
    }
}

/// `[builder 3/5] RUN npm ci` as `builder` and `RUN npm ci`.
pub(super) fn name_parts(name: &str) -> Option<(&str, &str)> {
    let (place, text) = name.strip_prefix('[')?.split_once("] ")?;
    let stage = place.rsplit_once(' ').map_or(place, |(stage, _)| stage);
    Some((stage.trim(), text))
}

/// The stage that the engine calls `builder`, or `stage-2` where it has no name. Before it may stand a platform.
pub(super) fn stage_of_name<'a>(source: &'a SourceEvidence, place: &str) -> Option<&'a Stage> {
    let word = place.rsplit(' ').next().unwrap_or(place);
    let numbered = || word.strip_prefix("stage-")?.parse::<usize>().ok();
    let graph = &source.graph;
    graph.find(word).or_else(|| graph.stages.get(numbered()?))
}

/// Whether a step only looks a base up: engines do not always say that it was cached.
pub(super) fn is_from(step: &Step) -> bool {
    step.name.contains("] FROM ") || step.name.contains(": FROM ")
}

pub(super) fn normal(text: &str) -> String {
    text.split_whitespace()
        .filter(|w| *w != "\\")
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a step does, in one line each: as the engine names it, and as the commands of its instruction say, which an
/// engine does not repeat for a heredoc.
pub(super) fn texts(
    source: &SourceEvidence,
    step: &Step,
    instruction: Option<usize>,
) -> Vec<String> {
    let mut texts = vec![normal(&step.name)];
    let all = &source.dockerfile.instructions;
    if let Some(instruction) = instruction.and_then(|i| all.get(i)) {
        let commands = shell::commands(&source.dockerfile, instruction);
        texts.extend(commands.iter().map(|c| {
            let words: Vec<&str> = c.words.iter().map(|w| w.text.as_str()).collect();
            words.join(" ")
        }));
    }
    texts
}

/// Whether a step's instruction is one of the stage's, or the same step as one of them.
pub(super) fn is_of(source: &SourceEvidence, stage: &Stage, instruction: usize) -> bool {
    let mut own = walk::all_instructions(source, stage).into_iter();
    own.any(|(i, _)| i == instruction || is_same_step(source, i, instruction))
}

/// Whether two instructions do the same on the same ground: of two stages that begin alike, the engine carries the
/// common steps out once, and names one of the stages.
pub(super) fn is_same_step(source: &SourceEvidence, one: usize, other: usize) -> bool {
    let way = way_to(source, one);
    way.is_some() && way == way_to(source, other)
}

/// The image that an instruction's stage begins with in the end, and what is done up to the instruction; `None` where it
/// begins with none that is known.
fn way_to(source: &SourceEvidence, instruction: usize) -> Option<(String, Vec<String>)> {
    let graph = &source.graph;
    let stage = graph
        .stages
        .iter()
        .find(|s| s.instructions.contains(&instruction))?;
    let base = match &walk::lineage(graph, stage.index).first()?.base {
        Base::Image(image) => image.clone(),
        _ => return None,
    };
    let all = walk::all_instructions(source, stage).into_iter();
    let steps = all
        .take_while(|(i, _)| *i <= instruction)
        .filter(|(_, x)| !matches!(x.command, Command::From { .. }))
        .map(|(_, x)| normal(&source.dockerfile.source.snippet(x.span)));
    Some((base, steps.collect()))
}
