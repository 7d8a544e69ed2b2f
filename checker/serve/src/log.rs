//! A build's log as the page gets it: whole lines, without what steers a terminal, and not without end.

use std::collections::BTreeMap;

use mslab_core::text::escape;

/// How many bytes of log one run passes on.
const RUN: usize = 1 << 20;
/// A line that grows longer than this is passed on in parts.
const LINE: usize = 8 << 10;

/// The lines of a run's steps as they come.
#[derive(Debug)]
pub(crate) struct Log {
    open: BTreeMap<usize, Step>,
    left: usize,
    cut: Cut,
}

/// Whether something was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    No,
    Yes,
    Told,
}

#[derive(Debug, Default)]
struct Step {
    /// Finished lines that were not passed on yet.
    done: String,
    /// The line that is being written.
    line: Vec<u8>,
}

/// What is passed on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Out {
    /// Lines of a step.
    Lines(usize, String),
    /// There is more, which is left out.
    Cut,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            left: RUN,
            cut: Cut::No,
        }
    }
}

impl Log {
    /// Takes what a step has written.
    pub(crate) fn take(&mut self, step: usize, bytes: &[u8]) {
        if self.left == 0 {
            if self.cut == Cut::No {
                self.cut = Cut::Yes;
            }
            return;
        }
        let open = self.open.entry(step).or_default();
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            open.line.extend_from_slice(part);
            if part.ends_with(b"\n") || open.line.len() > LINE {
                let line = clean(&std::mem::take(&mut open.line));
                self.left = self.left.saturating_sub(line.len());
                open.done.push_str(&line);
                if self.left == 0 {
                    break;
                }
            }
        }
    }

    /// All lines that are finished. With `ended`, the open ones too.
    pub(crate) fn flush(&mut self, ended: bool) -> Vec<Out> {
        let mut out = Vec::new();
        for (step, open) in &mut self.open {
            if ended && !open.line.is_empty() {
                open.done.push_str(&clean(&std::mem::take(&mut open.line)));
            }
            if !open.done.is_empty() {
                out.push(Out::Lines(*step, std::mem::take(&mut open.done)));
            }
        }
        if self.cut == Cut::Yes {
            self.cut = Cut::Told;
            out.push(Out::Cut);
        }
        if ended {
            self.open.clear();
        }
        out
    }
}

/// A line as text: colours go, of a line that was written over only the last writing stays, and all else that a terminal
/// would obey is shown.
fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    let last = text.rsplit('\r').next().unwrap_or(text);
    let mut out = escape::block(&without_colours(last));
    out.push('\n');
    out
}

/// `ESC [ … m` and `ESC [ … K` go: they paint and wipe, and say nothing.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end {
            Some(end) if after[end..].starts_with(['m', 'K']) => rest = &after[end + 1..],
            _ => {
                out.push_str("\u{1b}[");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flushed(log: &mut Log) -> String {
        let out = log.flush(false).into_iter().map(|o| match o {
            Out::Lines(step, text) => format!("{step}:{text}"),
            Out::Cut => "cut".to_owned(),
        });
        out.collect()
    }

    #[test]
    fn lines_come_whole_and_by_step() {
        let mut log = Log::default();
        log.take(1, "one\ntw".as_bytes());
        log.take(2, b"other\n");
        assert_eq!(flushed(&mut log), "1:one\n2:other\n");
        // The two bytes of a letter come apart.
        log.take(1, &"ö".as_bytes()[..1]);
        log.take(1, &"ö".as_bytes()[1..]);
        assert_eq!(flushed(&mut log), "");
        log.take(1, b"\nlast");
        assert_eq!(flushed(&mut log), "1:twö\n");
        assert_eq!(log.flush(true), [Out::Lines(1, "last\n".into())]);
    }

    #[test]
    fn nothing_steers_a_terminal_or_a_page() {
        for (wrote, seen) in [
            ("\u{1b}[1;31mred\u{1b}[0m\u{1b}[K", "red"),
            ("10%\r50%\r100%\r\n", "100%"),
            ("\u{1b}]0;title\u{7}x", "\\u{1b}]0;title\\u{7}x"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{202e}txt", "\\u{202e}txt"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            ("\u{1b}[", "\\u{1b}["),
        ] {
            assert_eq!(clean(wrote.as_bytes()), format!("{seen}\n"), "{wrote:?}");
        }
    }

    #[test]
    fn a_flood_is_cut_and_said_to_be() {
        let mut log = Log::default();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        for _ in 0..2000 {
            log.take(0, &line);
        }
        let out = log.flush(true);
        assert!(matches!(&out[0], Out::Lines(0, text) if text.len() == RUN));
        assert_eq!(out[1], Out::Cut);
        log.take(0, b"more\n");
        assert_eq!(log.flush(true), []);
    }

    #[test]
    fn a_line_without_end_comes_in_parts() {
        let mut log = Log::default();
        log.take(0, &b"y".repeat(3 * LINE));
        assert!(!flushed(&mut log).is_empty());
    }
}
