//! JUnit XML: a test suite for each student and exercise, a test case for each check.
//!
//! JUnit has no points: they are properties of the suite. What could not be graded is an error and never a failure.

use std::fmt::Write as _;
use std::io::Write;

use mslab_core::report::Status;
use mslab_core::text::escape;

use super::Output;
use super::shown::{OutputError, Shown, put};
use super::types::{Class, Grade, GradeState, Student};

/// How a test case ended.
enum Came<'a> {
    Passed,
    Failure(&'a str),
    Error(&'a str),
    Skipped(&'a str),
}

pub(super) const OUTPUT: Output = Output {
    name: "junit",
    file: Some("junit.xml"),
    about: "JUnit XML, for CI systems",
    write,
};

fn write(out: &mut dyn Write, shown: &Shown<'_>) -> Result<(), OutputError> {
    let mut sum = Sum::default();
    each(shown.class, |_, _, cases| {
        sum.add(cases);
        Ok(())
    })?;
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"mslab\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"0\">",
        sum.tests, sum.failures, sum.errors
    )?;
    each(shown.class, |name, properties, cases| {
        put(out, &suite(name, properties, cases))
    })?;
    put(out, "</testsuites>\n")
}

/// A property of a test suite.
type Property = (&'static str, String);

/// Calls `f` for each test suite: its name, its properties, its cases.
fn each(
    class: &Class,
    mut f: impl FnMut(&str, &[Property], &[(&str, Came<'_>)]) -> Result<(), OutputError>,
) -> Result<(), OutputError> {
    for student in &class.students {
        if let Some(reason) = &student.unplaced {
            f(&student.id, &[], &[("placed", Came::Error(reason))])?;
        }
        for grade in &student.grades {
            let name = format!("{} {}", student.id, grade.exercise);
            f(&name, &properties(student, grade), &cases(grade))?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Sum {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Sum {
    fn add(&mut self, cases: &[(&str, Came<'_>)]) {
        self.tests += cases.len();
        for (_, came) in cases {
            match came {
                Came::Passed => {}
                Came::Failure(_) => self.failures += 1,
                Came::Error(_) => self.errors += 1,
                Came::Skipped(_) => self.skipped += 1,
            }
        }
    }
}

fn properties(student: &Student, grade: &Grade) -> Vec<Property> {
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

fn suite(name: &str, properties: &[Property], cases: &[(&str, Came<'_>)]) -> String {
    let mut sum = Sum::default();
    sum.add(cases);
    let mut out = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"0\">\n",
        escape::xml_attribute(name),
        sum.tests,
        sum.failures,
        sum.errors,
        sum.skipped,
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
    out
}
