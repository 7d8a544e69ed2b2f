//! The folder of outputs: the class as CSV, JSON and a page, a page for each student, and similar work.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mslab_core::report::{self, Report};
use mslab_grade::class::{self, Class};
use mslab_grade::gradebook::{Entry, EntryState, Gradebook};
use mslab_grade::similarity;
use mslab_grade::submission::Trusted;
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Result};
use crate::workspace::write_whole;

/// Where students' own pages go.
const STUDENTS: &str = "students";

/// Writes everything to `dir`. Each file is whole or not there.
pub(crate) fn write(dir: &Path, class: &Class, book: &Gradebook, labs: &[Trusted]) -> Result<()> {
    fs::create_dir_all(dir.join(STUDENTS)).map_err(|e| Failure::file("make", dir, &e))?;
    let pages = students(dir, book)?;
    let alike = similarity::look(book, labs)?;
    for (name, text) in [
        ("grades.csv", class::grades(class)),
        ("marks.csv", class::marks(class)),
        ("grades.json", class::json(class)),
        ("junit.xml", class::junit(class)),
        ("index.html", class::page(class, &pages)),
        ("similarity.json", similarity::json(&alike)),
        ("similarity.md", similarity::markdown(&alike)),
    ] {
        write_whole(&dir.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// Writes a page for each student who was judged. Returns the pages by id.
fn students(dir: &Path, book: &Gradebook) -> Result<BTreeMap<String, String>> {
    let mut pages = BTreeMap::new();
    // Without that output there are no pages, and no links to them.
    let Some(html) = report::output("html") else {
        return Ok(pages);
    };
    let mut page = |student: &str, reports: &mut Vec<Report>| -> Result<()> {
        // `exercise-10` comes after `exercise-2`.
        reports.sort_by_key(|r| (r.exercise.len(), r.exercise.clone()));
        if !reports.is_empty() {
            let name = format!("{STUDENTS}/{}.{}", file_name(student), html.extension);
            let text = (html.render)(reports, &report::Options::default());
            write_whole(&dir.join(&name), text.as_bytes())?;
            pages.insert(student.to_owned(), name);
        }
        Ok(())
    };
    let mut student = String::new();
    let mut reports = Vec::new();
    book.entries(|entry: Entry| -> Result<()> {
        if entry.student != student {
            page(&student, &mut reports)?;
            reports.clear();
            student = entry.student;
        }
        if let EntryState::Judged(report) = entry.state {
            reports.push(*report);
        }
        Ok(())
    })?;
    page(&student, &mut reports)?;
    Ok(pages)
}

/// A student's id as a file's name: readable where it is plain, and never the same for two.
fn file_name(id: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if id.chars().all(plain) && (1..=60).contains(&id.len()) {
        return id.to_owned();
    }
    let readable: String = id
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(40)
        .collect();
    let digest = Sha256::digest(id.as_bytes());
    let short: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    // The dot keeps such a name apart from every plain one.
    format!("{readable}.{short}")
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn every_id_is_a_file_of_its_own() {
        assert_eq!(file_name("ann-1"), "ann-1");
        let odd = [
            "Ann", "ANN", "../x", "x", "", "a/b", "ab", "con.", "ä", "a b",
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
