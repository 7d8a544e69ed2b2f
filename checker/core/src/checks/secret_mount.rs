//! Edits that give a secret to the steps that use it, in the place of a build argument.

use super::View;
use super::installs;
use super::shell;
use crate::dockerfile::{Command, Instruction};
use crate::edits::Edits;
use crate::evidence::SourceEvidence;
use crate::source::Span;

/// The id of the secret that stands for a variable: that of the lab where one has that name, or the name in small
/// letters.
pub(super) fn id_for(view: &View<'_>, variable: &str) -> String {
    let plain = |s: &str| s.to_ascii_lowercase().replace(['-', '.'], "_");
    let given = view
        .build
        .secrets
        .iter()
        .find(|id| plain(id) == plain(variable));
    given.cloned().unwrap_or_else(|| plain(variable))
}

/// Mounts the secret in every `RUN` after instruction `index` of its stage that reads `variable`. `None` where none
/// does, or where it is read in a way that a mount cannot serve.
pub(super) fn instead_of<'a>(
    view: &View<'_>,
    source: &SourceEvidence,
    index: usize,
    variable: &str,
    mut edits: Edits<'a>,
) -> Option<Edits<'a>> {
    let stage = source
        .graph
        .stages
        .iter()
        .find(|s| s.instructions.contains(&index))?;
    let all = &source.dockerfile.instructions;
    let id = id_for(view, variable);
    let later: Vec<&Instruction> = all.get(index + 1..stage.instructions.end)?.iter().collect();
    let runs: Vec<&Instruction> = later
        .iter()
        .copied()
        .filter(|i| matches!(i.command, Command::Run(_)))
        .collect();
    let uses: Vec<(&Instruction, Vec<Span>)> = runs
        .iter()
        .map(|i| (*i, references(source, i, variable)))
        .filter(|(_, spans)| !spans.is_empty())
        .collect();
    if !uses.is_empty() {
        for (run, spans) in uses {
            edits = edits.insert(run.after_keyword(), format!("--mount=type=secret,id={id} "));
            for span in spans {
                edits = edits.replace(span, format!("$(cat /run/secrets/{id})"));
            }
        }
        return Some(edits);
    }
    // Not named in any command: a package manager reads it from the environment.
    let installs: Vec<&Instruction> = runs
        .into_iter()
        .filter(|i| {
            shell::commands(&source.dockerfile, i)
                .iter()
                .any(|c| installs::install_of(c).is_some())
        })
        .collect();
    if installs.is_empty() {
        return None;
    }
    for run in installs {
        let mount = format!("--mount=type=secret,id={id},env={variable} ");
        edits = edits.insert(run.after_keyword(), mount);
    }
    Some(edits)
}

/// Where a `RUN` says `$NAME` or `${NAME}` outside single quotes.
fn references(source: &SourceEvidence, run: &Instruction, name: &str) -> Vec<Span> {
    let file = &source.dockerfile.source;
    let start = run.rest.span.start;
    let bytes = file.slice(Span::new(start, run.span.end));
    let mut out = Vec::new();
    let (mut single, mut double) = (false, false);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if !single => at += 1,
            b'\'' if !double => single = !single,
            b'"' if !single => double = !double,
            b'$' if !single => {
                for form in [format!("${{{name}}}"), format!("${name}")] {
                    let rest = &bytes[at..];
                    let ends = |b: Option<&u8>| {
                        !b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
                    };
                    if rest.starts_with(form.as_bytes())
                        && (form.ends_with('}') || ends(rest.get(form.len())))
                    {
                        out.push(Span::new(start + at, start + at + form.len()));
                        at += form.len() - 1;
                        break;
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    out
}

/// Places in an instruction where flags go.
pub(super) trait FlagPlace {
    /// Where a new first flag begins.
    fn after_keyword(&self) -> usize;
}

impl FlagPlace for Instruction {
    fn after_keyword(&self) -> usize {
        let first = self.flags.first().map(|f| f.span.start);
        first.unwrap_or(self.rest.span.start)
    }
}
