//! Inspections and comparisons as aligned text for a terminal.

use std::fmt::Write as _;

use super::compare::{Change, ChangeKind, Comparison};
use super::summary::{Inspection, LayerSource, PathSize};
use crate::units::Bytes;

/// Characters of an instruction or path on one line.
const WIDTH: usize = 72;

impl Inspection {
    /// The inspection of the image that was asked for as `name`, as text of several short tables.
    #[must_use]
    pub fn human(&self, name: &str) -> String {
        let mut out = String::new();
        line(
            &mut out,
            &format!("Image {} for {}", safe(name), safe(&self.platform)),
        );
        if !self.id.is_empty() {
            line(&mut out, &safe(&self.id));
        }
        let compressed = self.compressed_bytes.map(Bytes);
        let compressed = compressed.map_or_else(String::new, |b| format!(" {b} compressed,"));
        line(
            &mut out,
            &format!(
                "Size {} unpacked,{compressed} {} wasted, {} layers",
                Bytes(self.unpacked_bytes),
                Bytes(self.wasted_bytes),
                self.layers.len()
            ),
        );
        self.layers(&mut out);

        if self.instructions.iter().any(|s| s.source.line.is_some()) {
            let mut table = Table::new(&["SIZE", "WASTED", "LAYERS", "INSTRUCTION"]);
            for step in &self.instructions {
                table.row([
                    Bytes(step.unpacked_bytes).to_string(),
                    waste(step.wasted_bytes),
                    step.layers.to_string(),
                    source(&step.source),
                ]);
            }
            table.print(&mut out, "By instruction");
        }
        paths(&mut out, "Largest directories", &self.largest_directories);
        paths(&mut out, "Largest files", &self.largest_files);
        out
    }

    /// The layers, with their compressed sizes where the archive has them.
    fn layers(&self, out: &mut String) {
        let compressed = self.layers.iter().any(|l| l.compressed_bytes.is_some());
        let mut head = vec!["LAYER", "SIZE", "WASTED", "MADE BY"];
        if compressed {
            head.insert(2, "COMPRESSED");
        }
        let mut table = Table::new(&head);
        for layer in &self.layers {
            let mut row = vec![
                layer.number.to_string(),
                Bytes(layer.unpacked_bytes).to_string(),
                waste(layer.wasted_bytes),
                source(&layer.source),
            ];
            if compressed {
                let bytes = layer.compressed_bytes.map(|b| Bytes(b).to_string());
                row.insert(2, bytes.unwrap_or_else(|| "-".to_owned()));
            }
            table.row(row);
        }
        table.print(out, "");
    }
}

impl Comparison {
    /// The comparison of two images that were asked for by these names as text, with the `top` largest changes.
    #[must_use]
    pub fn human(&self, names: [&str; 2], top: usize) -> String {
        let mut out = String::new();
        let [before, after] = names.map(safe);
        line(&mut out, &format!("Before: {before}\nAfter:  {after}"));
        let (a, b) = (&self.before, &self.after);
        let mut table = Table::new(&["", "BEFORE", "AFTER", "DIFFERENCE"]);
        let mut bytes = |name: &str, a: u64, b: u64| {
            let difference = i128::from(b) - i128::from(a);
            table.row([
                name.to_owned(),
                Bytes(a).to_string(),
                Bytes(b).to_string(),
                signed(difference),
            ]);
        };
        bytes("unpacked", a.unpacked_bytes, b.unpacked_bytes);
        if let (Some(a), Some(b)) = (a.compressed_bytes, b.compressed_bytes) {
            bytes("compressed", a, b);
        }
        bytes("wasted", a.wasted_bytes, b.wasted_bytes);
        for (name, a, b) in [("layers", a.layers, b.layers), ("paths", a.paths, b.paths)] {
            let difference = b as i128 - a as i128;
            let difference = match difference {
                0 => "same".to_owned(),
                d => format!("{d:+}"),
            };
            table.row([name.to_owned(), a.to_string(), b.to_string(), difference]);
        }
        table.print(&mut out, "");

        if !self.changes.is_empty() {
            let mut table = Table::new(&["CHANGE", "DIFFERENCE", "PATH"]);
            for change in self.changes.iter().take(top) {
                table.row([
                    mark(change).to_owned(),
                    signed(change.difference()),
                    shorten(&safe(&change.path)),
                ]);
            }
            table.print(&mut out, "Changed paths");
            if self.changes.len() > top {
                let more = self.changes.len() - top;
                line(&mut out, &format!("… and {more} more"));
            }
        }
        line(&mut out, "");
        line(
            &mut out,
            &format!("{} paths are the same in both", self.unchanged),
        );
        out
    }
}

fn mark(change: &Change) -> &'static str {
    match change.kind {
        ChangeKind::Added => "+ added",
        ChangeKind::Removed => "- removed",
        ChangeKind::Bigger => "> bigger",
        ChangeKind::Smaller => "< smaller",
        ChangeKind::Changed => "~ changed",
    }
}

fn paths(out: &mut String, title: &str, paths: &[PathSize]) {
    if paths.is_empty() {
        return;
    }
    let mut table = Table::new(&["SIZE", "LAYER", "PATH"]);
    for path in paths {
        table.row([
            Bytes(path.bytes).to_string(),
            path.layer.to_string(),
            shorten(&safe(&path.path)),
        ]);
    }
    table.print(out, title);
}

