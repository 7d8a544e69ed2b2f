//! Colour for the terminal. Nothing is said by colour alone.

use anstyle::{AnsiColor, Style};

/// Something is wrong.
pub(crate) const PROBLEM: Style = AnsiColor::Red.on_default().bold();
/// What to do.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// Something holds.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Less important.
pub(crate) const DIM: Style = Style::new().dimmed();

/// `text` in `style`; what prints it drops the colour where it is not wanted.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// How many columns prose may take: the terminal's, at most 100.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size()
        .map_or(100, |(w, _)| usize::from(w.0))
        .clamp(40, 100)
}
