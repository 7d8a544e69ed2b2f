//! JUnit XML: a test suite for each student and exercise, a test case for each check.
//!
//! JUnit has no points: they are properties of the suite. What could not be graded is an error and never a failure.

use std::fmt::Write as _;

use mslab_core::report::Status;
use mslab_core::text::escape;

use super::types::{Class, Grade, GradeState, Student};

/// How a test case ended.
enum Came<'a> {
    Passed,
    Failure(&'a str),
    Error(&'a str),
    Skipped(&'a str),
}

/// The class as JUnit XML.
#[must_use]
pub fn junit(class: &Class) -> String {
    let mut suites = String::new();
    let mut sum = Sum::default();
    for student in &class.students {
        if let Some(reason) = &student.unplaced {
            let cases = [("placed", Came::Error(reason))];
            suite(&mut suites, &mut sum, &student.id, &[], &cases);
        }
        for grade in &student.grades {
            let name = format!("{} {}", student.id, grade.exercise);
            let properties = properties(student, grade);
            suite(&mut suites, &mut sum, &name, &properties, &cases(grade));
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"mslab\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"0\">\n{suites}</testsuites>\n",
        sum.tests, sum.failures, sum.errors
    )
}

#[derive(Default)]
struct Sum {
    tests: usize,
    failures: usize,
    errors: usize,
}

fn properties(student: &Student, grade: &Grade) -> Vec<(&'static str, String)> {
    let mut all = vec![("state", grade.state.words().to_owned())];
    let mut add = |name, value: Option<String>| all.extend(value.map(|v| (name, v)));
    add("name", student.name.clone());
    add("score", grade.score.map(|n| n.to_string()));
    add("max_score", Some(grade.max_score.to_string()));
    add("late_percent", grade.late.map(|l| l.percent.to_string()));
    add("mark", grade.mark.map(|n| n.to_string()));
    all
}

fn cases(grade: &Grade) -> Vec<(&str, Came<'_>)> {
    let reason = grade.reason.as_deref().unwrap_or_default();
    match grade.state {
        GradeState::Passed | GradeState::Failed => grade
            .checks
            .iter()
            .map(|check| {
                let message = check.message.as_str();
                let came = match check.status {
                    Status::Passed => Came::Passed,
                    Status::Failed => Came::Failure(message),
                    Status::Skipped => Came::Skipped(message),
                    Status::Error => Came::Error(message),
                };
                (check.key.as_str(), came)
            })
            .collect(),
        GradeState::Refused => vec![("accepted", Came::Failure(reason))],
        GradeState::NotGraded => vec![("graded", Came::Error(reason))],
        GradeState::Unplaced => vec![("placed", Came::Error(reason))],
        GradeState::Waiting => vec![("graded", Came::Error("not judged yet"))],
        GradeState::Missing => vec![("handed in", Came::Skipped("nothing was handed in"))],
    }
}

fn suite(
    out: &mut String,
    sum: &mut Sum,
    name: &str,
    properties: &[(&str, String)],
    cases: &[(&str, Came<'_>)],
) {
    let count = |which: fn(&Came<'_>) -> bool| cases.iter().filter(|(_, c)| which(c)).count();
    let failures = count(|c| matches!(c, Came::Failure(_)));
    let errors = count(|c| matches!(c, Came::Error(_)));
    let skipped = count(|c| matches!(c, Came::Skipped(_)));
    sum.tests += cases.len();
    sum.failures += failures;
    sum.errors += errors;
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\">",
        escape::xml_attribute(name),
        cases.len(),
    );
    if !properties.is_empty() {
        out.push_str("    <properties>\n");
        for (name, value) in properties {
            let value = escape::xml_attribute(value);
            let _ = writeln!(out, "      <property name=\"{name}\" value=\"{value}\"/>");
        }
        out.push_str("    </properties>\n");
    }
    for (key, came) in cases {
        let (element, message) = match came {
            Came::Passed => ("", ""),
            Came::Failure(message) => ("failure", *message),
            Came::Error(message) => ("error", *message),
            Came::Skipped(message) => ("skipped", *message),
        };
        let case = format!(
            "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"",
            escape::xml_attribute(name),
            escape::xml_attribute(key)
        );
        if element.is_empty() {
            let _ = writeln!(out, "{case}/>");
        } else {
            let message = escape::xml_attribute(message);
            let _ = writeln!(out, "{case}><{element} message=\"{message}\"/></testcase>");
        }
    }
    out.push_str("  </testsuite>\n");
}
