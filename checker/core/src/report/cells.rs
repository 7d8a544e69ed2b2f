//! A line of the learner's own, ready to be marked: carets below it stand under the right words.

use crate::text::{char_width, columns, escape};

const TAB: usize = 4;

/// A line as cells: what each of its characters looks like, and how wide that is.
pub(super) struct Cells {
    cells: Vec<(String, usize)>,
    blank: Vec<bool>,
}

impl Cells {
    pub(super) fn new(line: &str, ascii: bool) -> Self {
        let mut at = 0;
        let mut cells = Vec::new();
        let mut blank = Vec::new();
        for c in line.trim_end_matches(['\r', '\n']).chars() {
            let shown = match c {
                '\t' => " ".repeat(TAB - at % TAB),
                c if ascii => escape::ascii(&escape::visible(c)),
                c => escape::visible(c),
            };
            let width = shown.chars().map(char_width).sum();
            at += width;
            cells.push((shown, width));
            blank.push(c.is_whitespace());
        }
        Self { cells, blank }
    }

    /// How many characters there are.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// What the characters from one index to another look like, the second exclusive.
    fn text(&self, from: usize, to: usize) -> String {
        let cells = self.cells[from..to].iter();
        cells.map(|(shown, _)| shown.as_str()).collect()
    }

    /// Indexes of the characters between two columns, the second exclusive; never more than the line holds.
    pub(super) fn range(&self, column: usize, end_column: usize) -> (usize, usize) {
        let from = column.saturating_sub(1).min(self.cells.len());
        let to = end_column.saturating_sub(1).min(self.cells.len());
        (from, to.max(from))
    }

    fn width(&self, from: usize, to: usize) -> usize {
        self.cells[from..to].iter().map(|(_, w)| w).sum()
    }

    pub(super) fn indent(&self) -> usize {
        self.blank.iter().take_while(|b| **b).count()
    }

    pub(super) fn blank_before(&self, at: usize) -> bool {
        self.blank[..at].iter().all(|b| *b)
    }

    pub(super) fn blank_after(&self, at: usize) -> bool {
        self.blank[at..].iter().all(|b| *b)
    }

    /// The part of the line that fits, with the characters `from..to` in it, or at least their beginning. Where something
    /// has to go, at most `before` columns in front of them stay.
    pub(super) fn view<'a>(
        &'a self,
        from: usize,
        to: usize,
        room: usize,
        before: usize,
        ellipsis: &'static str,
    ) -> View<'a> {
        let len = self.len();
        if self.width(0, len) <= room {
            return View {
                cells: self,
                first: 0,
                end: len,
                ellipsis,
            };
        }
        let room = room.saturating_sub(2 * columns(ellipsis)).max(1);
        // Grow around the words: first to their end, then to the left, then to the right.
        let (mut first, mut end) = (from, from);
        while end < to && self.width(first, end + 1) <= room {
            end += 1;
        }
        let fits = |first, end| self.width(first, end) <= room && self.width(first, from) <= before;
        while first > 0 && fits(first - 1, end) {
            first -= 1;
        }
        while end < len && self.width(first, end + 1) <= room {
            end += 1;
        }
        View {
            cells: self,
            first,
            end,
            ellipsis,
        }
    }
}

/// The part of a line that is shown.
pub(super) struct View<'a> {
    cells: &'a Cells,
    first: usize,
    end: usize,
    ellipsis: &'static str,
}

impl View<'_> {
    /// What stands for the part of the line before the view.
    pub(super) fn lead(&self) -> &'static str {
        if self.first > 0 { self.ellipsis } else { "" }
    }

    /// What stands for the part of the line behind the view.
    pub(super) fn tail(&self) -> &'static str {
        if self.end < self.cells.len() {
            self.ellipsis
        } else {
            ""
        }
    }

    /// What the characters from one index to another look like, as far as they are in view.
    pub(super) fn text(&self, from: usize, to: usize) -> String {
        let (from, to) = (from.max(self.first), to.min(self.end));
        if from < to {
            self.cells.text(from, to)
        } else {
            String::new()
        }
    }

    /// Whether the mark's beginning is in view; the end of the line is in view with its last character.
    pub(super) fn shows(&self, from: usize) -> bool {
        self.first <= from
            && (from < self.end || (from == self.end && self.end == self.cells.len()))
    }

    /// Columns before the mark, and the columns that it takes: at least one.
    pub(super) fn under(&self, from: usize, to: usize) -> (usize, usize) {
        let from = from.clamp(self.first, self.end);
        let to = to.clamp(from, self.end);
        let pad = columns(self.lead()) + self.cells.width(self.first, from);
        (pad, self.cells.width(from, to).max(1))
    }
}
