//! The regular expressions that the engine makes of ignore patterns, in Go's syntax: the part of it that a pattern can
//! become. Unicode groups (`\pL`) are not among it.

/// A compiled expression, which matches a path as a whole.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    items: Vec<Item>,
}

#[derive(Debug, Clone)]
enum Item {
    Char(char),
    /// One character of a set.
    One(Set),
    /// Any number of characters of a set.
    Many(Set),
    /// Nothing, or anything up to and with a slash.
    Folders,
    /// Anything at all.
    Rest,
    /// Only at the beginning of the path.
    Start,
    /// Only at its end.
    End,
    /// Where a word begins or ends; or where none does.
    Boundary(bool),
}

/// One of these ranges, or none of them where the flag is set.
#[derive(Debug, Clone, Default)]
struct Set {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Set {
    fn holds(&self, c: char) -> bool {
        self.ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&c))
            != self.negated
    }

    /// Adds another set; one that is negated as the ranges that it leaves.
    fn add(&mut self, other: &Self) {
        if !other.negated {
            self.ranges.extend_from_slice(&other.ranges);
            return;
        }
        let mut sorted = other.ranges.clone();
        sorted.sort_unstable();
        let mut next = Some('\0');
        for (low, high) in sorted {
            if let (Some(from), Some(to)) = (next, before(low))
                && from <= to
            {
                self.ranges.push((from, to));
            }
            next = next.max(after(high));
        }
        self.ranges.extend(next.map(|from| (from, char::MAX)));
    }
}

fn before(c: char) -> Option<char> {
    ('\0'..c).next_back()
}

fn after(c: char) -> Option<char> {
    (c..=char::MAX).nth(1)
}

impl Expression {
    /// `None` where Go does not take the expression.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut items = Vec::new();
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("(.*/)?") {
                items.push(Item::Folders);
                rest = after;
                continue;
            }
            if let Some(after) = rest.strip_prefix(".*") {
                items.push(Item::Rest);
                rest = after;
                continue;
            }
            rest = &rest[c.len_utf8()..];
            match c {
                '^' => items.push(Item::Start),
                '\\' => escape(&mut rest, &mut items)?,
                '[' => {
                    let set = class(&mut rest)?;
                    items.push(match rest.strip_prefix('*') {
                        Some(after) => {
                            rest = after;
                            Item::Many(set)
                        }
                        None => Item::One(set),
                    });
                }
                c => items.push(Item::Char(c)),
            }
        }
        Some(Self { items })
    }

    /// Follows all ways through the items at once, so that no pattern takes more than items times characters.
    pub(super) fn matches(&self, path: &str) -> bool {
        // Two states for each item: before it, and inside `Folders`, which has begun but not reached a slash.
        let end = self.items.len();
        let mut before = vec![false; end + 1];
        let mut inside = vec![false; end + 1];
        before[0] = true;
        let mut chars = path.chars().peekable();
        self.skip(&mut before, None, chars.peek().copied());
        while let Some(c) = chars.next() {
            let mut next_before = vec![false; end + 1];
            let mut next_inside = vec![false; end + 1];
            for (i, item) in self.items.iter().enumerate() {
                if inside[i] || (before[i] && matches!(item, Item::Folders)) {
                    next_inside[i] = c != '\n';
                    next_before[i + 1] |= c == '/';
                }
                if !before[i] {
                    continue;
                }
                match item {
                    Item::Char(want) => next_before[i + 1] |= *want == c,
                    Item::One(set) => next_before[i + 1] |= set.holds(c),
                    Item::Many(set) => next_before[i] |= set.holds(c),
                    Item::Rest => next_before[i] |= c != '\n',
                    Item::Folders | Item::Start | Item::End | Item::Boundary(_) => {}
                }
            }
            self.skip(&mut next_before, Some(c), chars.peek().copied());
            (before, inside) = (next_before, next_inside);
        }
        before[end]
    }

    /// Marks what can be reached without reading a character, between these two.
    fn skip(&self, before: &mut [bool], last: Option<char>, next: Option<char>) {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let boundary = is_word(last) != is_word(next);
        for (i, item) in self.items.iter().enumerate() {
            let empty = match item {
                Item::Many(_) | Item::Folders | Item::Rest => true,
                Item::Start => last.is_none(),
                Item::End => next.is_none(),
                Item::Boundary(wanted) => *wanted == boundary,
                Item::Char(_) | Item::One(_) => false,
            };
            if empty && before[i] {
                before[i + 1] = true;
            }
        }
    }
}

