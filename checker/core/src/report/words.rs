//! Words that several outputs share, so that they agree.

use std::borrow::Cow;

use super::{
    BuildReport, CheckReport, EngineReport, Mark, Options, Outcome, PlaceReport, Report, Status,
    Verified,
};
use crate::judge::ON_PURPOSE;
use crate::units::{Bytes, Millis};

/// A verdict in a word or two; what could not be seen never reads as passed.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Error => "could not look",
    }
}

/// The outcome in a word or two.
pub(super) fn outcome(report: &Report) -> &'static str {
    match report.outcome {
        Outcome::Passed if report.partial => "nothing failed, as far as it was looked at",
        Outcome::Passed => "passed",
        Outcome::Failed if nothing(report) => "nothing was handed in",
        Outcome::Failed => "failed",
        Outcome::Error => "not graded",
    }
}

/// Whether there was no work at all: what failed otherwise has a check that says so.
pub(super) fn nothing(report: &Report) -> bool {
    report.outcome == Outcome::Failed && report.checks.is_empty()
}

/// `70 / 100 points`; nothing where there are no points, where an error keeps the work from being graded, or where there
/// is no work.
pub(super) fn score(report: &Report) -> Option<String> {
    (report.max_score > 0 && report.outcome != Outcome::Error && !nothing(report))
        .then(|| format!("{} / {} points", report.score, report.max_score))
}

/// What counts in the place of the checks' points, and why.
pub(super) fn mark(mark: &Mark, report: &Report) -> String {
    format!(
        "{} / {} points count: {}",
        mark.points, report.max_score, mark.why
    )
}

/// `8 passed, 2 failed`; verdicts that nobody has are left out.
pub(super) fn tally(report: &Report) -> String {
    let all = [
        Status::Passed,
        Status::Failed,
        Status::Skipped,
        Status::Error,
    ];
    let parts: Vec<String> = all
        .into_iter()
        .map(|s| (s, report.count(s)))
        .filter(|(_, n)| *n > 0)
        .map(|(s, n)| match s {
            Status::Error => format!("{n} could not be looked at"),
            s => format!("{n} {}", status(s)),
        })
        .collect();
    if parts.is_empty() {
        "no checks".into()
    } else {
        parts.join(", ")
    }
}

/// How a fix was tried: a clause after its title.
pub(super) fn verified(verified: Verified) -> &'static str {
    match verified {
        Verified::Text => "tried on a copy: it parses, and the check holds; not built",
        Verified::Build => "tried on a copy: built and checked",
    }
}

/// `8 steps, 5 cached, 7.43 MB unpacked, 3.10 MB compressed, 12.4 s`
pub(super) fn build(build: &BuildReport) -> String {
    let mut parts = Vec::new();
    if build.steps > 0 {
        parts.push(crate::text::plural(build.steps as usize, "step"));
        if build.cached_steps > 0 {
            parts.push(format!("{} cached", build.cached_steps));
        }
    }
    match &build.size {
        Some(size) => {
            parts.push(format!("{} unpacked", Bytes(size.unpacked_bytes)));
            if let Some(compressed) = size.compressed_bytes {
                parts.push(format!("{} compressed", Bytes(compressed)));
            }
        }
        None if build.image_id.is_none() => parts.push("no image".into()),
        None => {}
    }
    parts.push(Millis(build.duration_ms).to_string());
    parts.join(", ")
}

/// What a build is called: its target, with the platform where the lab names one.
pub(super) fn build_name(build: &BuildReport) -> String {
    let name = build.target.as_deref().unwrap_or(&build.key);
    match &build.platform {
        Some(platform) => format!("{name} ({platform})"),
        None => name.to_owned(),
    }
}

/// `Docker 28.5.1, overlay2, linux/amd64`
pub(super) fn engine(engine: &EngineReport) -> String {
    let named = format!("{} {}", engine.name, engine.version);
    [named.trim(), &engine.image_store, &engine.platform]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// That stand-ins took the place of base images, in one sentence.
pub(super) fn stand_ins(report: &Report) -> Option<String> {
    (!report.stand_ins.is_empty()).then(|| {
        let names: Vec<String> = report.stand_ins.iter().map(|s| format!("`{s}`")).collect();
        let named = match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => String::new(),
        };
        format!("Built on local stand-ins for {named}: sizes differ from those on the real images.")
    })
}

/// That checks were left out on purpose, in one sentence.
pub(super) fn partial(report: &Report) -> Option<String> {
    report.partial.then(|| {
        let points = if report.max_score == 0 {
            ""
        } else {
            ", and their points do not count"
        };
        format!("Partial: checks that were left out on purpose may still fail{points}.")
    })
}

/// A place in one line: `Dockerfile:9:6`, or `/bin/sh in layer 3 of the image`.
pub(super) fn place(place: &PlaceReport, path: impl Fn(&str) -> String) -> String {
    match place {
        PlaceReport::Text {
            file, line, column, ..
        } => format!("{}:{line}:{column}", path(file)),
        PlaceReport::Image {
            layer,
            path: in_image,
        } => {
            let layer = layer.map(|n| format!("layer {} of ", n + 1));
            let layer = layer.unwrap_or_default();
            match in_image {
                Some(in_image) => format!("{in_image} in {layer}the image"),
                None => format!("{layer}the image"),
            }
        }
    }
}

/// Where a finding is in a text: its own place, or else the first of its further places.
pub(super) fn text_place(check: &CheckReport) -> Option<&PlaceReport> {
    let related = check.related.iter().map(|r| &r.place);
    let mut places = check.place.iter().chain(related);
    places.find(|p| matches!(p, PlaceReport::Text { .. }))
}

