//! HTML: one page for the instructor, without network or script.
//!
//! The page is well-formed XML too, so that a strict reader can prove that no text of a submission became a part of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mslab_core::report::html_head;
use mslab_core::text::escape;

use super::shown::put;
use super::types::{Class, Exercise, Grade, GradeState, Student};
use super::{Output, plot};

const STYLE: &str = include_str!("style.css");

pub(super) const OUTPUT: Output = Output {
    name: "html",
    file: Some("index.html"),
    about: "a page for the instructor, without network or script",
    write: |out, shown| put(out, &page(shown.class, &shown.pages)),
};

fn page(class: &Class, pages: &BTreeMap<String, String>) -> String {
    let mut out = head(class);
    summary(&mut out, class);
    for exercise in &class.exercises {
        section(&mut out, exercise);
    }
    table(&mut out, class, pages);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Untrusted text as HTML content, or as an attribute's value in double quotes.
pub(super) fn text(raw: &str) -> String {
    escape::xml_attribute(&escape::line(raw))
}

fn head(class: &Class) -> String {
    let title = format!("Grades of {} students", class.students.len());
    format!("{}<h1>{title}</h1>\n", html_head(&title, STYLE))
}

fn summary(out: &mut String, class: &Class) {
    let counts = class.counts();
    out.push_str("<ul class=\"counts\">\n");
    for (count, state) in counts.states() {
        let (sign, words) = (sign(state), state.words());
        let _ = writeln!(out, "<li>{sign} {count} {words}</li>");
    }
    out.push_str("</ul>\n");
    if let Some(rule) = &class.late_rule {
        let _ = writeln!(out, "<p>Late work loses {} of its points.</p>", text(rule));
    }
    if counts.not_graded + counts.waiting > 0 {
        out.push_str(
            "<p class=\"note\">What could not be graded has no mark, and is no zero. Run the same command again with \
             <code>--retry-failed-environment</code>.</p>\n",
        );
    }
}

fn section(out: &mut String, exercise: &Exercise) {
    let _ = writeln!(
        out,
        "<section>\n<h2>{}: {}</h2>",
        text(&exercise.exercise),
        text(&exercise.title)
    );
    out.push_str("<div class=\"plots\">\n");
    plot::distribution(out, exercise);
    plot::failures(out, exercise);
    out.push_str("</div>\n</section>\n");
}

fn table(out: &mut String, class: &Class, pages: &BTreeMap<String, String>) {
    out.push_str(
        "<section>\n<h2>Students</h2>\n<div class=\"wide\" role=\"region\" aria-label=\"Students\" tabindex=\"0\">\n\
         <table class=\"students\"><thead><tr><th scope=\"col\">id</th><th scope=\"col\">name</th>",
    );
    for exercise in &class.exercises {
        let _ = write!(out, "<th scope=\"col\">{}</th>", text(&exercise.exercise));
    }
    out.push_str("<th scope=\"col\">remarks</th></tr></thead>\n<tbody>\n");
    for student in &class.students {
        row(out, student, pages.get(&student.id));
    }
    out.push_str("</tbody></table>\n</div>\n</section>\n");
}

fn row(out: &mut String, student: &Student, page: Option<&String>) {
    let id = text(&student.id);
    let id = match page {
        Some(page) => format!("<a href=\"{}\">{id}</a>", escape::uri_path(page)),
        None => id,
    };
    let name = student.name.as_deref().map(text).unwrap_or_default();
    let _ = write!(out, "<tr><th scope=\"row\">{id}</th><td>{name}</td>");
    for grade in &student.grades {
        let _ = write!(out, "<td>{}</td>", cell(grade));
    }
    let remarks: Vec<String> = student.remarks().iter().map(|r| text(r)).collect();
    let _ = writeln!(
        out,
        "<td class=\"remarks\">{}</td></tr>",
        remarks.join(";<br/>")
    );
}

fn cell(grade: &Grade) -> String {
    let mark = match grade.mark {
        Some(mark) => format!("{mark} / {}", grade.max_score),
        None => grade.state.words().to_owned(),
    };
    format!(
        "<span class=\"{}\" title=\"{}\">{} {mark}</span>",
        class_of(grade.state),
        grade.state.words(),
        sign(grade.state)
    )
}

/// A sign for each state: nothing is said by colour alone.
fn sign(state: GradeState) -> &'static str {
    match state {
        GradeState::Passed => "✓",
        GradeState::Failed => "✗",
        GradeState::Refused => "⊘",
        GradeState::NotGraded | GradeState::Unplaced => "!",
        GradeState::Waiting => "…",
        GradeState::Missing => "–",
    }
}

fn class_of(state: GradeState) -> &'static str {
    match state {
        GradeState::Passed => "passed",
        GradeState::Failed | GradeState::Refused => "failed",
        GradeState::NotGraded | GradeState::Unplaced => "attention",
        GradeState::Waiting | GradeState::Missing => "quiet",
    }
}
