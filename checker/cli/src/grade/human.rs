//! What came of a class, for the terminal: the sums, and who needs to be looked at.

use std::fmt::Write as _;

use mslab_core::text::{escape, plural};
use mslab_grade::class::{CheckRate, Class, GradeState};

use crate::terminal::{GOOD, PROBLEM, paint};

/// So many students are named of each kind.
const NAMED: usize = 20;

/// So many checks are named of each exercise.
const HARDEST: usize = 3;

/// The class in a few lines.
pub(crate) fn summary(class: &Class, strays: &[String]) -> String {
    let mut out = String::new();
    for exercise in &class.exercises {
        let _ = writeln!(out, "{}  {}", exercise.exercise, exercise.title);
        let _ = writeln!(out, "  {}", exercise.counts.words());
        let mut hardest: Vec<_> = exercise.checks.iter().filter(|c| c.failed > 0).collect();
        hardest.sort_by_key(|c| std::cmp::Reverse(c.failed));
        // A line that says that one is left out may as well name it.
        let shown = match hardest.len() {
            n if n <= HARDEST + 1 => n,
            _ => HARDEST,
        };
        let line = |check: &&CheckRate| {
            let who = plural(check.failed as usize, "student");
            format!("`{}` failed by {who}", check.key)
        };
        let lines: Vec<String> = hardest.iter().map(line).collect();
        at_most(shown, &mut out, &lines);
    }
    for (heading, states) in [
        (
            "Not graded, and no zero:",
            &[GradeState::NotGraded, GradeState::Waiting][..],
        ),
        ("Refused, with no points:", &[GradeState::Refused]),
        ("Not placed, and not graded:", &[GradeState::Unplaced]),
    ] {
        let attention = class.attention();
        let those = attention.iter().filter(|a| states.contains(&a.state));
        let lines = those.map(|a| format!("{}: {}", a.name(), escape::line(a.reason)));
        named(&mut out, heading, lines.collect());
    }
    let students = class.students.iter();
    let missing = students.clone().filter(|s| {
        s.unplaced.is_none() && s.grades.iter().all(|g| g.state == GradeState::Missing)
    });
    named(
        &mut out,
        "On the roster, and nothing handed in:",
        missing.map(|s| escape::line(&s.id)).collect(),
    );
    let unknown = students.filter(|s| s.on_roster == Some(false));
    named(
        &mut out,
        "Handed in, and not on the roster:",
        unknown.map(|s| escape::line(&s.id)).collect(),
    );
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

fn named(out: &mut String, heading: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "{heading}");
    at_most(NAMED, out, &lines);
}

/// Writes the first lines, and how many more there are.
fn at_most(most: usize, out: &mut String, lines: &[String]) {
    for line in lines.iter().take(most) {
        let _ = writeln!(out, "  {line}");
    }
    let more = lines.len().saturating_sub(most);
    if more > 0 {
        let _ = writeln!(out, "  and {more} more");
    }
}

#[cfg(test)]
mod tests {
    use mslab_grade::class::{Counts, Exercise, SCHEMA};

    use super::*;

    #[test]
    fn of_many_failed_checks_it_is_said_that_there_are_more() {
        let check = |n: u32| CheckRate {
            key: format!("check-{n}"),
            title: String::new(),
            passed: u32::from(n == 0),
            failed: u32::from(n > 0),
            skipped: 0,
        };
        let exercise = Exercise {
            exercise: "exercise-5".into(),
            lab: String::new(),
            title: String::new(),
            lab_digest: String::new(),
            max_score: 100,
            counts: Counts::default(),
            distribution: Vec::new(),
            checks: (0..9).map(check).collect(),
        };
        let class = Class {
            schema: SCHEMA.into(),
            late_rule: None,
            exercises: vec![exercise],
            students: Vec::new(),
        };
        let text = summary(&class, &[]);
        let said = "  `check-3` failed by 1 student\n  and 5 more\n";
        assert!(text.contains(said), "{text}");
    }
}
