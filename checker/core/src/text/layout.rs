//! Room on a terminal: how wide text is, and how it breaks into lines.

use unicode_width::UnicodeWidthChar as _;

/// Columns that `c` takes on a terminal: 0, 1 or 2. Hidden characters count as none; escape them first.
#[must_use]
pub fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns that `text` takes on a terminal.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Breaks prose into lines of at most `width` columns, at blanks only: a longer word has a line of its own.
///
/// There is always at least one line.
#[must_use]
pub fn fill(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let room = columns(word);
        if used > 0 && used + 1 + room > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += room;
    }
    lines.push(line);
    lines
}

/// The beginning of `text` in at most `width` columns, with `ellipsis` at its end where something is missing.
#[must_use]
pub fn trim(text: &str, width: usize, ellipsis: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(columns(ellipsis));
    let mut used = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            used += char_width(*c);
            used <= room
        })
        .collect();
    format!("{}{ellipsis}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_breaks_at_blanks() {
        assert_eq!(
            fill("one two  three averylongword x", 9),
            ["one two", "three", "averylongword", "x"]
        );
        assert_eq!(fill("", 9), [""]);
        assert_eq!(fill("中中 中", 5), ["中中", "中"]);
    }

    #[test]
    fn trimming_counts_columns() {
        assert_eq!(trim("中文字", 5, "…"), "中文…");
        assert_eq!(trim("abc", 3, "…"), "abc");
        assert_eq!(trim("abcd", 0, "…"), "…");
    }
}
