//! Shell patterns in `${NAME#pattern}`, `${NAME%pattern}` and `${NAME/pattern/replacement}`: `*`, `?` and escapes.

use super::expand::{ExpandError, MAX_EXPANDED};

/// How much work one substitution may be: bytes of the value times length of the pattern.
const MAX_WORK: usize = 1 << 26;

/// A pattern: pieces of fixed length with any number of characters between each two.
#[derive(Debug)]
pub(crate) struct Pattern {
    pieces: Vec<Vec<Item>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    /// `?`: any character but a line feed.
    Any,
    Char(char),
}

impl Pattern {
    /// `None` where a backslash stands before a character that needs none.
    pub(crate) fn parse(pattern: &str) -> Option<Self> {
        let mut pieces = vec![Vec::new()];
        let pattern = pattern.strip_prefix('\u{FEFF}').unwrap_or(pattern);
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let item = match c {
                '*' => {
                    pieces.push(Vec::new());
                    continue;
                }
                '?' => Item::Any,
                '\\' => match chars.peek() {
                    Some('}' | '/') => continue,
                    Some(&c @ ('*' | '?' | '\\')) => {
                        chars.next();
                        Item::Char(c)
                    }
                    _ => return None,
                },
                c => Item::Char(c),
            };
            pieces.last_mut()?.push(item);
        }
        Some(Self { pieces })
    }

    fn affordable(&self, value: &str) -> Result<(), ExpandError> {
        let length: usize = self.pieces.iter().map(|p| p.len() + 1).sum();
        if value.len().saturating_mul(length) > MAX_WORK {
            return Err(ExpandError::TooLong);
        }
        Ok(())
    }

    /// The value without what the pattern matches at its beginning: the longest match if `greedy`, else the shortest.
    pub(crate) fn without_prefix(&self, value: &str, greedy: bool) -> Result<String, ExpandError> {
        self.affordable(value)?;
        let chars: Vec<char> = value.chars().collect();
        Ok(match self.match_at(&chars, 0, greedy) {
            Some(end) => chars[end..].iter().collect(),
            None => value.to_owned(),
        })
    }

    /// Replaces the first match; the replacement is taken as it is.
    pub(crate) fn replace_first(
        &self,
        value: &str,
        replacement: &str,
    ) -> Result<String, ExpandError> {
        self.affordable(value)?;
        let chars: Vec<char> = value.chars().collect();
        let Some((start, end)) = self.find(&chars, 0) else {
            return Ok(value.to_owned());
        };
        let mut out: String = chars[..start].iter().collect();
        out.push_str(replacement);
        out.extend(&chars[end..]);
        limited(out)
    }

    /// Replaces every match; in the replacement `$0` stands for the match and `$$` for a dollar, as in the regular
    /// expressions that the engine uses here.
    pub(crate) fn replace_all(
        &self,
        value: &str,
        replacement: &str,
    ) -> Result<String, ExpandError> {
        self.affordable(value)?;
        let chars: Vec<char> = value.chars().collect();
        let mut out = String::new();
        let mut last_end = 0;
        let mut search = 0;
        while search <= chars.len() {
            let Some((start, end)) = self.find(&chars, search) else {
                break;
            };
            out.extend(&chars[last_end..start]);
            if end > last_end || start == 0 {
                push_template(&mut out, replacement, &chars[start..end]);
                if out.len() > MAX_EXPANDED {
                    return Err(ExpandError::TooLong);
                }
            }
            last_end = end;
            search = if end > search { end } else { search + 1 };
        }
        if last_end < chars.len() {
            out.extend(&chars[last_end..]);
        }
        limited(out)
    }

    /// The leftmost match from `from` on, the longest at that place.
    fn find(&self, chars: &[char], from: usize) -> Option<(usize, usize)> {
        let first = &self.pieces[0];
        let mut start = from;
        while start + first.len() <= chars.len() {
            if !matches_here(first, chars, start) {
                start += 1;
            } else if let Some(end) = self.match_at(chars, start, true) {
                return Some((start, end));
            } else {
                // What must follow is nowhere on this line, so no later start on it can match either.
                let after = start + first.len();
                start = line_end(chars, after) + 1;
            }
        }
        None
    }

    /// Where a match that begins at `start` ends.
    fn match_at(&self, chars: &[char], start: usize, greedy: bool) -> Option<usize> {
        let (first, rest) = self.pieces.split_first()?;
        if !matches_here(first, chars, start) {
            return None;
        }
        let mut at = start + first.len();
        for (k, piece) in rest.iter().enumerate() {
            let limit = line_end(chars, at);
            let last = k + 1 == rest.len();
            let mut places = at..=limit;
            at = if last && greedy {
                places.rev().find(|p| matches_here(piece, chars, *p))?
            } else {
                places.find(|p| matches_here(piece, chars, *p))?
            } + piece.len();
        }
        Some(at)
    }
}

fn limited(text: String) -> Result<String, ExpandError> {
    if text.len() > MAX_EXPANDED {
        return Err(ExpandError::TooLong);
    }
    Ok(text)
}

fn matches_here(piece: &[Item], chars: &[char], at: usize) -> bool {
    chars.get(at..at + piece.len()).is_some_and(|here| {
        piece.iter().zip(here).all(|(item, c)| match item {
            Item::Any => *c != '\n',
            Item::Char(want) => want == c,
        })
    })
}

fn line_end(chars: &[char], from: usize) -> usize {
    chars[from.min(chars.len())..]
        .iter()
        .position(|c| *c == '\n')
        .map_or(chars.len(), |i| from + i)
}

/// Appends a replacement in which `$name`, `${name}` and `$$` are filled in. Only group 0 exists.
fn push_template(out: &mut String, template: &str, found: &[char]) {
    let mut rest = template;
    while let Some(i) = rest.find('$') {
        out.push_str(&rest[..i]);
        rest = &rest[i + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match rest.strip_prefix('{') {
            Some(inner) => match inner.split_once('}') {
                Some(parts) => parts,
                None => ("", rest),
            },
            None => {
                let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        if name.is_empty() || !name.chars().all(is_word) {
            out.push('$');
            continue;
        }
        if name == "0" {
            out.extend(found);
        }
        rest = after;
    }
    out.push_str(rest);
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
