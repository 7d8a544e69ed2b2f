//! `RUN --mount=…` and `RUN --device=…`: comma-separated options, with quotes as in CSV files.

use super::ParseError;
use super::text::Text;
use super::tree::{Mount, MountOption, Word};
use crate::source::Span;

/// Reads a mount flag (`text` without shell quotes). What is read is complete only without an error.
pub(crate) fn read(text: &Text, span: Span) -> (Mount, Option<ParseError>) {
    let mut mount = Mount {
        span,
        kind: "bind".to_owned(),
        options: Vec::new(),
    };
    let bytes = text.bytes();
    let Some(equals) = bytes.iter().position(|b| *b == b'=') else {
        return (mount, None);
    };
    let mut error = None;
    match fields(text, equals + 1) {
        Ok(fields) => {
            for field in &fields {
                let option = option(field);
                if error.is_none() {
                    error = variable_in_from(&option);
                }
                if let (true, Some(value)) = (option.name.text == "type", &option.value) {
                    mount.kind = value.text.to_lowercase();
                }
                mount.options.push(option);
            }
        }
        Err(message) => {
            error = Some(ParseError {
                span,
                message: format!("mount options are no comma-separated list: {message}"),
                help: None,
            });
        }
    }
    (mount, error)
}

/// What the engine refuses about a device flag when it reads it: `NAME`, `name=NAME`, `required[=BOOL]`.
pub(crate) fn device_refused(text: &Text, span: Span) -> Option<ParseError> {
    let equals = text.bytes().iter().position(|b| *b == b'=')?;
    let error = |message: String| {
        Some(ParseError {
            span,
            message,
            help: None,
        })
    };
    let fields = match fields(text, equals + 1) {
        Ok(fields) => fields,
        Err(message) => {
            return error(format!(
                "device options are no comma-separated list: {message}"
            ));
        }
    };
    let mut named = false;
    for field in &fields {
        let field = option(field);
        let name = field.name.text.as_str();
        match (name, &field.value) {
            ("name", Some(value)) => named |= !value.text.is_empty(),
            ("required", Some(value)) if is_bool(&value.text) => {}
            ("required", Some(value)) => {
                return error(format!("invalid value for required: {}", value.text));
            }
            _ if !named => named = true,
            ("required", None) => {}
            (_, None) => return error(format!("invalid field '{name}' must be a key=value pair")),
            (_, Some(_)) => return error(format!("unexpected key '{name}' in a device flag")),
        }
    }
    None
}

/// Whether Go's `strconv.ParseBool` takes the text.
pub(crate) fn is_bool(text: &str) -> bool {
    matches!(
        text,
        "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False"
    )
}

fn option(field: &Text) -> MountOption {
    let bytes = field.bytes();
    let equals = bytes.iter().position(|b| *b == b'=');
    let mut name = field.word(0..equals.unwrap_or(bytes.len()));
    name.text = name.text.to_lowercase();
    MountOption {
        span: field.whole(),
        name,
        value: equals.map(|at| field.word(at + 1..bytes.len())),
    }
}

/// The engine finds the stages that a mount needs before any variable has a value.
fn variable_in_from(option: &MountOption) -> Option<ParseError> {
    let value: &Word = option
        .value
        .as_ref()
        .filter(|_| option.name.text == "from")?;
    let has_variable = value.text.match_indices('$').any(|(i, _)| {
        value.text[i + 1..]
            .chars()
            .next()
            .is_some_and(|c| c != '\n')
    });
    has_variable.then(|| ParseError {
        span: value.span,
        message: format!("mount option `from` supports no variables: {}", value.text),
        help: Some(
            "Give the image a stage name with `FROM $VARIABLE AS name`, and use that name."
                .to_owned(),
        ),
    })
}

/// The fields of one CSV record.
fn fields(text: &Text, from: usize) -> Result<Vec<Text>, &'static str> {
    let bytes = text.bytes();
    let end = bytes.len();
    if end == from {
        return Err("it is empty");
    }
    let mut fields = Vec::new();
    let mut at = from;
    loop {
        if bytes[at..end].first() != Some(&b'"') {
            let stop = bytes[at..end]
                .iter()
                .position(|b| *b == b',')
                .map_or(end, |i| at + i);
            if bytes[at..stop].contains(&b'"') {
                return Err("a quote in a field that does not begin with one");
            }
            fields.push(text.part(at..stop));
            at = stop;
        } else {
            let mut field = Text::at(text.offset(at));
            at += 1;
            loop {
                let Some(i) = bytes[at..end].iter().position(|b| *b == b'"') else {
                    return Err("a quote is not closed");
                };
                for k in at..at + i {
                    field.push(text.offset(k), &bytes[k..=k]);
                }
                at += i + 1;
                if bytes[at..end].first() == Some(&b'"') {
                    field.push(text.offset(at), b"\"");
                    at += 1;
                } else {
                    break;
                }
            }
            if at < end && bytes[at] != b',' {
                return Err("a closing quote is not followed by a comma");
            }
            fields.push(field);
        }
        if at >= end {
            return Ok(fields);
        }
        at += 1;
    }
}
