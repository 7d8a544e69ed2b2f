//! Text for people: made safe for where it is shown, broken into lines, and coloured.
//!
//! Nothing here knows a check or a report.

pub mod escape;
mod layout;
mod paint;

pub use layout::{char_width, columns, cut, fill, trim};
pub use paint::{Glyphs, Pen, Tone};

/// `1 step`, `2 steps`
#[must_use]
pub fn plural(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}
