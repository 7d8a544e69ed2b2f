//! The learner's own lines with a caret under the exact words.

use std::collections::BTreeMap;

use super::{Sheet, finding};
use crate::report::cells::{Cells, View};
use crate::report::{CheckReport, PlaceReport, Report};
use crate::text::{Tone, columns};

/// Of a long span, this many lines are shown at its beginning, and one at its end.
const SPAN_HEAD: usize = 4;

/// Words to be marked in one file.
struct Mark<'a> {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    snippet: &'a [String],
    /// What is said beside the mark; the finding's own place says nothing, its message stands above.
    note: &'a str,
    main: bool,
}

impl<'a> Mark<'a> {
    fn new(place: &'a PlaceReport, note: &'a str, main: bool) -> Option<(&'a str, Self)> {
        let PlaceReport::Text {
            file,
            line,
            column,
            end_line,
            end_column,
            snippet,
        } = place
        else {
            return None;
        };
        let mut mark = Self {
            line: *line,
            column: (*column).max(1),
            end_line: *end_line,
            end_column: *end_column,
            snippet,
            note,
            main,
        };
        // A span that takes a newline with it ends on the line before.
        if mark.end_line > mark.line && mark.end_column <= 1 {
            mark.end_line -= 1;
            mark.end_column = usize::MAX;
        }
        // What the report does not quote cannot be shown.
        let quoted = mark.line + snippet.len().saturating_sub(1);
        if mark.end_line > quoted {
            mark.end_line = quoted;
            mark.end_column = usize::MAX;
        }
        mark.end_line = mark.end_line.max(mark.line);
        Some((file, mark))
    }

    fn text(&self, line: usize) -> &'a str {
        self.snippet
            .get(line - self.line)
            .map_or("", String::as_str)
    }
}

/// Writes the place of a finding, and its further places: those in the same file in one frame, others a line each.
pub(super) fn write(sheet: &mut Sheet<'_>, report: &Report, check: &CheckReport) {
    let mut marks = Vec::new();
    let mut others = Vec::new();
    let main = check.place.as_ref().and_then(|p| Mark::new(p, "", true));
    let file = main.as_ref().map(|(file, _)| *file);
    match (main, &check.place) {
        (Some((_, mark)), _) if !mark.snippet.is_empty() => marks.push(mark),
        (_, Some(place)) => others.push(("at", place, "")),
        _ => {}
    }
    for related in &check.related {
        match Mark::new(&related.place, &related.note, false) {
            Some((f, mark)) if Some(f) == file && !marks.is_empty() && !mark.snippet.is_empty() => {
                marks.push(mark);
            }
            _ => others.push(("see", &related.place, related.note.as_str())),
        }
    }
    if let (Some(file), Some(first)) = (file, marks.first()) {
        let at = format!(
            "{}:{}:{}",
            sheet.clean(&sheet.options.path(report, file)),
            first.line,
            first.column
        );
        frame(sheet, &at, marks);
    }
    for (label, place, note) in others {
        finding::elsewhere(sheet, report, label, place, note);
    }
}

fn frame(sheet: &mut Sheet<'_>, at: &str, mut marks: Vec<Mark<'_>>) {
    marks.sort_by_key(|m| (m.line, m.end_line, !m.main));
    let last = marks.iter().map(|m| m.end_line).max().unwrap_or(1);
    let digits = last.to_string().len().max(2);
    let gutter = Gutter {
        digits,
        frame: sheet.pen.paint(Tone::Quiet, sheet.glyphs.frame),
    };
    let top = sheet.pen.paint(Tone::Quiet, sheet.glyphs.frame_top);
    sheet.line("");
    let at = sheet.pen.paint(Tone::Name, at);
    let top_pad = if sheet.options.ascii {
        digits
    } else {
        digits + 2
    };
    sheet.line(&format!("{}{top} {at}", " ".repeat(top_pad)));

    // Marks on one line share its text.
    let mut by_line: BTreeMap<usize, Vec<&Mark<'_>>> = BTreeMap::new();
    for mark in &marks {
        by_line.entry(mark.line).or_default().push(mark);
    }
    let mut shown = 0;
    for (line, marks) in by_line {
        if shown > 0 && line > shown + 1 {
            gutter.gap(sheet, "");
        }
        let spans = marks.iter().any(|m| m.end_line > m.line);
        if !spans {
            single(sheet, &gutter, line, &marks);
            shown = shown.max(line);
        }
        for mark in marks.iter().filter(|_| spans) {
            if mark.end_line > mark.line {
                several(sheet, &gutter, mark);
            } else {
                single(sheet, &gutter, line, &[mark]);
            }
            shown = shown.max(mark.end_line);
        }
    }
    let end = sheet.pen.paint(Tone::Quiet, sheet.glyphs.frame_end);
    sheet.line(&format!("{}{end}", " ".repeat(digits + 2)));
}

struct Gutter {
    digits: usize,
    frame: String,
}

impl Gutter {
    fn width(&self) -> usize {
        self.digits + 4
    }

    fn numbered(&self, sheet: &mut Sheet<'_>, line: usize, text: &str) {
        let number = format!(" {line:>w$}", w = self.digits);
        let number = sheet.pen.paint(Tone::Quiet, &number);
        sheet.line(&format!("{number} {} {text}", self.frame));
    }

    fn blank(&self, sheet: &mut Sheet<'_>, text: &str) {
        let pad = " ".repeat(self.digits + 2);
        sheet.line(&format!("{pad}{} {text}", self.frame));
    }

