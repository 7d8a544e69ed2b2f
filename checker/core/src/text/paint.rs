//! Colour and signs, each with a way to do without.

use anstyle::{AnsiColor, Style};

/// What a piece of text is, from which its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Strong,
    /// Something that holds, or a line that comes.
    Good,
    /// Something that does not, or a line that goes.
    Bad,
    /// The exact words at fault.
    Fault,
    /// Something that could not be looked at.
    Warning,
    /// A name, a command, a place.
    Name,
    /// Line numbers, frames and labels.
    Quiet,
}

impl Tone {
    fn style(self) -> Style {
        let color = |c: AnsiColor| c.on_default();
        match self {
            Self::Strong => Style::new().bold(),
            Self::Good => color(AnsiColor::Green),
            Self::Bad => color(AnsiColor::Red),
            Self::Fault => color(AnsiColor::Red).bold(),
            Self::Warning => color(AnsiColor::Yellow),
            Self::Name => color(AnsiColor::Cyan),
            Self::Quiet => Style::new().dimmed(),
        }
    }
}

/// Paints, or does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pen {
    /// Whether the text carries colours as ANSI sequences.
    pub color: bool,
}

impl Pen {
    /// `text` in its tone. Blank text stays bare.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.color || text.trim().is_empty() {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }

    /// Lines of prose in which words between backticks are names, also across a line's end.
    #[must_use]
    pub fn prose(self, lines: &[String]) -> Vec<String> {
        let ticks: usize = lines.iter().map(|l| l.matches('`').count()).sum();
        if !self.color || ticks % 2 == 1 {
            return lines.to_vec();
        }
        let mut code = false;
        let paint = |line: &String| {
            let mut out = String::new();
            for (n, part) in line.split('`').enumerate() {
                if n > 0 {
                    code = !code;
                    out.push('`');
                }
                if code {
                    out.push_str(&self.paint(Tone::Name, part));
                } else {
                    out.push_str(part);
                }
            }
            out
        };
        lines.iter().map(paint).collect()
    }
}

/// The signs of the human output. None stands alone: a word says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named for what it marks")]
pub struct Glyphs {
    pub passed: &'static str,
    pub failed: &'static str,
    pub skipped: &'static str,
    pub error: &'static str,
    pub frame: &'static str,
    pub frame_top: &'static str,
    pub frame_end: &'static str,
    pub gap: &'static str,
    pub span_top: &'static str,
    pub span_end: &'static str,
    pub dot: &'static str,
    pub ellipsis: &'static str,
}

impl Glyphs {
    /// Signs for a terminal that shows Unicode.
    pub const UNICODE: Self = Self {
        passed: "✓",
        failed: "✗",
        skipped: "–",
        error: "!",
        frame: "│",
        frame_top: "╭─",
        frame_end: "╰─",
        gap: "⋮",
        span_top: "╭",
        span_end: "╰",
        dot: "·",
        ellipsis: "…",
    };

    /// Signs for any terminal.
    pub const ASCII: Self = Self {
        passed: "+",
        failed: "x",
        skipped: "-",
        error: "!",
        frame: "|",
        frame_top: "-->",
        frame_end: "",
        gap: ":",
        span_top: "/",
        span_end: "\\",
        dot: "|",
        ellipsis: "...",
    };

    /// The signs for a terminal.
    #[must_use]
    pub fn new(ascii: bool) -> &'static Self {
        if ascii { &Self::ASCII } else { &Self::UNICODE }
    }
}
