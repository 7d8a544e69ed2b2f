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

/// Prints a line to standard output, colour dropped where it is not wanted. Unlike `println!`, it does not panic where
/// the reader has gone, as in `mslab list | head -1`.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stdout(), $($words)*);
    }};
}
pub(crate) use say;

/// Prints a line to standard error: what is about the result, and no part of it.
macro_rules! remark {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stderr(), $($words)*);
    }};
}
pub(crate) use remark;

/// How many columns prose may take: the terminal's, at most 100.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size()
        .map_or(100, |(w, _)| usize::from(w.0))
        .clamp(40, 100)
}