    fn gap(&self, sheet: &mut Sheet<'_>, text: &str) {
        let sign = sheet.pen.paint(Tone::Quiet, sheet.glyphs.gap);
        let pad = " ".repeat(self.digits);
        sheet.line(&format!(" {pad} {sign} {text}"));
    }
}

/// One line with all its marks below it.
fn single(sheet: &mut Sheet<'_>, gutter: &Gutter, line: usize, marks: &[&Mark<'_>]) {
    let Some(text) = marks.first().map(|m| m.text(line)) else {
        return;
    };
    let cells = Cells::new(text, sheet.options.ascii);
    let main = marks.iter().find(|m| m.main).or(marks.first());
    let (from, to) = main.map_or((0, 0), |m| cells.range(m.column, m.end_column));
    let view = cells.view(
        from,
        to,
        room(sheet, gutter),
        usize::MAX,
        sheet.glyphs.ellipsis,
    );
    let fault = marks.iter().find(|m| m.main).map(|_| (from, to));
    let painted = paint(sheet, &view, fault);
    gutter.numbered(sheet, line, &painted);
    for mark in marks {
        let (from, to) = cells.range(mark.column, mark.end_column);
        if !view.shows(from) {
            let note = sheet.clean(&format!("column {}: {}", mark.column, mark.note));
            let note = sheet.pen.paint(Tone::Name, &note);
            gutter.blank(sheet, &note);
            continue;
        }
        let (pad, len) = view.under(from, to);
        let (sign, tone) = if mark.main {
            ("^", Tone::Fault)
        } else {
            ("-", Tone::Name)
        };
        let carets = sheet.pen.paint(tone, &sign.repeat(len));
        let lead = format!("{}{carets}", " ".repeat(pad));
        let note = sheet.clean(mark.note);
        if note.is_empty() {
            gutter.blank(sheet, &lead);
        } else if pad + len + 1 + columns(&note) <= room(sheet, gutter) {
            let note = sheet.pen.paint(tone, &note);
            gutter.blank(sheet, &format!("{lead} {note}"));
        } else {
            gutter.blank(sheet, &lead);
            let indent = pad.min(room(sheet, gutter) / 2);
            for part in crate::text::fill(&note, room(sheet, gutter) - indent) {
                let part = sheet.pen.paint(tone, &part);
                gutter.blank(sheet, &format!("{}{part}", " ".repeat(indent)));
            }
        }
    }
}

/// A span over several lines, with a bracket beside them; carets only where it begins or ends within a line.
fn several(sheet: &mut Sheet<'_>, gutter: &Gutter, mark: &Mark<'_>) {
    let tone = if mark.main { Tone::Fault } else { Tone::Name };
    let room = room(sheet, gutter).saturating_sub(2);
    let many = mark.end_line - mark.line + 1;
    for line in mark.line..=mark.end_line {
        let nth = line - mark.line;
        if many > SPAN_HEAD + 2 && nth >= SPAN_HEAD && line < mark.end_line {
            if nth == SPAN_HEAD {
                let bar = sheet.pen.paint(tone, sheet.glyphs.frame);
                let hidden = many - SPAN_HEAD - 1;
                let text = format!("{hidden} lines more");
                let text = sheet.pen.paint(Tone::Quiet, &text);
                gutter.gap(sheet, &format!("{bar} {text}"));
            }
            continue;
        }
        let text = mark.text(line);
        let cells = Cells::new(text, sheet.options.ascii);
        let first = if line == mark.line { mark.column } else { 1 };
        let end = if line == mark.end_line {
            mark.end_column
        } else {
            usize::MAX
        };
        let (from, to) = cells.range(first, end);
        let view = cells.view(from, from, room, usize::MAX, sheet.glyphs.ellipsis);
        let bracket = match line {
            l if l == mark.line => sheet.glyphs.span_top,
            l if l == mark.end_line => sheet.glyphs.span_end,
            _ => sheet.glyphs.frame,
        };
        let painted = paint(sheet, &view, None);
        let bracket = sheet.pen.paint(tone, bracket);
        gutter.numbered(sheet, line, &format!("{bracket} {painted}"));
        let begins_within = line == mark.line && !cells.blank_before(from);
        let ends_within = line == mark.end_line && !cells.blank_after(to);
        if begins_within || ends_within {
            let bar = if line == mark.end_line {
                " "
            } else {
                sheet.glyphs.frame
            };
            let bar = sheet.pen.paint(tone, bar);
            let from = from.max(cells.indent());
            let (pad, len) = view.under(from, to.max(from));
            let carets = sheet.pen.paint(tone, &"^".repeat(len));
            gutter.blank(sheet, &format!("{bar} {}{carets}", " ".repeat(pad)));
        }
    }
    let note = sheet.clean(mark.note);
    if !note.is_empty() {
        for part in crate::text::fill(&note, room) {
            let part = sheet.pen.paint(tone, &part);
            gutter.blank(sheet, &format!("  {part}"));
        }
    }
}

fn room(sheet: &Sheet<'_>, gutter: &Gutter) -> usize {
    sheet.width.saturating_sub(gutter.width()).max(20)
}

/// The part of the line in view, with the words at fault strong.
fn paint(sheet: &Sheet<'_>, view: &View<'_>, fault: Option<(usize, usize)>) -> String {
    let (from, to) = fault.unwrap_or((usize::MAX, usize::MAX));
    format!(
        "{}{}{}{}{}",
        sheet.pen.paint(Tone::Quiet, view.lead()),
        view.text(0, from),
        sheet.pen.paint(Tone::Strong, &view.text(from, to)),
        view.text(to, usize::MAX),
        sheet.pen.paint(Tone::Quiet, view.tail())
    )
}
