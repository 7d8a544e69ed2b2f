//! CSV, for spreadsheets and for the grade centres of course systems.

use mslab_core::text::escape;

use super::Output;
use super::shown::put;
use super::types::{Class, Grade, GradeState, Student};

pub(super) const GRADES: Output = Output {
    name: "csv",
    file: Some("grades.csv"),
    about: "a line for each student and exercise",
    write: |out, shown| put(out, &grades(shown.class)),
};

pub(super) const MARKS: Output = Output {
    name: "marks",
    file: Some("marks.csv"),
    about: "CSV with a line for each student, for grade centres",
    write: |out, shown| put(out, &marks(shown.class)),
};

/// A line for each student and exercise, with all that the grade is made of.
fn grades(class: &Class) -> String {
    let mut table = Table::new(&[
        "student",
        "name",
        "exercise",
        "state",
        "score",
        "max_score",
        "late_percent",
        "instructor_mark",
        "mark",
        "failed_checks",
        "reason",
        "notes",
        "work",
    ]);
    for student in &class.students {
        if let Some(reason) = &student.unplaced {
            let name = student.name.clone().unwrap_or_default();
            let mut line = vec![
                student.id.clone(),
                name,
                String::new(),
                GradeState::Unplaced.words().into(),
            ];
            line.resize(10, String::new());
            line.push(reason.clone());
            line.resize(13, String::new());
            table.line(&line);
        }
        for grade in &student.grades {
            table.line(&line(student, grade));
        }
    }
    table.text()
}

/// A line for each student, with the mark of each exercise and their sum. A mark that is not there is empty, and so is
/// the sum of those who have one like that.
fn marks(class: &Class) -> String {
    let mut header = vec!["student", "name"];
    header.extend(class.exercises.iter().map(|e| e.exercise.as_str()));
    header.push("total");
    let mut table = Table::new(&header);
    for student in &class.students {
        let marks: Vec<Option<u32>> = student.grades.iter().map(|g| g.mark).collect();
        let total: Option<u32> = marks.iter().copied().sum();
        let mut line = vec![student.id.clone(), student.name.clone().unwrap_or_default()];
        line.extend(marks.into_iter().map(number));
        line.push(number(total));
        table.line(&line);
    }
    table.text()
}

fn line(student: &Student, grade: &Grade) -> [String; 13] {
    let failed: Vec<&str> = grade
        .checks
        .iter()
        .filter(|c| c.status == mslab_core::report::Status::Failed)
        .map(|c| c.key.as_str())
        .collect();
    [
        student.id.clone(),
        student.name.clone().unwrap_or_default(),
        grade.exercise.clone(),
        grade.state.words().to_owned(),
        number(grade.score),
        grade.max_score.to_string(),
        number(grade.late.map(|l| l.percent)),
        number(grade.instructor.as_ref().map(|m| m.points)),
        number(grade.mark),
        failed.join(" "),
        grade.reason.clone().unwrap_or_default(),
        grade.notes.join("; "),
        grade.work.map(|w| w.to_string()).unwrap_or_default(),
    ]
}

fn number(n: Option<u32>) -> String {
    n.map(|n| n.to_string()).unwrap_or_default()
}

struct Table {
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    fn new(header: &[&str]) -> Self {
        let mut table = Self {
            writer: csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer(Vec::new()),
        };
        table.line(header);
        table
    }

    fn line(&mut self, cells: &[impl AsRef<str>]) {
        // Writing to memory cannot fail, and every line has as many cells as the first.
        let _ = self
            .writer
            .write_record(cells.iter().map(|c| cell(c.as_ref())));
    }

    fn text(self) -> String {
        let bytes = self.writer.into_inner().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A cell that no spreadsheet takes for a formula, and no CI that prints it for a command (`::` or `##` begins one): one
/// that begins like one gets an apostrophe before it.
fn cell(text: &str) -> String {
    let text = escape::line(text);
    let first = text.trim_start().chars().next();
    let is_order = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠' | ':' | '#')
    );
    if is_order { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_gives_orders() {
        for bad in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            " =1",
            "＝1",
            "|x",
            "\u{a0}=1",
            "::error::x",
            "##vso[x]",
        ] {
            assert!(cell(bad).starts_with('\''), "{bad:?}");
        }
        assert_eq!(cell("\t=cmd"), "\\t=cmd");
        assert_eq!(cell("ann"), "ann");
        assert_eq!(cell("a\r\n=1"), "a\\r\\n=1");
    }
}
