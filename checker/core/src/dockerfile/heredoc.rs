//! Heredocs: which words open one, and the lines that belong to it.

use super::expand::{ExpandError, Lexer, Scope};
use super::scan::Lines;
use super::text::Text;
use super::tree::{Heredoc, Word};
use crate::source::{Source, Span};

/// What a word like `<<-"EOF"` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) name: String,
    pub(crate) expand: bool,
    pub(crate) strip_tabs: bool,
    pub(crate) file_descriptor: u32,
}

/// Reads a word as the opening of a heredoc; `None` where it is none.
///
/// # Errors
///
/// Where the end marker's quotes or variables cannot be read.
pub(crate) fn opening(word: &str) -> Result<Option<Opening>, ExpandError> {
    let digits = word
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(word.len());
    let Some(rest) = word[digits..].strip_prefix("<<") else {
        return Ok(None);
    };
    let (strip_tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }
    let mut lexer = Lexer::new('\\');
    lexer.keep_unset = true;
    let plain = lexer.run(rest, &Scope::new())?.words;
    lexer.raw_quotes = true;
    let raw = lexer.run(rest, &Scope::new())?.words;
    let ([plain], [raw]) = (plain.as_slice(), raw.as_slice()) else {
        return Ok(None);
    };
    let quotes = |s: &str| s.matches(['\'', '"']).count();
    Ok(Some(Opening {
        name: plain.clone(),
        expand: quotes(plain) == quotes(raw),
        strip_tabs,
        file_descriptor: word[..digits].parse().unwrap_or(0),
    }))
}

/// All heredocs that an instruction's text opens, each with the word that does.
pub(crate) fn openings(text: &Text) -> Result<Vec<(Word, Opening)>, ExpandError> {
    let line = String::from_utf8_lossy(text.bytes());
    let mut lexer = Lexer::new('\\');
    lexer.raw_quotes = true;
    lexer.raw_escapes = true;
    lexer.keep_unset = true;
    let words = match lexer.run(&line, &Scope::new()) {
        Ok(expanded) => expanded.words,
        // A line that the lexer cannot read opens no heredoc; the shell may understand it all the same.
        Err(_) => return Ok(Vec::new()),
    };
    let mut found = Vec::new();
    let mut from = 0;
    let mut lost = false;
    for word in words {
        if let Some(opening) = opening(&word)? {
            // Where the lexer's word is not what the file says, byte for byte, its place cannot be told, and looking
            // for it again and again would take too long.
            let place = if lost {
                None
            } else {
                find(text.bytes(), word.as_bytes(), from)
            };
            lost = place.is_none();
            let span = place.map_or_else(|| text.whole(), |at| text.span(at..at + word.len()));
            if let Some(at) = place {
                from = at + word.len();
            }
            found.push((Word { span, text: word }, opening));
        }
    }
    Ok(found)
}

fn find(text: &[u8], word: &[u8], from: usize) -> Option<usize> {
    text.get(from..)?
        .windows(word.len().max(1))
        .position(|w| w == word)
        .map(|i| from + i)
}

/// Reads the lines of one heredoc. The second value says whether its end marker was there.
pub(crate) fn read(
    source: &Source,
    lines: &mut Lines<'_>,
    open: Word,
    opening: Opening,
) -> (Heredoc, bool) {
    let start = lines.next_start();
    let mut body_end = start;
    let mut end = None;
    let mut content = Vec::new();
    for line in lines.by_ref() {
        let mut marker = source.slice(line.body);
        if opening.strip_tabs {
            let tabs = marker.iter().take_while(|b| **b == b'\t').count();
            marker = &marker[tabs..];
        }
        if marker == opening.name.as_bytes() {
            end = Some(line.body);
            break;
        }
        let bytes = source.slice(line.full);
        let tabs = if opening.strip_tabs {
            bytes.iter().take_while(|b| **b == b'\t').count()
        } else {
            0
        };
        content.extend_from_slice(&bytes[tabs..]);
        body_end = line.full.end;
    }
    let terminated = end.is_some();
    let heredoc = Heredoc {
        open,
        name: opening.name,
        expand: opening.expand,
        strip_tabs: opening.strip_tabs,
        file_descriptor: opening.file_descriptor,
        body: Span::new(start, body_end),
        content: String::from_utf8_lossy(&content).into_owned(),
        end: end.unwrap_or(Span::at(body_end)),
    };
    (heredoc, terminated)
}
