//! The terminal: what passed in a line each, every failure like a compiler's, and what to type next.

mod finding;
mod snippet;

use std::fmt::Write as _;

use super::{CheckReport, Options, Outcome, Output, Report, Status, words};
use crate::text::{Glyphs, Pen, Tone, columns, escape, fill, trim};

pub(super) const OUTPUT: Output = Output {
    name: "human",
    extension: "txt",
    about: "for people, in a terminal",
    platform: false,
    render,
};

/// Prose wider than this is hard to read.
const WIDEST: usize = 100;
const NARROWEST: usize = 40;

fn render(reports: &[Report], options: &Options) -> String {
    let mut sheet = Sheet::new(options);
    for (n, report) in reports.iter().enumerate() {
        if n > 0 {
            sheet.line("");
        }
        sheet.report(report);
    }
    if reports.len() > 1 {
        sheet.line("");
        sheet.totals(reports);
    }
    if let Some(next) = options.next.as_ref().filter(|_| !options.quiet) {
        sheet.line("");
        for (n, line) in fill(&sheet.clean(next), sheet.width - 6).iter().enumerate() {
            let lead = if n == 0 { "Next: " } else { "      " };
            let line = sheet.pen.paint(Tone::Name, line);
            sheet.line(&format!("{lead}{line}"));
        }
    }
    escape::ci_log(&sheet.out)
}

/// What a terminal shows of one failed check, for the book: its message, the place, and the fix as a diff.
#[must_use]
pub fn finding(report: &Report, check: &CheckReport, options: &Options) -> String {
    let mut sheet = Sheet::new(options);
    finding::write(&mut sheet, report, check);
    escape::ci_log(&sheet.out)
}

/// The text as it grows, and how it is to look.
struct Sheet<'a> {
    options: &'a Options,
    pen: Pen,
    glyphs: &'static Glyphs,
    width: usize,
    out: String,
}

impl<'a> Sheet<'a> {
    fn new(options: &'a Options) -> Self {
        Self {
            options,
            pen: Pen {
                color: options.color,
            },
            glyphs: Glyphs::new(options.ascii),
            width: options.width.clamp(NARROWEST, WIDEST),
            out: String::new(),
        }
    }

