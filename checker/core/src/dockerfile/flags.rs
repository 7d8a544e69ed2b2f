//! Which builder flags each instruction knows, and whether those written are among them.

use super::ParseError;
use super::text::Text;
use super::tree::{Flag, Keyword, Word};
use crate::source::Span;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// `true`, `false` or nothing.
    Bool,
    /// One value; the flag may be given once.
    Value,
    /// A value each time that it is given.
    Values,
}

const ADD: &[(&str, Takes)] = &[
    ("exclude", Takes::Values),
    ("chown", Takes::Value),
    ("chmod", Takes::Value),
    ("link", Takes::Bool),
    ("keep-git-dir", Takes::Bool),
    ("checksum", Takes::Value),
    ("unpack", Takes::Bool),
];
const COPY: &[(&str, Takes)] = &[
    ("exclude", Takes::Values),
    ("chown", Takes::Value),
    ("from", Takes::Value),
    ("chmod", Takes::Value),
    ("link", Takes::Bool),
];
const FROM: &[(&str, Takes)] = &[("platform", Takes::Value)];
const HEALTHCHECK: &[(&str, Takes)] = &[
    ("interval", Takes::Value),
    ("timeout", Takes::Value),
    ("start-period", Takes::Value),
    ("start-interval", Takes::Value),
    ("retries", Takes::Value),
];
const RUN: &[(&str, Takes)] = &[
    ("mount", Takes::Values),
    ("network", Takes::Value),
    ("device", Takes::Values),
];

/// Flags that only the `labs` channel of the Dockerfile frontend knows.
const LABS: &[(Keyword, &str)] = &[(Keyword::Copy, "parents"), (Keyword::Run, "security")];

/// The flags that `keyword` knows in the release channel of the frontend.
pub(crate) fn known(keyword: Keyword) -> &'static [(&'static str, Takes)] {
    match keyword {
        Keyword::Add => ADD,
        Keyword::Copy => COPY,
        Keyword::From => FROM,
        Keyword::Healthcheck => HEALTHCHECK,
        Keyword::Run => RUN,
        _ => &[],
    }
}

/// A flag from its text without quotes; `span` is where it stands, quotes included.
pub(crate) fn flag(text: &Text, span: Span) -> Flag {
    let bytes = text.bytes();
    let dashes = bytes.len().min(2);
    let equals = bytes.iter().position(|b| *b == b'=');
    let name_end = equals.unwrap_or(bytes.len()).max(dashes);
    Flag {
        span,
        name: text.word(dashes..name_end),
        value: equals.map(|at| text.word((at + 1).max(dashes).min(bytes.len())..bytes.len())),
    }
}

/// The first thing that the engine refuses about an instruction's flags.
pub(crate) fn check(keyword: Keyword, flags: &[Flag]) -> Option<ParseError> {
    let known = known(keyword);
    let mut seen: Vec<&str> = Vec::new();
    for flag in flags {
        let name = flag.name.text.as_str();
        let Some((_, takes)) = known.iter().find(|(k, _)| *k == name) else {
            return Some(unknown(keyword, flag, known));
        };
        if *takes != Takes::Values && seen.contains(&name) {
            return Some(ParseError {
                span: flag.span,
                message: format!("duplicate flag specified: --{name}"),
                help: Some(format!("Give `--{name}` once.")),
            });
        }
        seen.push(name);
        if let Some(message) = bad_value(*takes, name, flag.value.as_ref()) {
            return Some(ParseError {
                span: flag.span,
                message,
                help: None,
            });
        }
    }
    None
}

fn bad_value(takes: Takes, name: &str, value: Option<&Word>) -> Option<String> {
    match (takes, value) {
        (Takes::Bool, None) => None,
        (Takes::Bool, Some(v)) if v.text.is_empty() => {
            Some(format!("missing a value on flag: --{name}"))
        }
        (Takes::Bool, Some(v)) => {
            let lower = v.text.to_lowercase();
            (lower != "true" && lower != "false")
                .then(|| format!("expecting boolean value for flag --{name}, not: {}", v.text))
        }
        (_, None) => Some(format!("missing a value on flag: --{name}")),
        (_, Some(_)) => None,
    }
}

fn unknown(keyword: Keyword, flag: &Flag, known: &[(&str, Takes)]) -> ParseError {
    let name = flag.name.text.as_str();
    let labs = LABS.contains(&(keyword, name));
    let near = known
        .iter()
        .map(|(k, _)| (strsim::damerau_levenshtein(k, name), *k))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let help = if labs {
        Some(format!(
            "`--{name}` needs `# syntax=docker/dockerfile:1-labs` as the first line."
        ))
    } else if let Some((_, near)) = near {
        Some(format!("Did you mean `--{near}`?"))
    } else if known.is_empty() {
        Some(format!("{} takes no flags.", keyword.as_str()))
    } else {
        let names: Vec<_> = known.iter().map(|(k, _)| format!("`--{k}`")).collect();
        Some(format!("{} knows {}.", keyword.as_str(), names.join(", ")))
    };
    ParseError {
        span: flag.span,
        message: format!("unknown flag: --{name}"),
        help,
    }
}
