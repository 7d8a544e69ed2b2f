//! One ignore pattern as the engine compiles it: `*`, `**`, `?`, `[…]` and escapes.

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) enum Glob {
    /// The path itself.
    Exact(String),
    /// What `name**` matches.
    Prefix(String),
    /// What `**name` matches.
    Suffix(String),
    /// Anything else.
    Items(Vec<Item>),
}

#[derive(Debug, Clone)]
pub(super) enum Item {
    Char(char),
    /// Any character but a slash.
    Any,
    /// Any number of characters but slashes.
    Star,
    /// Nothing, or anything up to and with a slash.
    Folders,
    /// Anything at all.
    Rest,
    /// One of these ranges, or none of them where the flag is set.
    Class(bool, Vec<(char, char)>),
    /// Only at the beginning of the path: an unescaped `^`.
    Start,
}

impl Glob {
    /// `None` where the engine refuses the pattern.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut items = Vec::new();
        let mut exact = true;
        let mut suffix = false;
        let mut prefix = false;
        let mut chars = pattern.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            match c {
                '*' if chars.peek() == Some(&'*') => {
                    chars.next();
                    if chars.peek() == Some(&'/') {
                        chars.next();
                    }
                    if chars.peek().is_none() {
                        prefix = exact;
                        items.push(Item::Rest);
                    } else {
                        items.push(Item::Folders);
                    }
                    suffix = first;
                    exact = false;
                }
                '*' => {
                    items.push(Item::Star);
                    (exact, suffix) = (false, false);
                }
                '?' => {
                    items.push(Item::Any);
                    (exact, suffix) = (false, false);
                }
                '[' => {
                    items.push(class(&mut chars)?);
                    (exact, suffix) = (false, false);
                }
                '\\' => {
                    items.push(Item::Char(chars.next()?));
                    (exact, suffix) = (false, false);
                }
                '^' => items.push(Item::Start),
                c => items.push(Item::Char(c)),
            }
            first = false;
        }
        Some(if suffix {
            Self::Suffix(pattern[2..].to_owned())
        } else if prefix {
            Self::Prefix(pattern[..pattern.len() - 2].to_owned())
        } else if exact {
            Self::Exact(pattern.to_owned())
        } else {
            Self::Items(items)
        })
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => {
                path.ends_with(text.as_str()) || text.strip_prefix('/') == Some(path)
            }
            Self::Items(items) => run(items, path),
        }
    }
}

/// What follows `[`, by the rules of Go's `filepath.Match`: never empty, ranges in order, escapes allowed.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Item> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Some(Item::Class(negated, ranges));
        }
        let low = class_char(chars)?;
        let high = match chars.next_if_eq(&'-') {
            Some(_) => class_char(chars)?,
            None => low,
        };
        if low > high {
            return None;
        }
        ranges.push((low, high));
    }
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

/// Follows all ways through the items at once, so that no pattern takes more than items times characters.
fn run(items: &[Item], path: &str) -> bool {
    // Two states for each item: before it, and inside `Folders`, which has begun but not reached a slash.
    let end = items.len();
    let mut before = vec![false; end + 1];
    let mut inside = vec![false; end + 1];
    before[0] = true;
    skip(items, &mut before, true);
    for c in path.chars() {
        let mut next_before = vec![false; end + 1];
        let mut next_inside = vec![false; end + 1];
        for (i, item) in items.iter().enumerate() {
            if inside[i] || (before[i] && matches!(item, Item::Folders)) {
                next_inside[i] = c != '\n';
                next_before[i + 1] |= c == '/';
            }
            if !before[i] {
                continue;
            }
            match item {
                Item::Char(want) => next_before[i + 1] |= *want == c,
                Item::Any => next_before[i + 1] |= c != '/',
                Item::Star => next_before[i] |= c != '/',
                Item::Rest => next_before[i] |= c != '\n',
                Item::Class(negated, ranges) => {
                    let hit = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                    next_before[i + 1] |= hit != *negated;
                }
                Item::Folders | Item::Start => {}
            }
        }
        skip(items, &mut next_before, false);
        (before, inside) = (next_before, next_inside);
    }
    before[end]
}

/// Marks what can be reached without reading a character.
fn skip(items: &[Item], before: &mut [bool], at_start: bool) {
    for (i, item) in items.iter().enumerate() {
        let empty = match item {
            Item::Star | Item::Folders | Item::Rest => true,
            Item::Start => at_start,
            _ => false,
        };
        if empty && before[i] {
            before[i + 1] = true;
        }
    }
}