fn source(source: &LayerSource) -> String {
    let mut text = safe(&source.text.split_whitespace().collect::<Vec<_>>().join(" "));
    if text.is_empty() {
        text.push_str("(unknown)");
    }
    let text = shorten(&text);
    match (source.line, source.base) {
        (Some(line), true) => format!("line {line}: {text} (base image)"),
        (Some(line), false) => format!("line {line}: {text}"),
        (None, true) => format!("{text} (base image)"),
        (None, false) => text,
    }
}

fn waste(bytes: u64) -> String {
    match bytes {
        0 => "-".to_owned(),
        b => Bytes(b).to_string(),
    }
}

fn signed(difference: i128) -> String {
    let bytes = Bytes(u64::try_from(difference.unsigned_abs()).unwrap_or(u64::MAX));
    match difference {
        0 => "same".to_owned(),
        1.. => format!("+{bytes}"),
        _ => format!("-{bytes}"),
    }
}

/// Names come from images that nobody trusts: control characters must not reach a terminal.
fn safe(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped: Vec<char> = if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            };
            escaped
        })
        .collect()
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(WIDTH - 1).collect();
    short.push('…');
    short
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

/// A table whose last column is to the left, and whose numbers are to the right.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(head: &[&str]) -> Self {
        Self {
            rows: vec![head.iter().map(|h| (*h).to_owned()).collect()],
        }
    }

    fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    fn print(&self, out: &mut String, title: &str) {
        line(out, "");
        if !title.is_empty() {
            line(out, title);
        }
        let columns = self.rows[0].len();
        let widths: Vec<usize> = (0..columns)
            .map(|i| {
                self.rows
                    .iter()
                    .map(|r| r[i].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let words_first = self
            .rows
            .get(1)
            .is_some_and(|r| r[0].chars().next().is_some_and(|c| !c.is_ascii_digit()));
        for row in &self.rows {
            let mut text = String::new();
            for (i, cell) in row.iter().enumerate() {
                let width = widths[i];
                let left = i + 1 == columns && !self.rows[0][i].starts_with("DIFF")
                    || (i == 0 && words_first);
                let _ = if left {
                    write!(text, "{cell:<width$}  ")
                } else {
                    write!(text, "{cell:>width$}  ")
                };
            }
            line(out, text.trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture;
    use super::super::{compare, inspect};
    use super::*;

    const BEFORE: &str = "layer COPY /out/ / # buildkit
         file /usr/lib/big/a 0644 zeros size=2000000
         file /usr/lib/big/b 0644 zeros size=1000000
         file /etc/x 0644 zeros size=10
         layer RUN make # buildkit
         file /etc/x 0644 zeros size=20
         file /app/evil\u{1b}[2Jname 0755 zeros size=500000";

    #[test]
    fn an_inspection_reads_as_tables() {
        let image = fixture::image(BEFORE).unwrap();
        let sources = [
            LayerSource {
                text: "FROM node:24".into(),
                line: Some(1),
                base: true,
            },
            LayerSource {
                text: "RUN make".into(),
                line: Some(3),
                base: false,
            },
        ];
        let inspection = inspect(&image, Some(&sources), 2);
        let expected = "\
Image sprites:1 for linux/amd64
Size 3.50 MB unpacked, 10 B wasted, 2 layers

LAYER     SIZE  WASTED  MADE BY
    1  3.00 MB    10 B  line 1: FROM node:24 (base image)
    2   500 kB       -  line 3: RUN make

By instruction
   SIZE  WASTED  LAYERS  INSTRUCTION
3.00 MB    10 B       1  line 1: FROM node:24 (base image)
 500 kB       -       1  line 3: RUN make

Largest directories
   SIZE  LAYER  PATH
3.00 MB      1  /usr/lib/big
 500 kB      2  /app

Largest files
   SIZE  LAYER  PATH
2.00 MB      1  /usr/lib/big/a
1.00 MB      1  /usr/lib/big/b
";
        assert_eq!(inspection.human("sprites:1"), expected);
        let json = serde_json::to_value(&inspection).unwrap();
        assert_eq!(json["schema"], "mslab/inspect/v1");
        assert_eq!(json["layers"][0]["wasted_bytes"], 10);
        let all = inspect(&image, None, 9).human("");
        assert!(all.contains("/app/evil\\u{1b}[2Jname"), "{all}");
    }

    #[test]
    fn a_comparison_names_what_changed_most() {
        let before = fixture::image(BEFORE).unwrap();
        let after = fixture::image(
            "layer COPY /out/ / # buildkit
             file /usr/lib/big/a 0644 zeros size=2500000
             file /etc/x 0600 zeros size=20
             file /new 0644 zeros size=7",
        )
        .unwrap();
        let comparison = compare(&before, &after);
        let expected = "\
Before: old
After:  new

           BEFORE    AFTER  DIFFERENCE
unpacked  3.50 MB  2.50 MB    -1.00 MB
wasted       10 B      0 B       -10 B
layers          2        1          -1
paths           9        7          -2

Changed paths
CHANGE     DIFFERENCE  PATH
- removed    -1.00 MB  /usr/lib/big/b
- removed     -500 kB  /app/evil\\u{1b}[2Jname
… and 4 more

4 paths are the same in both
";
        assert_eq!(comparison.human(["old", "new"], 2), expected);
        assert!(
            comparison
                .changes
                .iter()
                .any(|c| c.path == "/etc/x" && c.kind == ChangeKind::Changed)
        );
        assert!(compare(&before, &before).changes.is_empty());
    }
}
