//! RUNs that stand one after the other, and the edit that joins them into one.

use crate::diagnostic::Fix;
use crate::dockerfile::{Command, CommandForm, Instruction};
use crate::source::Span;

use super::mend::Text;

/// Two or more RUNs in a row that can be one.
pub(super) struct Row<'a> {
    runs: Vec<&'a Instruction>,
}

impl Row<'_> {
    /// From the first to the last.
    pub(super) fn span(&self) -> Span {
        let spans = self.runs.iter().map(|r| r.span);
        spans.reduce(Span::to).unwrap_or(Span::at(0))
    }
}

/// The rows of the target's lineage: in shell form, without flags and heredocs, and with nothing but comments between.
pub(super) fn runs<'a>(text: &Text<'a>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for stage in &text.lineage {
        let mut row: Vec<&Instruction> = Vec::new();
        for instruction in text.of(stage) {
            if is_plain(instruction) {
                row.push(instruction);
                continue;
            }
            rows.extend(finished(&mut row));
        }
        rows.extend(finished(&mut row));
    }
    rows
}

fn finished<'a>(row: &mut Vec<&'a Instruction>) -> Option<Row<'a>> {
    let runs = std::mem::take(row);
    (runs.len() > 1).then_some(Row { runs })
}

/// A line for a shell that goes on well with `&&`: a comment, a `||` or a background job at its end would change what
/// the next command means.
fn is_plain(instruction: &Instruction) -> bool {
    let Command::Run(run) = &instruction.command else {
        return false;
    };
    let CommandForm::Shell(line) = &run.form else {
        return false;
    };
    let odd = ["||", "&\n", " #", "exit", "set ", "cd ", "export "];
    instruction.flags.is_empty()
        && instruction.heredocs.is_empty()
        && !line.text.trim().is_empty()
        && !line.text.trim_end().ends_with(['&', ';', '|'])
        && !odd.iter().any(|w| line.text.contains(w))
}

/// Joins every row.
pub(super) fn fix(text: &Text<'_>, rows: &[Row<'_>]) -> Option<Fix> {
    if rows.is_empty() {
        return None;
    }
    let newline = crate::edits::line_ending(&text.source.dockerfile.source);
    let escape = text.source.dockerfile.escape;
    let mut fix = Fix::new("join the RUNs that follow each other");
    for row in rows {
        for pair in row.runs.windows(2) {
            let [before, after] = pair else { continue };
            let Command::Run(run) = &after.command else {
                continue;
            };
            let CommandForm::Shell(line) = &run.form else {
                continue;
            };
            let gap = Span::new(before.span.end, line.span.start);
            fix = fix.replace(text.file(), gap, format!(" && {escape}{newline}    "));
        }
    }
    Some(fix)
}