    /// Never two empty lines in a row.
    fn line(&mut self, text: &str) {
        if text.is_empty() && self.out.ends_with("\n\n") {
            return;
        }
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// One line of text from anywhere, harmless and visible.
    fn clean(&self, text: &str) -> String {
        let text = escape::line(&text.replace("\r\n", " ").replace('\n', " "));
        if self.options.ascii {
            escape::ascii(&text)
        } else {
            text
        }
    }

    /// Prose after `lead`, broken so that it hangs under its own beginning. `lead` may be painted, so its width is told.
    fn hanging(&mut self, lead: &str, lead_width: usize, text: &str) {
        let lines = fill(&self.clean(text), self.width.saturating_sub(lead_width));
        let lines = self.pen.prose(&lines);
        for (n, line) in lines.iter().enumerate() {
            if n == 0 {
                self.line(&format!("{lead}{line}"));
            } else {
                self.line(&format!("{}{line}", " ".repeat(lead_width)));
            }
        }
    }

    /// A label in its column, with prose beside it.
    fn labelled(&mut self, label: &str, text: &str) {
        let lead = self.pen.paint(Tone::Quiet, &format!("{label:<8}"));
        self.hanging(&format!("  {lead}  "), 12, text);
    }

    fn sign(&self, status: Status) -> (&'static str, Tone) {
        match status {
            Status::Passed => (self.glyphs.passed, Tone::Good),
            Status::Failed => (self.glyphs.failed, Tone::Fault),
            Status::Skipped => (self.glyphs.skipped, Tone::Quiet),
            Status::Error => (self.glyphs.error, Tone::Warning),
        }
    }

    fn report(&mut self, report: &Report) {
        self.heading(report);
        let key_width = report
            .checks
            .iter()
            .map(|c| columns(&self.clean(&c.key)))
            .max()
            .unwrap_or(0)
            .min(28);
        for check in &report.checks {
            if !(self.options.quiet && check.status == Status::Passed) {
                self.check_line(check, key_width);
            }
        }
        for check in report.checks.iter().filter(|c| c.status == Status::Failed) {
            self.line("");
            finding::write(self, report, check);
        }
        self.line("");
        self.footer(report);
    }

    fn heading(&mut self, report: &Report) {
        let (name, title) = (self.clean(&report.exercise), self.clean(&report.title));
        if report.lab.is_empty() && !title.is_empty() {
            let title = self.pen.paint(Tone::Strong, &title);
            self.line(&title);
        } else {
            let name = self.pen.paint(Tone::Strong, &name);
            self.line(&format!("{name}  {title}"));
        }
        self.line("");
    }

    /// `  ✓ small      7.43 MB                                   20`
    fn check_line(&mut self, check: &CheckReport, key_width: usize) {
        let (sign, tone) = self.sign(check.status);
        let key = self.clean(&check.key);
        let pad = " ".repeat(key_width.saturating_sub(columns(&key)));
        let points = match check.status {
            _ if check.max_points == 0 => String::new(),
            Status::Error => format!("?/{}", check.max_points),
            // Left out on purpose, it is not in the sum either.
            Status::Skipped if words::left_out(check) => {
                format!("-/{}", check.max_points)
            }
            _ => format!("{}/{}", check.points, check.max_points),
        };
        let text = match check.status {
            Status::Passed | Status::Failed => words::headline(check).into_owned(),
            status => {
                format!("{}: {}", words::status(status), words::reason(check))
            }
        };
        let lead_width = 4 + columns(&key).max(key_width) + 2;
        let room = self.width.saturating_sub(lead_width + 8).max(20);
        let mut lines = fill(&self.clean(&text), room);
        // What failed is told in full below.
        if check.status == Status::Failed && lines.len() > 1 {
            let whole = lines.join(" ");
            lines = vec![trim(&whole, room, self.glyphs.ellipsis)];
        }
        let widths: Vec<usize> = lines.iter().map(|l| columns(l)).collect();
        let lines = self.pen.prose(&lines);
        for (n, (line, used)) in lines.iter().zip(widths).enumerate() {
            if n > 0 {
                self.line(&format!("{}{line}", " ".repeat(lead_width)));
                continue;
            }
            let gap = " ".repeat(room.saturating_sub(used) + 8usize.saturating_sub(points.len()));
            let key = match check.status {
                Status::Passed | Status::Skipped => key.clone(),
                _ => self.pen.paint(tone, &key),
            };
            self.line(&format!(
                "  {} {key}{pad}  {line}{gap}{}",
                self.pen.paint(tone, sign),
                self.pen.paint(Tone::Quiet, &points)
            ));
        }
    }

    fn footer(&mut self, report: &Report) {
        self.verdict(report);
        if self.options.quiet {
            return;
        }
        for build in &report.builds {
            let text = format!("{}: {}", words::build_name(build), words::build(build));
            self.labelled("built", &text);
        }
        if let Some(engine) = &report.engine {
            self.labelled("engine", &words::engine(engine));
        }
        for notice in [words::stand_ins(report), words::partial(report)]
            .into_iter()
            .flatten()
        {
            self.labelled("note", &notice);
        }
    }

    /// `✗ failed  70 / 100 points, 8 passed, 2 failed`
    fn verdict(&mut self, report: &Report) {
        let (sign, tone) = self.sign(words::status_of(report));
        let said = self
            .pen
            .paint(tone, &format!("{sign} {}", words::outcome(report)));
        let mut rest = String::new();
        if let Some(score) = words::score(report) {
            let _ = write!(rest, "  {}", self.pen.paint(Tone::Strong, &score));
        }
        let tally = self.pen.paint(Tone::Quiet, &words::tally(report));
        self.line(&format!("{said}{rest}  {tally}"));
        if let Some(text) = words::unscored(report) {
            self.hanging("  ", 2, text);
        }
    }

    fn totals(&mut self, reports: &[Report]) {
        let name_width = reports
            .iter()
            .map(|r| columns(&self.clean(words::name(r))))
            .max()
            .unwrap_or(0);
        for report in reports {
            let (sign, tone) = self.sign(words::status_of(report));
            let name = self.clean(words::name(report));
            let pad = " ".repeat(name_width.saturating_sub(columns(&name)));
            let score = words::score(report).map(|s| format!(", {s}"));
            self.line(&format!(
                "{} {name}{pad}  {}{}",
                self.pen.paint(tone, sign),
                words::outcome(report),
                score.unwrap_or_default()
            ));
        }
        let passed = reports
            .iter()
            .filter(|r| r.outcome == Outcome::Passed)
            .count();
        let mut text = format!("{passed} of {} passed", reports.len());
        let (score, max) = reports
            .iter()
            .filter(|r| r.outcome != Outcome::Error)
            .fold((0, 0), |(s, m), r| (s + r.score, m + r.max_score));
        if max > 0 {
            let _ = write!(text, ", {score} / {max} points");
        }
        let text = self.pen.paint(Tone::Strong, &text);
        self.line(&text);
    }
}
