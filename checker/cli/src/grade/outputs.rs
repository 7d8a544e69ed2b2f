//! What is written of a class: the folder of outputs, each student's page, and results for grading platforms.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use mslab_core::report::{self, Submission};
use mslab_grade::class::{self, OutputError, Shown, Student};
use mslab_grade::gradebook::Gradebook;
use mslab_grade::similarity;
use mslab_grade::submission::Trusted;
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Result};
use crate::workspace::{write_as_it_comes, write_whole};

/// Where students' own pages go.
const STUDENTS: &str = "students";

/// Writes everything to `dir`. Each file is whole or not there.
pub(crate) fn write(
    dir: &Path,
    shown: &mut Shown<'_>,
    book: &Gradebook,
    labs: &[Trusted],
) -> Result<()> {
    make(dir)?;
    students(dir, shown)?;
    for output in class::OUTPUTS {
        let Some(name) = output.file else { continue };
        write_as_it_comes(&dir.join(name), |out| put(out, output, shown))?;
    }
    let alike = similarity::look(book, labs)?;
    for (name, text) in [
        ("similarity.json", similarity::json(&alike)),
        ("similarity.md", similarity::markdown(&alike)),
    ] {
        write_whole(&dir.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// Writes one output.
pub(crate) fn put(out: &mut dyn Write, output: &class::Output, shown: &Shown<'_>) -> Result<()> {
    match (output.write)(out, shown).and_then(|()| Ok(out.flush()?)) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(OutputError::Write(e)) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(OutputError::Write(e)) => {
            Err(Failure::environment("cannot write the output").because(&e))
        }
        Err(OutputError::Gradebook(e)) => Err(e.into()),
        Ok(()) => Ok(()),
    }
}

/// Writes a page for each student who handed something in, and tells the class where they are.
fn students(dir: &Path, shown: &mut Shown<'_>) -> Result<()> {
    // Without that output there are no pages, and no links to them.
    let Some(html) = report::output("html") else {
        return Ok(());
    };
    make(&dir.join(STUDENTS))?;
    for student in &shown.class.students {
        let work = shown.whole(student)?;
        if work.reports.is_empty() {
            continue;
        }
        let name = format!("{STUDENTS}/{}.{}", file_name(&student.id), html.extension);
        let text = (html.render)(&work.reports, &work.options);
        write_whole(&dir.join(&name), text.as_bytes())?;
        shown.pages.insert(student.id.clone(), name);
    }
    Ok(())
}

/// Writes for a grading platform a file for each exercise and student: `gradescope/exercise-5/ann.json`. A platform's
/// assignment is one exercise, and what one student did not hand in says nothing about another.
pub(crate) fn write_platform(
    dir: &Path,
    output: &report::Output,
    shown: &Shown<'_>,
    submission: Option<&Submission>,
) -> Result<()> {
    for exercise in &shown.class.exercises {
        make(&dir.join(output.name).join(&exercise.exercise))?;
    }
    for student in &shown.class.students {
        let mut work = shown.whole(student)?;
        work.options.submission = submission.map(|s| owned_by(s, student));
        for report in work.reports {
            let folder = dir.join(output.name).join(&report.exercise);
            let name = format!("{}.{}", file_name(&student.id), output.extension);
            let text = (output.render)(&[report], &work.options);
            write_whole(&folder.join(name), text.as_bytes())?;
        }
    }
    Ok(())
}

fn owned_by(submission: &Submission, student: &Student) -> Submission {
    Submission {
        owner: student.id.clone(),
        ..submission.clone()
    }
}

fn make(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| Failure::file("make", dir, &e))
}

/// A student's id as a file's name: readable where it is plain, and never the same for two.
fn file_name(id: &str) -> String {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    // Many are called by their e-mail address.
    let plain = |c: char| letter(c) || matches!(c, '-' | '_' | '.' | '@' | '+');
    if id.starts_with(letter) && id.chars().all(plain) && id.len() <= 60 {
        return id.to_owned();
    }
    let readable: String = id
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .skip_while(|c| *c == '-')
        .take(40)
        .collect();
    let digest = Sha256::digest(id.as_bytes());
    let short: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    // The tilde keeps such a name apart from every plain one.
    format!("{readable}~{short}")
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn every_id_is_a_file_of_its_own() {
        assert_eq!(file_name("ann-1"), "ann-1");
        assert_eq!(file_name("ann@example.org"), "ann@example.org");
        let odd = [
            "Ann", "ANN", "../x", "x", "", "a/b", "ab", "con.", "ä", "a b", ".a", "-a",
        ];
        let names: std::collections::BTreeSet<String> =
            odd.iter().map(|id| file_name(id).to_lowercase()).collect();
        assert_eq!(names.len(), odd.len());
        assert!(
            names
                .iter()
                .all(|n| !n.contains(['/', ' ', '\\']) && !n.starts_with('-'))
        );
        assert!(file_name(&"x".repeat(500)).len() < 80);
    }
}