/// A finding as plain lines, for outputs that have no form of their own for its parts. Not escaped.
pub(super) fn plain(report: &Report, check: &CheckReport, options: &Options) -> String {
    let mut lines = vec![headline(check).into_owned()];
    let path = |file: &str| options.path(report, file);
    if let Some(at) = &check.place {
        lines.push(format!("at: {}", place(at, path)));
    }
    for related in &check.related {
        lines.push(format!(
            "see: {}: {}",
            place(&related.place, path),
            related.note
        ));
    }
    let labelled = [
        ("expected", &check.expected),
        ("found", &check.actual),
        ("help", &check.help),
    ];
    for (label, text) in labelled {
        if let Some(text) = text {
            lines.push(format!("{label}: {text}"));
        }
    }
    if check.status == Status::Failed && !check.why.is_empty() {
        lines.push(format!("why: {}", check.why));
    }
    if let Some(nudge) = check.hint.as_ref().and_then(|h| h.nudge.as_ref()) {
        lines.push(format!("hint: {nudge}"));
    }
    lines.extend(check.details.iter().map(|d| format!("  {d}")));
    if let Some(fix) = &check.fix {
        lines.push(format!("fix: {} ({})", fix.title, verified(fix.verified)));
        lines.push(fix.diff.clone());
    }
    lines.join("\n")
}

/// How far the hints of a check are open; 3 where the report does not say.
pub(super) fn hint_level(check: &CheckReport) -> u8 {
    check.hint.as_ref().map_or(3, |h| h.level)
}

/// A check's line: what was seen, or for a failed check whose hints are closed, only what it asks.
pub(super) fn headline(check: &CheckReport) -> Cow<'_, str> {
    let failed = check.status == Status::Failed;
    if failed && (hint_level(check) < 2 || check.message.is_empty()) {
        Cow::Owned(format!("not yet: {}", check.title))
    } else if check.message.is_empty() {
        Cow::Borrowed(&check.title)
    } else {
        Cow::Borrowed(&check.message)
    }
}

/// Whether a check was left out on purpose, so that its points are not in the sum either.
pub(super) fn left_out(check: &CheckReport) -> bool {
    check.status == Status::Skipped && check.message.starts_with(ON_PURPOSE)
}

/// Why a check was skipped or could not be looked at, without the words that its status says already.
pub(super) fn reason(check: &CheckReport) -> &str {
    let message = &check.message;
    message.strip_prefix(ON_PURPOSE).unwrap_or(message)
}

/// What a report is called where several are listed.
pub(super) fn name(report: &Report) -> &str {
    if report.lab.is_empty() && !report.title.is_empty() {
        &report.title
    } else {
        &report.exercise
    }
}

/// What a report is headed with: `exercise-5: A static binary on scratch`.
pub(super) fn heading(report: &Report) -> String {
    if report.title.is_empty() || report.title == report.exercise {
        report.exercise.clone()
    } else {
        format!("{}: {}", report.exercise, report.title)
    }
}

/// `0 / 15`, or `– / 15` where the points do not count; nothing for a check without points.
pub(super) fn points(check: &CheckReport) -> Option<String> {
    let max = check.max_points;
    if max == 0 {
        None
    } else if check.status == Status::Error || left_out(check) {
        Some(format!("– / {max}"))
    } else {
        Some(format!("{} / {max}", check.points))
    }
}

/// Why there is no score, in one sentence.
pub(super) fn unscored(report: &Report) -> Option<&'static str> {
    if report.outcome != Outcome::Error {
        None
    } else if report.checks.iter().any(|c| c.status == Status::Error) {
        Some("What could not be looked at is not the work's fault, so that nothing is scored.")
    } else {
        Some("Nothing was looked at, so that nothing is scored.")
    }
}

/// What opens the next hint of a failed check, while one is closed.
pub(super) fn more(report: &Report, check: &CheckReport) -> Option<String> {
    let level = hint_level(check);
    if level >= 3 {
        return None;
    }
    let command = if report.lab.is_empty() {
        "`mslab hint`".to_owned()
    } else {
        format!("`mslab hint {} {}`", report.exercise, check.key)
    };
    let more = if level < 2 {
        "shows where"
    } else {
        "shows what to change, where mslab knows"
    };
    Some(format!("{command} {more}"))
}

/// The check whose finding has shown this check's diff already.
pub(super) fn shown_before<'a>(report: &'a Report, check: &CheckReport) -> Option<&'a str> {
    let diff = &check.fix.as_ref()?.diff;
    let before = report.checks.iter().take_while(|c| c.key != check.key);
    let mut shown = before.filter(|c| c.status == Status::Failed && hint_level(c) >= 3);
    let same = shown.find(|c| c.fix.as_ref().is_some_and(|f| f.diff == *diff))?;
    Some(&same.key)
}

/// The lines of a diff. Where every line of the file ends in CR LF, the CR tells nothing, and is left out.
pub(super) fn diff_lines(diff: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = diff.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    let content =
        |l: &&&str| !(l.starts_with("@@") || l.starts_with("---") || l.starts_with("+++"));
    if lines.iter().filter(content).all(|l| l.ends_with('\r')) {
        for line in &mut lines {
            *line = line.trim_end_matches('\r');
        }
    }
    lines
}

/// The sign that a report gets: only what was looked at whole has passed.
pub(super) fn status_of(report: &Report) -> Status {
    match report.outcome {
        Outcome::Passed if report.partial => Status::Skipped,
        Outcome::Passed => Status::Passed,
        Outcome::Failed if nothing(report) => Status::Skipped,
        Outcome::Failed => Status::Failed,
        Outcome::Error => Status::Error,
    }
}
