//! Plots as tables with drawn bars: readable by eye, by screen readers, and on paper; without a script.

use std::fmt::Write as _;

use super::html::text;
use super::types::Exercise;

/// How many scores fall into each tenth.
pub(super) fn distribution(out: &mut String, exercise: &Exercise) {
    let most = exercise.distribution.iter().copied().max().unwrap_or(0);
    head(out, "How the points are spread", "points");
    for (tenth, count) in exercise.distribution.iter().enumerate() {
        let label = if tenth == 10 {
            "100 %".to_owned()
        } else {
            format!("{}–{} %", tenth * 10, tenth * 10 + 9)
        };
        let label = format!("<th scope=\"row\">{label}</th>");
        row(out, &label, *count, most, "");
    }
    out.push_str("</tbody></table>\n");
}

/// How many failed each check.
pub(super) fn failures(out: &mut String, exercise: &Exercise) {
    head(out, "Who failed which check", "check");
    for check in &exercise.checks {
        let judged = check.passed + check.failed + check.skipped;
        let percent = (u64::from(check.failed) * 100).checked_div(judged.into());
        let more = format!(" ({} %)", percent.unwrap_or(0));
        let mut label = format!(
            "<th scope=\"row\" class=\"check\"><span class=\"key\">{}</span> <span class=\"said\">{}</span>",
            text(&check.key),
            text(&check.title)
        );
        if check.skipped > 0 {
            let _ = write!(
                label,
                " <span class=\"said\">(not reached by {})</span>",
                check.skipped
            );
        }
        label.push_str("</th>");
        row(out, &label, check.failed, judged, &more);
    }
    out.push_str("</tbody></table>\n");
}

fn head(out: &mut String, caption: &str, first: &str) {
    let _ = writeln!(
        out,
        "<table class=\"plot\"><caption>{caption}</caption>\n\
         <thead><tr><th scope=\"col\">{first}</th><th scope=\"col\">students</th></tr></thead>\n<tbody>"
    );
}

/// A line of a plot. The bar is drawn, because browsers print no backgrounds.
fn row(out: &mut String, label: &str, count: u32, of: u32, more: &str) {
    let of = of.max(1);
    let _ = writeln!(
        out,
        "<tr>{label}<td><div class=\"amount\">\
         <svg class=\"bar\" viewBox=\"0 0 {of} 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"whole\" width=\"{of}\" height=\"1\"/><rect class=\"part\" width=\"{count}\" height=\"1\"/></svg>\
         <span>{count}{more}</span></div></td></tr>"
    );
}
