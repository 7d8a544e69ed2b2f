//! Walks over the instructions that a stage gets: its own, those of the stages it starts from, and what these keep for
//! it with `ONBUILD`.

use crate::dockerfile::{Command, Instruction, Word, expand_word};
use crate::evidence::SourceEvidence;
use crate::image::normalize;
use crate::source::Span;
use crate::stages::{Base, Stage, StageGraph};

/// The stage and the stages it starts from, lowest first.
pub(super) fn lineage(graph: &StageGraph, stage: usize) -> Vec<&Stage> {
    let mut line: Vec<&Stage> = Vec::new();
    let mut at = graph.stages.get(stage);
    while let Some(stage) = at {
        line.push(stage);
        at = match stage.base {
            Base::Stage(i) if i < stage.index => graph.stages.get(i),
            _ => None,
        };
    }
    line.reverse();
    line
}

/// The instructions of one stage in the order in which they are carried out: first those that the stage below keeps
/// with `ONBUILD`, then its own. What a stage keeps itself is left out. Each comes with its index in the file.
pub(super) fn own_instructions<'a>(
    source: &'a SourceEvidence,
    stage: &Stage,
) -> Vec<(usize, &'a Instruction)> {
    let all = &source.dockerfile.instructions;
    let of = |s: &Stage| {
        s.instructions
            .clone()
            .filter_map(|i| Some((i, all.get(i)?)))
    };
    let mut out = Vec::new();
    if let Base::Stage(below) = stage.base
        && let Some(below) = source.graph.stages.get(below)
    {
        for (index, instruction) in of(below) {
            if let Command::Onbuild(kept) = &instruction.command {
                out.push((index, kept.as_ref()));
            }
        }
    }
    out.extend(of(stage).filter(|(_, i)| !matches!(i.command, Command::Onbuild(_))));
    out
}

/// The instructions of a stage and of all stages it starts from, lowest stage first.
pub(super) fn all_instructions<'a>(
    source: &'a SourceEvidence,
    stage: &Stage,
) -> Vec<(usize, &'a Instruction)> {
    lineage(&source.graph, stage.index)
        .into_iter()
        .flat_map(|s| own_instructions(source, s))
        .collect()
}

/// What comes before the instruction with that index in its stage, and in those below, with the index of each.
pub(super) fn earlier(source: &SourceEvidence, index: usize) -> Vec<(usize, &Instruction)> {
    let mut stages = source.graph.stages.iter();
    let stage = stages.find(|s| s.instructions.contains(&index));
    let mut all = stage.map_or_else(Vec::new, |s| all_instructions(source, s));
    let end = all.iter().position(|(at, _)| *at >= index);
    all.truncate(end.unwrap_or(all.len()));
    all
}

/// A word of the instruction with that index, with its variables filled in; as written where that cannot be done.
pub(super) fn expanded(source: &SourceEvidence, index: usize, word: &Word) -> String {
    let scope = source.graph.scope_before(&source.dockerfile, index);
    expand_word(&word.text, &scope, source.dockerfile.escape)
        .map_or_else(|_| word.text.clone(), |e| e.text)
}

/// A path as an absolute one at the instruction with that index: a relative one begins at the working directory.
pub(super) fn absolute(source: &SourceEvidence, index: usize, path: &str) -> String {
    let mut at = String::new();
    for (own, instruction) in earlier(source, index) {
        if let Command::Workdir(word) = &instruction.command {
            at = joined(&at, &expanded(source, own, word));
        }
    }
    joined(&at, path)
}

fn joined(folder: &str, path: &str) -> String {
    if path.starts_with('/') {
        format!("/{}", normalize(path))
    } else {
        format!("/{}", normalize(&format!("{folder}/{path}")))
    }
}

/// The words of a stage's `FROM` that name its base.
pub(super) fn base_span(source: &SourceEvidence, stage: &Stage) -> Option<Span> {
    match &source.dockerfile.instructions.get(stage.from)?.command {
        Command::From { image, .. } => Some(image.span),
        _ => None,
    }
}

/// The stage's name where it has one, else the name of its base: the words to point at when the whole stage is meant.
pub(super) fn stage_span(source: &SourceEvidence, stage: &Stage) -> Option<Span> {
    let name = stage.name.as_ref().map(|n| n.span);
    name.or_else(|| base_span(source, stage))
}

/// The first line of an instruction as a person would quote it: `COPY . .`.
pub(super) fn quoted(source: &SourceEvidence, instruction: &Instruction) -> String {
    let text = source.dockerfile.source.snippet(instruction.span);
    let line = text.lines().next().unwrap_or_default();
    let line = line
        .trim_end()
        .trim_end_matches(source.dockerfile.escape)
        .trim_end();
    let short: String = line.chars().take(60).collect();
    if short.len() < line.len() {
        format!("`{short}…`")
    } else {
        format!("`{short}`")
    }
}

/// A command as a person would quote it, on one line.
pub(super) fn quoted_command(
    source: &SourceEvidence,
    command: &super::shell::ShellCommand,
) -> String {
    let words: Vec<&str> = command.words.iter().map(|w| w.text.as_str()).collect();
    let text = if words.is_empty() {
        source.dockerfile.source.snippet(command.span())
    } else {
        words.join(" ")
    };
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        format!("`{short}…`")
    } else {
        format!("`{short}`")
    }
}
