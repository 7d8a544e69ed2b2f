//! Plots as tables with bars drawn in CSS: readable by eye, by screen readers, and without a script.

use std::fmt::Write as _;

use super::html::text;
use super::types::Exercise;

/// How many scores fall into each tenth.
pub(super) fn distribution(out: &mut String, exercise: &Exercise) {
    let most = exercise.distribution.iter().copied().max().unwrap_or(0);
    out.push_str(
        "<table class=\"plot\"><caption>Scores</caption>\n\
         <thead><tr><th scope=\"col\">points</th><th scope=\"col\">students</th></tr></thead>\n<tbody>\n",
    );
    for (tenth, count) in exercise.distribution.iter().enumerate() {
        let label = if tenth == 10 {
            "100 %".to_owned()
        } else {
            format!("{}–{} %", tenth * 10, tenth * 10 + 9)
        };
        row(out, &label, *count, most, "");
    }
    out.push_str("</tbody></table>\n");
}

/// How many failed each check.
pub(super) fn failures(out: &mut String, exercise: &Exercise) {
    out.push_str(
        "<table class=\"plot\"><caption>Failed checks</caption>\n\
         <thead><tr><th scope=\"col\">check</th><th scope=\"col\">students</th></tr></thead>\n<tbody>\n",
    );
    for check in &exercise.checks {
        let judged = check.passed + check.failed + check.skipped;
        let percent = (u64::from(check.failed) * 100).checked_div(judged.into());
        let more = match check.skipped {
            0 => format!(" ({} %)", percent.unwrap_or(0)),
            n => format!(" ({} %; not reached by {n})", percent.unwrap_or(0)),
        };
        let label = format!("{}: {}", check.key, check.title);
        row(out, &text(&label), check.failed, judged, &more);
    }
    out.push_str("</tbody></table>\n");
}

fn row(out: &mut String, label: &str, count: u32, of: u32, more: &str) {
    let width = (u64::from(count) * 100).checked_div(of.into()).unwrap_or(0);
    let _ = writeln!(
        out,
        "<tr><th scope=\"row\">{label}</th><td><span class=\"bar\" style=\"width:{width}%\"></span> {count}{more}</td></tr>"
    );
}
