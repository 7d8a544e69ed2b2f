//! The `# check=` directive, whose value the engine refuses when it cannot be understood.

use super::ParseError;
use super::mount::is_bool;
use super::parse::directive_parts;
use super::scan::BOM;
use crate::source::Span;

/// What is wrong with the file's `# check=` directive, if anything.
///
/// The engine looks for it in a way of its own: after a byte order mark and a `#!` line, only in lines that begin with
/// `#` at once, and only up to the first space of the value.
pub(crate) fn refused(bytes: &[u8]) -> Option<ParseError> {
    let (value, span) = find(bytes)?;
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    value.split(';').find_map(|part| {
        let message = match part.split_once('=') {
            None => format!("invalid check option {part:?}"),
            Some((key, setting)) => match key.trim() {
                "skip" | "experimental" => return None,
                "error" if is_bool(setting.trim()) => return None,
                "error" => format!("check option {part:?} is neither true nor false"),
                other => format!("invalid check option {other:?}"),
            },
        };
        Some(ParseError {
            span,
            message,
            help: Some("Write `# check=skip=RULE,RULE;error=true`.".to_owned()),
        })
    })
}

fn find(bytes: &[u8]) -> Option<(String, Span)> {
    let mut at = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
    if bytes[at..].starts_with(b"#!") {
        at += bytes[at..].iter().position(|b| *b == b'\n')? + 1;
    }
    let mut seen = Vec::new();
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let (name, value) = directive_parts(&rest[..length])?;
        if seen.contains(&name) {
            return None;
        }
        if name == "check" {
            let text = String::from_utf8_lossy(&rest[value.clone()]).into_owned();
            let first = text.split(' ').next().unwrap_or_default().to_owned();
            return Some((first, Span::new(at + value.start, at + value.end)));
        }
        seen.push(name);
        at += length + 1;
    }
    None
}
