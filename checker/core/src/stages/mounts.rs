//! What the engine refuses about `RUN --mount` once its variables have values.

use crate::dockerfile::{Mount, Word, is_bool};
use crate::source::Span;

/// A mount's options with their values.
#[derive(Default)]
struct Values {
    kind: String,
    from: String,
    source: String,
    target: String,
    id: String,
    sharing: String,
    /// Which of `mode`, `uid` and `gid` is set.
    owner: Option<&'static str>,
}

/// Why the engine refuses a mount, and where. `expand` gives a word's value; `workdir` is what a relative target is
/// relative to.
pub(crate) fn refused(
    mount: &Mount,
    workdir: &str,
    expand: &mut dyn FnMut(&Word) -> Result<String, String>,
) -> Option<(Span, String)> {
    let mut values = Values {
        kind: "bind".to_owned(),
        ..Values::default()
    };
    for option in &mount.options {
        let result = match &option.value {
            None => flag(&option.name.text, &values.kind),
            Some(word) => expand(word).and_then(|v| values.set(&option.name.text, v)),
        };
        if let Err(message) = result {
            return Some((option.span, message));
        }
    }
    values.refused(workdir).map(|message| (mount.span, message))
}

/// An option without a value.
fn flag(name: &str, kind: &str) -> Result<(), String> {
    match name {
        "readonly" | "ro" | "readwrite" | "rw" => Ok(()),
        "required" if matches!(kind, "secret" | "ssh") => Ok(()),
        "required" => Err(format!("unexpected key 'required' for mount type '{kind}'")),
        _ => Err(format!("invalid field '{name}' must be a key=value pair")),
    }
}

impl Values {
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let invalid = |value: &str| Err(format!("invalid value for {name}: {value}"));
        match name {
            "type" => {
                let kind = value.to_lowercase();
                if !matches!(kind.as_str(), "bind" | "cache" | "tmpfs" | "secret" | "ssh") {
                    return Err(format!("unsupported mount type {value:?}"));
                }
                self.kind = kind;
            }
            "from" => self.from = value,
            "source" | "src" => self.source = value,
            "target" | "dst" | "destination" => self.target = value,
            "id" => self.id = value,
            "env" => {}
            "readonly" | "ro" | "readwrite" | "rw" if is_bool(&value) => {}
            "readonly" | "ro" | "readwrite" | "rw" => return invalid(&value),
            "required" | "size" if !self.allows(name) => {
                return Err(format!(
                    "unexpected key '{name}' for mount type '{}'",
                    self.kind
                ));
            }
            "required" if is_bool(&value) => {}
            "size" if is_size(&value) => {}
            "required" | "size" => return invalid(&value),
            "sharing" => {
                let sharing = value.to_lowercase();
                if !matches!(sharing.as_str(), "shared" | "private" | "locked") {
                    return Err(format!("unsupported sharing value {value:?}"));
                }
                self.sharing = sharing;
            }
            "mode" if is_number(&value, 8) => self.owner = self.owner.or(Some("mode")),
            "uid" if is_number(&value, 10) => self.owner = self.owner.or(Some("uid")),
            "gid" if is_number(&value, 10) => self.owner = self.owner.or(Some("gid")),
            "mode" | "uid" | "gid" => return Err(format!("invalid value {value} for {name}")),
            _ => return Err(format!("unexpected key '{name}' in '{name}={value}'")),
        }
        Ok(())
    }

    fn allows(&self, name: &str) -> bool {
        match name {
            "size" => self.kind == "tmpfs",
            _ => matches!(self.kind.as_str(), "secret" | "ssh"),
        }
    }

    fn refused(&self, workdir: &str) -> Option<String> {
        let kind = self.kind.as_str();
        if let (Some(owner), "bind" | "tmpfs") = (self.owner, kind) {
            return Some(format!("{owner} not allowed for {kind:?} type mounts"));
        }
        if kind == "secret" {
            let message = if !self.from.is_empty() {
                "secret mount should not have a from"
            } else if !self.sharing.is_empty() {
                "secret mount should not define sharing"
            } else if self.source.is_empty() && self.target.is_empty() && self.id.is_empty() {
                "invalid secret mount: one of source, target and id is required"
            } else if !self.source.is_empty() && !self.id.is_empty() {
                "both source and id can't be set"
            } else {
                return None;
            };
            return Some(message.to_owned());
        }
        if !self.sharing.is_empty() && kind != "cache" {
            return Some(format!("invalid cache sharing set for {kind} mount"));
        }
        if kind == "ssh" {
            return (!self.source.is_empty()).then(|| "ssh does not support source".to_owned());
        }
        // Only a lone slash is refused: the engine lets `//` pass.
        let is_root = if self.target.starts_with('/') {
            self.target == "/"
        } else {
            joined(workdir, &self.target) == "/"
        };
        is_root.then(|| "invalid mount target \"/\": a mount needs a target".to_owned())
    }
}

/// `path` as an absolute path without `.` and `..`, relative to `workdir` where it is not absolute.
pub(crate) fn joined(workdir: &str, path: &str) -> String {
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{workdir}/{path}")
    };
    let mut parts = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn is_number(text: &str, radix: u32) -> bool {
    !text.starts_with('+') && u32::from_str_radix(text, radix).is_ok()
}

/// A size such as `64m`, `1.5 GiB` or `1048576`.
fn is_size(text: &str) -> bool {
    let Some(last) = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ') else {
        return false;
    };
    let (number, unit) = text.split_at(last + 1);
    let number = number.strip_suffix(' ').unwrap_or(number);
    let positive = number.starts_with(|c: char| c != '-') && is_float(number)
        || number.parse::<f64>() == Ok(0.0);
    let unit = unit.to_lowercase();
    let (prefix, rest) = unit.split_at(unit.chars().next().map_or(0, char::len_utf8));
    let unit_fits = match prefix {
        "" => true,
        "b" => rest.is_empty(),
        "k" | "m" | "g" | "t" | "p" => matches!(rest, "" | "b" | "ib"),
        _ => false,
    };
    positive && unit_fits
}

/// A number as Go writes it: decimal or hexadecimal, with underscores between digits.
fn is_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let between_digits = |i: usize| {
        let digit = |j: Option<usize>| {
            j.and_then(|j| bytes.get(j))
                .is_some_and(|b| b.is_ascii_hexdigit() || matches!(b, b'x' | b'X'))
        };
        digit(i.checked_sub(1)) && digit(Some(i + 1))
    };
    if bytes
        .iter()
        .enumerate()
        .any(|(i, b)| *b == b'_' && !between_digits(i))
    {
        return false;
    }
    let plain = text.replace('_', "").to_lowercase();
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    let Some(hex) = plain.strip_prefix("0x") else {
        return plain.parse::<f64>().is_ok();
    };
    let Some((mantissa, exponent)) = hex.split_once('p') else {
        return false;
    };
    let digits = mantissa.replacen('.', "", 1);
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && exponent.parse::<i32>().is_ok()
}
