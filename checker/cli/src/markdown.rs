//! Markdown for the terminal: headings, lists, code and tables as people read them, without the marks.
//!
//! It is for what authors of labs write. HTML and pictures are left out; a link's address stands behind its words.

use mslab_core::text::{Glyphs, Pen, Tone, columns, escape, fill};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// `text` in lines of at most `width` columns, with colours.
pub(crate) fn render(text: &str, width: usize) -> String {
    let mut sheet = Sheet {
        pen: Pen { color: true },
        width,
        ..Sheet::default()
    };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        sheet.on(event);
    }
    sheet.out
}

/// What one nesting of blocks puts before its lines.
struct Margin {
    /// Before the first line, until it is written: the item's mark.
    first: Option<String>,
    rest: String,
}

/// The page as it grows.
#[derive(Default)]
struct Sheet {
    pen: Pen,
    width: usize,
    out: String,
    margins: Vec<Margin>,
    /// For each open list the number of its next item, if it counts.
    lists: Vec<Option<u64>>,
    /// Where each open link leads, and where its words begin in `words`.
    links: Vec<(String, usize)>,
    /// The words of the paragraph, heading or cell at hand.
    words: String,
    /// The lines of a code block at hand.
    code: Option<String>,
    /// The rows of a table at hand.
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.words.push_str(&escape::line(&text)),
            },
            Event::Code(code) => {
                self.words.push('`');
                self.words.push_str(&escape::line(&code));
                self.words.push('`');
            }
            Event::SoftBreak | Event::HardBreak => self.words.push(' '),
            Event::Rule => self.gap(),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.flush();
                self.gap();
            }
            Tag::Paragraph => self.gap_before_prose(),
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(first);
            }
            Tag::Item => {
                let mark = match self.lists.last_mut() {
                    Some(Some(n)) => {
                        *n += 1;
                        format!("{}. ", *n - 1)
                    }
                    _ => "- ".to_owned(),
                };
                let rest = " ".repeat(mark.len());
                let first = Some(mark);
                self.margins.push(Margin { first, rest });
            }
            Tag::BlockQuote(_) => {
                self.gap();
                let rest = format!("{} ", Glyphs::UNICODE.frame);
                self.margins.push(Margin { first: None, rest });
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = Some(String::new());
            }
            Tag::Link { dest_url, .. } => self.links.push((dest_url.into(), self.words.len())),
            Tag::Table(_) => {
                self.gap();
                self.rows.clear();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                let words = std::mem::take(&mut self.words);
                for line in fill(&words, self.width) {
                    let line = self.pen.paint(Tone::Strong, &line);
                    self.put(&line);
                }
            }
            TagEnd::Paragraph => self.flush(),
            TagEnd::Item => {
                self.flush();
                self.margins.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.margins.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::Link => {
                if let Some((address, from)) = self.links.pop()
                    && !self.words[from..].contains(&address)
                {
                    self.words
                        .push_str(&format!(" ({})", escape::line(&address)));
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.words);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => self.table(),
            _ => {}
        }
    }

    /// An empty line, if there is none and something stands before it.
    fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// The first paragraph of an item stands beside its mark.
    fn gap_before_prose(&mut self) {
        if self.margins.last().is_none_or(|m| m.first.is_none()) {
            self.gap();
        }
    }

    /// Writes one line under the margins.
    fn put(&mut self, line: &str) {
        for margin in &mut self.margins {
            match margin.first.take() {
                Some(first) => self.out.push_str(&first),
                None => self.out.push_str(&margin.rest),
            }
        }
        self.out.push_str(line);
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
    }

    /// Columns that the margins leave.
    fn room(&self) -> usize {
        let taken: usize = self.margins.iter().map(|m| columns(&m.rest)).sum();
        self.width.saturating_sub(taken).max(20)
    }

    /// Writes the words at hand as prose.
    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        if words.trim().is_empty() {
            return;
        }
        for line in self.pen.prose(&fill(&words, self.room())) {
            self.put(&line);
        }
    }

    fn code_block(&mut self) {
        let code = self.code.take().unwrap_or_default();
        self.gap();
        for line in code.lines() {
            let line = escape::line(&line.replace('\t', "    "));
            let line = self.pen.paint(Tone::Name, &line);
            self.put(&format!("    {line}"));
        }
        self.gap();
    }

    /// Columns side by side; the last one breaks into lines where it must.
    fn table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let cells = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |n: usize| {
            let column = rows.iter().filter_map(|r| r.get(n));
            column.map(|c| columns(c)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..cells).map(widest).collect();
        let before: usize = widths.iter().rev().skip(1).map(|w| w + 2).sum();
        let room = self.room().saturating_sub(before).max(20);
        for (n, row) in rows.iter().enumerate() {
            let Some((last, first)) = row.split_last() else {
                continue;
            };
            let pad = |(cell, width): (&String, &usize)| {
                let gap = " ".repeat(width.saturating_sub(columns(cell)) + 2);
                format!("{}{gap}", self.pen.prose(std::slice::from_ref(cell))[0])
            };
            let lead: String = first.iter().zip(&widths).map(pad).collect();
            for (m, line) in self.pen.prose(&fill(last, room)).iter().enumerate() {
                let lead = if m == 0 {
                    lead.clone()
                } else {
                    " ".repeat(before)
                };
                let line = format!("{lead}{line}");
                let line = if n == 0 {
                    self.pen.paint(Tone::Strong, &line)
                } else {
                    line
                };
                self.put(&line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, width: usize) -> String {
        anstream::adapter::strip_str(&render(text, width)).to_string()
    }

    #[test]
    fn a_task_reads_without_its_marks() {
        let text = "# A *title*\n\nSome prose that is long enough to\nbreak, with `code` in it.\n\n## Part\n\n\
                    1. One: see [the guide](https://example.org/x).\n   More of it.\n2. Two\n   - deeper\n\n\
                    ```sh\nmslab check  exercise-1\n```\n\n> said\n\n<https://example.org>\n";
        let wanted = "A title\n\nSome prose that is long\nenough to break, with\n`code` in it.\n\nPart\n\n\
                      1. One: see the guide\n   (https://example.org/x).\n   More of it.\n2. Two\n   - deeper\n\n    \
                      mslab check  exercise-1\n\n│ said\n\nhttps://example.org\n";
        assert_eq!(plain(text, 25), wanted);
    }

    #[test]
    fn tables_stand_in_columns() {
        let text =
            "| toy | says |\n|---|---|\n| `kite` | a long sentence that must break |\n| x | y |\n";
        let wanted = "toy     says\n`kite`  a long sentence that\n        must break\nx       y\n";
        assert_eq!(plain(text, 30), wanted);
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let text = "a\u{1b}[31mb `\u{9b}2J`\n\n```\n\u{1b}]0;x\u{7}\n```\n";
        let shown = plain(text, 80);
        assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{7}']), "{shown:?}");
        assert!(shown.contains("\\u{1b}"), "{shown:?}");
    }
}
