//! Sizes and times as people write and read them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number of bytes: `"15MB"` (decimal, as Docker prints sizes), `"15MiB"` (binary) or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, JsonSchema)]
#[schemars(with = "String", extend("format" = "size"))]
pub struct Bytes(pub u64);

/// A number of milliseconds: `"90s"`, `"2m"`, `"500ms"`, `"1h"` or a plain number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, JsonSchema)]
#[schemars(with = "String", extend("format" = "time"))]
pub struct Millis(pub u64);

/// A size or a time that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}; write it like {example}")]
pub struct UnitError {
    text: String,
    what: &'static str,
    example: &'static str,
}

const SIZES: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];
const TIMES: &[(&str, u64)] = &[
    ("", 1_000),
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
];

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim().to_ascii_lowercase();
    let scale = units.iter().find(|(name, _)| *name == unit)?.1;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale);
    }
    let value = number.parse::<f64>().ok()? * scale as f64;
    (value.is_finite() && (0.0..1e18).contains(&value)).then_some(value.round() as u64)
}

impl FromStr for Bytes {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || UnitError {
            text: text.into(),
            what: "size",
            example: "\"15MB\" or \"15MiB\"",
        };
        parse(text, SIZES).map(Self).ok_or_else(error)
    }
}

impl FromStr for Millis {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || UnitError {
            text: text.into(),
            what: "time",
            example: "\"90s\" or \"2m\"",
        };
        parse(text, TIMES).map(Self).ok_or_else(error)
    }
}

/// As Docker prints sizes: decimal units, three significant digits.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit) = match self.0 {
            0..1_000 => return write!(f, "{} B", self.0),
            1_000..1_000_000 => (1e3, "kB"),
            1_000_000..1_000_000_000 => (1e6, "MB"),
            _ => (1e9, "GB"),
        };
        let value = self.0 as f64 / scale;
        let digits = match value {
            v if v < 9.995 => 2,
            v if v < 99.95 => 1,
            _ => 0,
        };
        write!(f, "{value:.digits$} {unit}")
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000 => write!(f, "{} ms", self.0),
            1_000..60_000 => write!(f, "{:.1} s", self.0 as f64 / 1e3),
            _ => write!(f, "{} min {} s", self.0 / 60_000, self.0 % 60_000 / 1_000),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

macro_rules! serde_as_text {
    ($name:ident) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = match NumberOrText::deserialize(d)? {
                    NumberOrText::Number(n) => n.to_string(),
                    NumberOrText::Text(t) => t,
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_u64(self.0)
            }
        }
    };
}
serde_as_text!(Bytes);
serde_as_text!(Millis);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_unless_binary_is_written() {
        assert_eq!("15MB".parse(), Ok(Bytes(15_000_000)));
        assert_eq!("15 MiB".parse(), Ok(Bytes(15 << 20)));
        assert_eq!("1.5kB".parse(), Ok(Bytes(1_500)));
        assert_eq!("7".parse(), Ok(Bytes(7)));
        for bad in [
            "",
            "MB",
            "15 parsecs",
            "-1MB",
            "1e400GB",
            "99999999999999999999GB",
        ] {
            assert!(bad.parse::<Bytes>().is_err(), "{bad}");
        }
    }

    #[test]
    fn times_default_to_seconds() {
        assert_eq!("2m".parse(), Ok(Millis(120_000)));
        assert_eq!("500ms".parse(), Ok(Millis(500)));
        assert_eq!("3".parse(), Ok(Millis(3_000)));
        assert!("soon".parse::<Millis>().is_err());
    }

    #[test]
    fn sizes_read_as_docker_prints_them() {
        let shown: Vec<_> = [
            0,
            999,
            4_983_397,
            15_000_000,
            258_000_000,
            1_200_000_000,
            999_999,
        ]
        .map(|n| Bytes(n).to_string())
        .into();
        assert_eq!(
            shown,
            [
                "0 B", "999 B", "4.98 MB", "15.0 MB", "258 MB", "1.20 GB", "1000 kB"
            ]
        );
    }
}
