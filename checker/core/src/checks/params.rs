//! Kinds of parameters that several checks take.

use schemars::JsonSchema;
use serde::Deserialize;

/// One name, or several of which any will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a name or a list of names")]
pub(super) enum Names {
    /// Exactly this one.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

impl Names {
    /// The names in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        match self {
            Self::One(name) => std::slice::from_ref(name).iter().map(String::as_str),
            Self::Any(names) => names[..].iter().map(String::as_str),
        }
    }

    /// The first name: what a fix uses.
    pub(super) fn first(&self) -> &str {
        self.iter().next().unwrap_or_default()
    }
}

/// As people write them: `` `a` or `b` ``.
impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&listed(self.iter(), "or"))
    }
}

/// Words in backticks with commas and a last `and` or `or`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// Whether `text` is what `pattern` says, where `*` stands for any characters, slashes too, and `?` for one.
pub(super) fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => {
                p += 1;
                t += 1;
            }
            Some(c) if *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_people_write_them() {
        assert_eq!(listed(["a", "b", "c"], "or"), "`a`, `b` or `c`");
        assert_eq!(Names::One("a".into()).to_string(), "`a`");
    }

    #[test]
    fn patterns_cross_slashes() {
        for (pattern, text, want) in [
            (
                "gcr.io/distroless/*",
                "gcr.io/distroless/static:nonroot",
                true,
            ),
            ("node:*-alpine", "node:24-alpine", true),
            ("node:*-alpine", "node:24-slim", false),
            ("scratch", "scratch", true),
            ("*", "", true),
            ("a?", "a", false),
            ("*b*c", "abxbc", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), want, "{pattern} {text}");
        }
    }
}
