//! What the outputs for grading platforms share: whether there is a grade at all, and texts for their pages.
//!
//! These platforms read a missing answer as a zero wherever they can. So each output says "not graded" in the platform's
//! own way where something could not be looked at, and never writes a score there.

use std::fmt::Write as _;

use super::{CheckReport, Options, Outcome, Report, Status, finding, words};
use crate::text::{cut, escape};

/// Points earned, and points that could be earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grade {
    pub(super) score: u32,
    pub(super) max_score: u32,
}

/// Points that count in the place of those that the checks gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Points; there may be more than the checks can give.
    pub points: u32,
    /// Why: `10 % less, because it came late`.
    pub why: String,
}

/// The reports that count: an exercise of which nothing was to be looked at (`--static`, and the text alone decides
/// nothing) says nothing among others. Where there are only such, all count.
#[must_use]
pub fn counted(reports: &[Report]) -> Vec<&Report> {
    let skipped = |c: &CheckReport| c.status == Status::Skipped;
    let passed_over = |r: &&Report| !words::nothing(r) && r.checks.iter().all(skipped);
    let counted: Vec<&Report> = reports.iter().filter(|r| !passed_over(r)).collect();
    if counted.is_empty() {
        reports.iter().collect()
    } else {
        counted
    }
}

/// The points of these reports together, or in a sentence why there are none. A mark counts in the place of a report's
/// own points, and also where there are none.
pub(super) fn grade(reports: &[&Report], options: &Options) -> Result<Grade, &'static str> {
    let mark = |r: &Report| options.marks.get(&r.exercise).map(|m| m.points);
    let unseen = |r: &&&Report| r.outcome == Outcome::Error && mark(r).is_none();
    if reports.iter().any(|r| unseen(&r)) {
        return Err(
            "Not graded: something could not be looked at, and the cause is not in the work.",
        );
    }
    let (score, max_score) = reports.iter().fold((0, 0), |(s, m): (u32, u32), r| {
        let score = mark(r).unwrap_or(r.score);
        (s.saturating_add(score), m.saturating_add(r.max_score))
    });
    if max_score == 0 {
        return Err("Not graded: nothing that was looked at has points.");
    }
    Ok(Grade { score, max_score })
}

/// The checks that a platform is told of. One that was left out on purpose is not: without points it would read as
/// passed on one platform, and as failed on the next.
pub(super) fn tests<'a>(reports: &[&'a Report]) -> Vec<(&'a Report, &'a CheckReport)> {
    reports
        .iter()
        .flat_map(|r| r.checks.iter().map(|c| (*r, c)))
        .filter(|(_, c)| !words::left_out(c))
        .collect()
}

/// What a check is called in a list: its key and its title, after the exercise where there are several. Never empty.
pub(super) fn name(reports: &[&Report], report: &Report, check: &CheckReport) -> String {
    let mut name = check.key.clone();
    if !check.title.is_empty() {
        let _ = write!(name, ": {}", check.title);
    }
    if reports.len() > 1 {
        name = format!("{}, {name}", words::name(report));
    }
    if name.trim().is_empty() {
        name = "check".into();
    }
    name
}

/// What a check has to say, in at most about `limit` bytes: of a failed one all that the terminal shows, for a box with
/// letters of one width.
pub(super) fn text(
    report: &Report,
    check: &CheckReport,
    options: &Options,
    limit: usize,
) -> String {
    let text = match check.status {
        Status::Failed => {
            let options = Options {
                verbose: true,
                folders: options.folders.clone(),
                ..Options::default()
            };
            finding(report, check, &options)
        }
        Status::Passed => escape::block(&words::headline(check)),
        status => escape::block(&format!("{}: {}", words::status(status), check.message)),
    };
    cut(text.trim_end(), limit).into_owned()
}

/// What is to be said of the whole: a paragraph for each report, and above them why there is no grade. No text of a
/// submission can add a line to it.
pub(super) fn summary(reports: &[&Report], options: &Options, limit: usize) -> String {
    let mut lines = Vec::new();
    if let Err(reason) = grade(reports, options) {
        lines.extend([reason.to_owned(), String::new()]);
    }
    for report in reports {
        let mut line = format!("{}: {}", words::name(report), words::outcome(report));
        if let Some(score) = words::score(report) {
            let _ = write!(line, ", {score}");
        }
        if !words::nothing(report) {
            let _ = write!(line, " ({})", words::tally(report));
        }
        lines.push(line);
        let mark = options.marks.get(&report.exercise);
        lines.extend(mark.map(|m| words::mark(m, report)));
        let unseen = |c: &&CheckReport| c.status == Status::Error || words::left_out(c);
        lines.extend(report.checks.iter().filter(unseen).map(|c| {
            let status = words::status(c.status);
            format!("{}: {status}: {}", c.key, words::reason(c))
        }));
        lines.extend(report.builds.iter().map(|b| {
            let (name, build) = (words::build_name(b), words::build(b));
            format!("built {name}: {build}")
        }));
        lines.extend(
            report
                .engine
                .as_ref()
                .map(|e| format!("engine: {}", words::engine(e))),
        );
        lines.extend(words::stand_ins(report));
        lines.extend(words::partial(report));
        lines.push(String::new());
    }
    let lines: Vec<String> = lines.iter().map(|l| escape::line(l)).collect();
    cut(lines.join("\n").trim_end(), limit).into_owned()
}
