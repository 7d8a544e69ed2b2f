//! One failed check, told like a compiler's error.

use super::{Sheet, snippet};
use crate::report::{CheckReport, FixReport, PlaceReport, Report, Status, words};
use crate::text::{Tone, columns, escape, trim};

pub(super) fn write(sheet: &mut Sheet<'_>, report: &Report, check: &CheckReport) {
    let (sign, tone) = sheet.sign(Status::Failed);
    let name = format!("{sign} {}:", sheet.clean(&check.key));
    let text = sheet.clean(&words::headline(check));
    // Filled with the name at its beginning, so that what follows hangs at the sign's side and keeps the line's width.
    let start = "x".repeat(columns(&name));
    let mut lines = crate::text::fill(&format!("{start} {text}"), sheet.width - 2);
    lines[0] = lines[0].split_off(start.len());
    for (n, line) in sheet.pen.prose(&lines).iter().enumerate() {
        if n == 0 {
            let name = sheet.pen.paint(tone, &name);
            sheet.line(&format!("{name}{line}"));
        } else {
            sheet.line(&format!("  {line}"));
        }
    }
    subtitle(sheet, check);

    let level = words::hint_level(check);
    if level >= 2 {
        snippet::write(sheet, report, check);
    }
    if let Some(nudge) = check.hint.as_ref().and_then(|h| h.nudge.as_ref())
        && level < 3
    {
        sheet.labelled("hint", nudge);
    }
    if level >= 2 {
        let labelled = [
            ("expected", check.expected.as_deref()),
            ("found", check.actual.as_deref()),
            ("why", Some(check.why.as_str()).filter(|w| !w.is_empty())),
        ];
        for (label, text) in labelled {
            if let Some(text) = text {
                sheet.labelled(label, text);
            }
        }
        details(sheet, &check.details);
        if let Some(help) = &check.help {
            sheet.labelled("help", help);
        }
        if let Some(fix) = &check.fix {
            match words::shown_before(report, check) {
                Some(key) => sheet.labelled("fix", &format!("the same as for {key}")),
                None => diff(sheet, fix),
            }
        }
    }
    if let Some(more) = words::more(report, check) {
        sheet.labelled("more", &more);
    }
}

/// `  must hold: The image is small · at most 15 MB · mslab explain max-size`
fn subtitle(sheet: &mut Sheet<'_>, check: &CheckReport) {
    let dot = format!(" {} ", sheet.glyphs.dot);
    let title = format!("must hold: {}", check.title);
    let title = Some(&title).filter(|_| words::hint_level(check) > 1 && !check.title.is_empty());
    // A command stays on one line.
    let explain = format!("mslab\u{a0}explain\u{a0}{}", check.id);
    let says_more = !check.title.eq_ignore_ascii_case(&check.summary);
    let summary = Some(&check.summary).filter(|_| says_more || title.is_none());
    // What no check says, such as that work was refused, has no page of its own.
    let explain = Some(&explain).filter(|_| !check.id.is_empty());
    let parts: Vec<String> = [title, summary, explain]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .map(|part| sheet.clean(part))
        .collect();
    let text = parts.join(&dot);
    for line in crate::text::fill(&text, sheet.width - 2) {
        let line = sheet.pen.paint(Tone::Quiet, &line.replace('\u{a0}', " "));
        sheet.line(&format!("  {line}"));
    }
}

/// Lines of evidence in a frame of their own, folded to those that tell.
fn details(sheet: &mut Sheet<'_>, details: &[String]) {
    if details.is_empty() {
        return;
    }
    let frame = sheet.pen.paint(Tone::Quiet, sheet.glyphs.frame);
    let lines: Vec<&str> = details.iter().flat_map(|d| d.lines()).collect();
    let kept = if sheet.options.verbose {
        vec![true; lines.len()]
    } else {
        telling(&lines)
    };
    let mut label = "details";
    let mut hidden = 0;
    let mut put = |sheet: &mut Sheet<'_>, text: &str| {
        let name = sheet.pen.paint(Tone::Quiet, &format!("{label:<8}"));
        sheet.line(&format!("  {name}  {frame} {text}"));
        label = "";
    };
    let gap = |sheet: &Sheet<'_>, n: usize| {
        let text = format!(
            "{} {} hidden",
            sheet.glyphs.gap,
            crate::text::plural(n, "line")
        );
        sheet.pen.paint(Tone::Quiet, &text)
    };
    for (line, kept) in lines.iter().zip(kept) {
        if !kept {
            hidden += 1;
            continue;
        }
        if hidden > 0 {
            let text = gap(sheet, hidden);
            put(sheet, &text);
            hidden = 0;
        }
        let mut text = sheet.clean(&line.replace('\t', "    "));
        if !sheet.options.verbose {
            text = trim(&text, sheet.width - 14, sheet.glyphs.ellipsis);
        }
        put(sheet, &text);
    }
    if hidden > 0 {
        let text = gap(sheet, hidden);
        put(sheet, &text);
    }
}

/// Which lines are worth their room: of a long log its beginning, its end, and what speaks of failure.
fn telling(lines: &[&str]) -> Vec<bool> {
    const ALL: usize = 12;
    const FIRST: usize = 2;
    const LAST: usize = 5;
    const FAILURES: usize = 5;
    if lines.len() <= ALL {
        return vec![true; lines.len()];
    }
    let words = [
        "error",
        "fail",
        "not found",
        "denied",
        "cannot",
        "no such",
        "fatal",
        "missing",
    ];
    let mut failures = 0;
    let mut kept = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let lower = line.to_lowercase();
        let edge = n < FIRST || n + LAST >= lines.len();
        let tells = !edge && failures < FAILURES && words.iter().any(|w| lower.contains(w));
        failures += usize::from(tells);
        kept.push(edge || tells);
    }
    kept
}

/// The diff, beside a frame: a line of it at the left edge could be taken for a command by a CI system.
fn diff(sheet: &mut Sheet<'_>, fix: &FixReport) {
    sheet.labelled("fix", &fix.title);
    let tried = format!("({})", words::verified(fix.verified));
    let tried = sheet.clean(&tried);
    for line in crate::text::fill(&tried, sheet.width - 12) {
        let line = sheet.pen.paint(Tone::Quiet, &line);
        sheet.line(&format!("            {line}"));
    }
    sheet.line("");
    let frame = sheet.pen.paint(Tone::Quiet, sheet.glyphs.frame);
    for line in words::diff_lines(&fix.diff) {
        let tone = match line.as_bytes().first() {
            _ if line.starts_with("--- ") || line.starts_with("+++ ") => Some(Tone::Strong),
            Some(b'+') => Some(Tone::Good),
            Some(b'-') => Some(Tone::Bad),
            Some(b'@') => Some(Tone::Name),
            Some(b'\\') => Some(Tone::Quiet),
            _ => None,
        };
        let text = escape::line(&line.replace('\t', "    "));
        let text = if sheet.options.ascii {
            escape::ascii(&text)
        } else {
            text
        };
        let text = tone.map_or_else(|| text.clone(), |t| sheet.pen.paint(t, &text));
        sheet.line(&format!("  {frame} {text}"));
    }
}

/// A place outside a text, or a further place, in one line.
pub(super) fn elsewhere(
    sheet: &mut Sheet<'_>,
    report: &Report,
    label: &str,
    place: &PlaceReport,
    note: &str,
) {
    let options = sheet.options;
    let mut text = words::place(place, |file| options.path(report, file));
    if !note.is_empty() {
        text = format!("{text}: {note}");
    }
    sheet.labelled(label, &text);
}
