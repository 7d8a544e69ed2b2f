//! Markdown: a class for a job's summary.
//!
//! All that comes from a submission is escaped.

use std::fmt::Write as _;

use mslab_core::text::escape::{markdown as prose, markdown_code as code};
use mslab_core::text::plural;

use super::Output;
use super::shown::put;
use super::types::{Class, Exercise, Grade, GradeState, Student};

pub(super) const OUTPUT: Output = Output {
    name: "markdown",
    file: Some("summary.md"),
    about: "for job summaries",
    write: |out, shown| put(out, &markdown_within(shown.class, usize::MAX)),
};

/// A class in at most `bytes`: a page that takes no more, such as a job's summary on GitHub, would otherwise show
/// nothing. The last students are left out then, and a sentence says so.
#[must_use]
pub fn markdown_within(class: &Class, bytes: usize) -> String {
    const TOO_LONG: &str = "The class is too large for this page.\n";
    let mut out = format!(
        "# Grades of {}\n\n",
        plural(class.students.len(), "student")
    );
    summary(&mut out, class);
    for exercise in &class.exercises {
        section(&mut out, exercise);
    }
    head(&mut out, class);
    let mut lines = class.students.iter().map(line);
    let mut left = 0;
    for line in lines.by_ref() {
        if out.len() + line.len() + TOO_LONG.len() * 2 > bytes {
            left = 1;
            break;
        }
        out.push_str(&line);
    }
    left += if left > 0 { lines.count() } else { 0 };
    if left > 0 {
        let left = plural(left, "more student");
        let _ = writeln!(out, "\n{left} not shown: the page takes no more.");
    }
    if out.len() > bytes {
        return TOO_LONG.into();
    }
    out
}

fn summary(out: &mut String, class: &Class) {
    let counts = class.counts();
    let parts: Vec<String> = counts
        .states()
        .map(|(n, state)| format!("{} {n} {}", sign(state), state.words()))
        .collect();
    let _ = writeln!(out, "{}\n", parts.join(" · "));
    if let Some(rule) = &class.late_rule {
        let _ = writeln!(out, "Late work loses {} of its points.\n", prose(rule));
    }
    if counts.not_graded + counts.waiting > 0 {
        out.push_str("What could not be graded has no mark, and is no zero.\n\n");
    }
}

fn section(out: &mut String, exercise: &Exercise) {
    let _ = writeln!(
        out,
        "## {}: {}\n\n{}\n\n| check | failed | not reached | of |\n|---|---:|---:|---:|",
        prose(&exercise.exercise),
        prose(&exercise.title),
        exercise.counts.words()
    );
    for check in &exercise.checks {
        let of = check.passed + check.failed + check.skipped;
        let (key, title) = (code(&check.key), prose(&check.title));
        let (failed, skipped) = (check.failed, check.skipped);
        let _ = writeln!(out, "| {key} {title} | {failed} | {skipped} | {of} |");
    }
    out.push('\n');
}

fn head(out: &mut String, class: &Class) {
    let names: Vec<String> = class.exercises.iter().map(|e| prose(&e.exercise)).collect();
    let _ = writeln!(
        out,
        "## Students\n\n| id | name | {} | remarks |\n|---|---|{}---|",
        names.join(" | "),
        "---|".repeat(names.len())
    );
}

fn line(student: &Student) -> String {
    let name = student.name.as_deref().map(prose).unwrap_or_default();
    let cells: Vec<String> = student.grades.iter().map(cell).collect();
    let remarks: Vec<String> = student.remarks().iter().map(|r| prose(r)).collect();
    format!(
        "| {} | {name} | {} | {} |\n",
        code(&student.id),
        cells.join(" | "),
        remarks.join("; ")
    )
}

fn cell(grade: &Grade) -> String {
    let sign = sign(grade.state);
    match grade.mark {
        Some(mark) => format!("{sign} {mark} / {}", grade.max_score),
        None => format!("{sign} {}", grade.state.words()),
    }
}

/// A sign for each state. Beside it stand words, or points.
fn sign(state: GradeState) -> &'static str {
    match state {
        GradeState::Passed => "✅",
        GradeState::Failed => "❌",
        GradeState::Refused => "⛔",
        GradeState::NotGraded | GradeState::Unplaced => "⚠️",
        GradeState::Waiting => "⏳",
        GradeState::Missing => "➖",
    }
}
