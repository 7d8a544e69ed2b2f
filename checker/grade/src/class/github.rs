//! GitHub Actions: annotations for a class. Who needs the instructor comes first, then the first finding of each.
//!
//! GitHub shows ten for a step. The job's summary, which has all, is the `markdown` output.

use std::io::Write;

use mslab_core::report::{GITHUB_ANNOTATIONS, Status, github_annotation, github_more};
use mslab_core::text::escape;

use super::Output;
use super::shown::{OutputError, Shown};
use super::types::GradeState;

pub(super) const OUTPUT: Output = Output {
    name: "github",
    file: None,
    about: "annotations for GitHub Actions",
    write,
};

fn write(out: &mut dyn Write, shown: &Shown<'_>) -> Result<(), OutputError> {
    let mut found = 0;
    for one in shown.class.attention() {
        found += 1;
        if found > GITHUB_ANNOTATIONS {
            continue;
        }
        let mut text = escape::block(one.reason);
        if one.state != GradeState::Refused {
            text.push_str("\nThis is not graded, and no zero.");
        }
        let title = format!("{}: {}", one.name(), one.state.words());
        writeln!(
            out,
            "::error title={}::{}",
            escape::github_property(&title),
            escape::github_message(&text)
        )?;
    }
    for student in &shown.class.students {
        let failed = student.grades.iter();
        let failed = failed.filter(|g| g.state == GradeState::Failed).count();
        if found + failed > GITHUB_ANNOTATIONS && found >= GITHUB_ANNOTATIONS {
            found += failed;
            continue;
        }
        let work = shown.verdicts(student)?;
        for report in &work.reports {
            let first = report.checks.iter().find(|c| c.status == Status::Failed);
            let Some(check) = first else { continue };
            found += 1;
            if found <= GITHUB_ANNOTATIONS {
                let name = format!("{} {}", escape::line(&student.id), report.exercise);
                let text = github_annotation(&name, report, check, &work.options);
                out.write_all(text.as_bytes())?;
            }
        }
    }
    out.write_all(github_more(found).as_bytes())?;
    for exercise in &shown.class.exercises {
        let counts = exercise.counts.words();
        let line = format!("{}: {counts}", exercise.exercise);
        // A plain line of the log, on which nothing may be taken for a command.
        writeln!(out, "{}", escape::ci_log(&escape::line(&line)))?;
    }
    Ok(())
}
