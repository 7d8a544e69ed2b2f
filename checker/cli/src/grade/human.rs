//! What came of a class, for the terminal: the sums, and who needs to be looked at.

use std::fmt::Write as _;

use mslab_core::text::escape;
use mslab_grade::class::{Class, GradeState};

use crate::terminal::{GOOD, PROBLEM, paint};

/// So many students are named of each kind.
const NAMED: usize = 20;

/// The class in a few lines.
pub(crate) fn summary(class: &Class, strays: &[String]) -> String {
    let mut out = String::new();
    for exercise in &class.exercises {
        let _ = writeln!(out, "{}  {}", exercise.exercise, exercise.title);
        let parts: Vec<String> = exercise
            .counts
            .states()
            .map(|(n, state)| format!("{n} {}", state.words()))
            .collect();
        let _ = writeln!(out, "  {}", parts.join(", "));
        let mut hardest: Vec<_> = exercise.checks.iter().filter(|c| c.failed > 0).collect();
        hardest.sort_by_key(|c| std::cmp::Reverse(c.failed));
        for check in hardest.iter().take(3) {
            let _ = writeln!(out, "  `{}` failed {} times", check.key, check.failed);
        }
    }
    named(&mut out, "Not graded, and no zero:", class, |state| {
        matches!(state, GradeState::NotGraded | GradeState::Waiting)
    });
    named(&mut out, "Refused, with no points:", class, |state| {
        state == GradeState::Refused
    });
    named(&mut out, "Not placed, and not graded:", class, |state| {
        state == GradeState::Unplaced
    });
    if !strays.is_empty() {
        let names: Vec<String> = strays.iter().map(|s| escape::line(s)).collect();
        let _ = writeln!(
            out,
            "Neither a folder nor an archive, and not graded: {}",
            names.join(", ")
        );
    }
    let counts = class.counts();
    let all = counts.passed + counts.failed + counts.refused;
    let style = if counts.not_graded + counts.waiting > 0 {
        PROBLEM
    } else {
        GOOD
    };
    let total = format!(
        "{all} of {} graded",
        class.students.len() * class.exercises.len()
    );
    let _ = writeln!(out, "{}", paint(style, total));
    out
}

fn named(out: &mut String, heading: &str, class: &Class, which: impl Fn(GradeState) -> bool) {
    let mut lines = Vec::new();
    for student in &class.students {
        let id = escape::line(&student.id);
        for grade in student.grades.iter().filter(|g| which(g.state)) {
            let reason = grade.reason.as_deref().unwrap_or("still waiting");
            lines.push(format!(
                "  {id}  {}: {}",
                grade.exercise,
                escape::line(reason)
            ));
        }
        if let Some(reason) = student
            .unplaced
            .as_ref()
            .filter(|_| which(GradeState::Unplaced))
        {
            lines.push(format!("  {id}: {}", escape::line(reason)));
        }
    }
    if lines.is_empty() {
        return;
    }
    let more = lines.len().saturating_sub(NAMED);
    let _ = writeln!(out, "{heading}");
    for line in lines.iter().take(NAMED) {
        let _ = writeln!(out, "{line}");
    }
    if more > 0 {
        let _ = writeln!(out, "  and {more} more");
    }
}
