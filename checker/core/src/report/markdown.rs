//! Markdown: a report for a pull request's comment or a job's summary.
//!
//! All that comes from a submission is escaped, or fenced by more backticks than it holds.

use std::fmt::Write as _;

use super::{CheckReport, FixReport, Options, Output, PlaceReport, Report, Status, words};
use crate::text::escape::{markdown, markdown_code, markdown_fence};

pub(super) const OUTPUT: Output = Output {
    name: "markdown",
    extension: "md",
    about: "for pull requests and job summaries",
    platform: false,
    render,
};

fn render(reports: &[Report], options: &Options) -> String {
    let parts: Vec<String> = reports.iter().map(|r| one(r, options)).collect();
    if parts.len() < 2 {
        return parts.concat();
    }
    let mut out = String::from("| exercise | result | points |\n|---|---|---:|\n");
    for report in reports {
        let points = words::score(report).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            markdown(&words::heading(report)),
            words::outcome(report),
            points.trim_end_matches(" points"),
        );
    }
    format!("{out}\n{}", parts.join("\n"))
}

/// The Markdown in at most `bytes`. A page that takes no more, such as a job's summary on GitHub, would otherwise show
/// nothing at all: of a long report the logs and the fixes go, then all but a sentence.
#[must_use]
pub fn markdown_within(reports: &[Report], options: &Options, bytes: usize) -> String {
    let whole = render(reports, options);
    if whole.len() <= bytes {
        return whole;
    }
    let mut brief = reports.to_vec();
    for check in brief.iter_mut().flat_map(|r| &mut r.checks) {
        check.details.clear();
        check.fix = None;
    }
    let note = "The report is too long for this page: logs and fixes are left out.\n\n";
    let brief = format!("{note}{}", render(&brief, options));
    if brief.len() <= bytes {
        brief
    } else {
        "The report is too long for this page.\n".into()
    }
}

fn one(report: &Report, options: &Options) -> String {
    let mut out = format!("## {}\n\n", markdown(&words::heading(report)));
    let score = words::score(report).map(|s| format!(", {s}"));
    let _ = writeln!(
        out,
        "**{}**{} ({})\n",
        words::outcome(report),
        score.unwrap_or_default(),
        words::tally(report)
    );
    if !report.checks.is_empty() {
        out.push_str("| | check | what was seen | points |\n|---|---|---|---:|\n");
        for check in &report.checks {
            row(&mut out, check);
        }
        out.push('\n');
    }
    for check in report.checks.iter().filter(|c| c.status == Status::Failed) {
        finding(&mut out, report, check, options);
    }
    footer(&mut out, report);
    out
}

fn row(out: &mut String, check: &CheckReport) {
    let sign = match check.status {
        Status::Passed => "✅ passed",
        Status::Failed => "❌ failed",
        Status::Skipped => "➖ skipped",
        Status::Error => "⚠️ could not look",
    };
    let points = words::points(check).unwrap_or_default();
    let _ = writeln!(
        out,
        "| {sign} | {} | {} | {points} |",
        markdown_code(&check.key),
        markdown(&words::headline(check)),
    );
}

fn finding(out: &mut String, report: &Report, check: &CheckReport, options: &Options) {
    let _ = writeln!(
        out,
        "### {}: {}\n",
        markdown_code(&check.key),
        markdown(&words::headline(check))
    );
    let path = |file: &str| options.path(report, file);
    if let Some(place) = &check.place {
        let _ = writeln!(out, "{}\n", markdown_code(&words::place(place, path)));
        if let PlaceReport::Text { snippet, .. } = place
            && !snippet.is_empty()
        {
            let _ = writeln!(out, "{}", markdown_fence("dockerfile", &snippet.join("\n")));
        }
    }
    if let Some(nudge) = check.hint.as_ref().and_then(|h| h.nudge.as_ref()) {
        let _ = writeln!(out, "{}\n", markdown(nudge));
    }
    let mut items = Vec::new();
    for (label, text) in [("expected", &check.expected), ("found", &check.actual)] {
        if let Some(text) = text {
            items.push(format!("- **{label}**: {}", markdown(text)));
        }
    }
    for related in &check.related {
        let at = markdown_code(&words::place(&related.place, path));
        items.push(format!("- **see** {at}: {}", markdown(&related.note)));
    }
    if words::hint_level(check) > 1 && !check.why.is_empty() {
        items.push(format!("- **why**: {}", markdown(&check.why)));
    }
    if let Some(help) = &check.help {
        items.push(format!("- **help**: {}", markdown(help)));
    }
    if !items.is_empty() {
        let _ = writeln!(out, "{}\n", items.join("\n"));
    }
    if !check.details.is_empty() {
        let _ = writeln!(
            out,
            "<details><summary>details</summary>\n\n{}\n</details>\n",
            markdown_fence("text", &check.details.join("\n"))
        );
    }
    if let Some(fix) = &check.fix {
        diff(out, fix);
    }
}

fn diff(out: &mut String, fix: &FixReport) {
    let _ = writeln!(
        out,
        "**Fix**: {} ({}).\n\n{}",
        markdown(&fix.title),
        words::verified(fix.verified),
        markdown_fence("diff", &fix.diff)
    );
}

fn footer(out: &mut String, report: &Report) {
    let mut lines: Vec<String> = report
        .builds
        .iter()
        .map(|b| {
            format!(
                "- built {}: {}",
                markdown_code(&words::build_name(b)),
                markdown(&words::build(b))
            )
        })
        .collect();
    if let Some(engine) = &report.engine {
        lines.push(format!("- engine: {}", markdown(&words::engine(engine))));
    }
    for notice in [words::stand_ins(report), words::partial(report)]
        .into_iter()
        .flatten()
    {
        lines.push(format!("- {}", markdown(&notice)));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "{}", lines.join("\n"));
    }
}
