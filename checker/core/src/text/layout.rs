//! Room on a terminal: how wide text is, and how it breaks into lines.

use std::borrow::Cow;

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

/// `text` in about `limit` bytes: its beginning and its end, and a line between them that says how much is missing.
///
/// Of a log the end tells most, so that it gets two thirds.
#[must_use]
pub fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let head = boundary(limit / 3);
    let tail = boundary(text.len() - (limit - limit / 3)).max(head);
    let missing = tail - head;
    Cow::Owned(format!(
        "{}\n[{missing} bytes are left out here]\n{}",
        &text[..head],
        &text[tail..]
    ))
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
    fn what_is_cut_keeps_both_ends() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(
            cut("abcdefghij", 6),
            "ab\n[4 bytes are left out here]\nghij"
        );
        assert_eq!(cut("中文字", 1), "\n[6 bytes are left out here]\n字");
        assert_eq!(cut("中", 0), "\n[3 bytes are left out here]\n");
    }

    #[test]
    fn trimming_counts_columns() {
        assert_eq!(trim("中文字", 5, "…"), "中文…");
        assert_eq!(trim("abc", 3, "…"), "abc");
        assert_eq!(trim("abcd", 0, "…"), "…");
    }
}