/// What follows a backslash outside a class.
fn escape(rest: &mut &str, items: &mut Vec<Item>) -> Option<()> {
    let c = rest.chars().next()?;
    let assertion = match c {
        'A' => Some(Item::Start),
        'z' => Some(Item::End),
        'b' => Some(Item::Boundary(true)),
        'B' => Some(Item::Boundary(false)),
        _ => None,
    };
    if let Some(assertion) = assertion {
        *rest = &rest[1..];
        items.push(assertion);
    } else if let Some(set) = perl(c) {
        *rest = &rest[1..];
        items.push(Item::One(set));
    } else if c == 'Q' {
        let quoted = &rest[1..];
        let (quoted, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
        items.extend(quoted.chars().map(Item::Char));
        *rest = after;
    } else {
        items.push(Item::Char(escaped(rest)?));
    }
    Some(())
}

/// The sets `\d`, `\s`, `\w`, and their opposites in capitals.
fn perl(c: char) -> Option<Set> {
    let ranges: &[(char, char)] = match c.to_ascii_lowercase() {
        'd' => &[('0', '9')],
        's' => &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')],
        'w' => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        _ => return None,
    };
    Some(Set {
        negated: c.is_ascii_uppercase(),
        ranges: ranges.to_vec(),
    })
}

/// The one character that an escape stands for.
fn escaped(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    let octal = |text: &str| text.starts_with(|c: char| c.is_digit(8));
    match c {
        'a' => Some('\x07'),
        'f' => Some('\x0C'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\x0B'),
        '0'..='7' if c == '0' || octal(rest) => {
            let more = rest.chars().take(2).take_while(|c| c.is_digit(8)).count();
            let digits = format!("{c}{}", &rest[..more]);
            *rest = &rest[more..];
            char::from_u32(u32::from_str_radix(&digits, 8).ok()?)
        }
        'x' => {
            let digits = if let Some(braced) = rest.strip_prefix('{') {
                let (digits, after) = braced.split_once('}')?;
                *rest = after;
                digits
            } else {
                let digits = rest.get(..2)?;
                *rest = &rest[2..];
                digits
            };
            let hexadecimal = digits.chars().all(|c| c.is_ascii_hexdigit());
            let code = hexadecimal.then(|| u32::from_str_radix(digits, 16).ok())?;
            char::from_u32(code?)
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
        _ => None,
    }
}

/// What follows `[`.
fn class(rest: &mut &str) -> Option<Set> {
    let mut set = Set::default();
    if let Some(after) = rest.strip_prefix('^') {
        set.negated = true;
        *rest = after;
    }
    let mut first = true;
    loop {
        if !first && let Some(after) = rest.strip_prefix(']') {
            *rest = after;
            return Some(set);
        }
        first = false;
        if rest.starts_with("[:")
            && let Some(end) = rest.find(":]")
        {
            set.add(&named(&rest[2..end])?);
            *rest = &rest[end + 2..];
            continue;
        }
        let escape = rest.strip_prefix('\\').and_then(|r| r.chars().next());
        if let Some(other) = escape.and_then(perl) {
            set.add(&other);
            *rest = &rest[2..];
            continue;
        }
        let low = class_char(rest)?;
        let mut high = low;
        if rest.starts_with('-') && rest.len() >= 2 && !rest.starts_with("-]") {
            *rest = &rest[1..];
            high = class_char(rest)?;
        }
        if high < low {
            return None;
        }
        set.ranges.push((low, high));
    }
}

fn class_char(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    if c == '\\' { escaped(rest) } else { Some(c) }
}

/// A class with a name, such as `[:alpha:]` or `[:^alpha:]`.
fn named(name: &str) -> Option<Set> {
    let (negated, name) = match name.strip_prefix('^') {
        Some(name) => (true, name),
        None => (false, name),
    };
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7F')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1F'), ('\x7F', '\x7F')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(Set {
        negated,
        ranges: ranges.to_vec(),
    })
}
