//! JSON: the report itself, for programs.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

use super::{Options, Output, Report};
use crate::text::escape::is_hidden;

pub(super) const OUTPUT: Output = Output {
    name: "json",
    extension: "json",
    about: "for programs; schema/report.v1.json describes it",
    platform: false,
    render,
};

/// The format of several reports in one document, the value of its `schema` field.
pub const REPORTS_SCHEMA: &str = "mslab/reports/v1";

/// Several reports in one document. One report alone is written without this around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reports {
    /// `mslab/reports/v1`.
    #[schemars(extend("const" = "mslab/reports/v1"))]
    pub schema: String,
    /// The reports, in the order in which the exercises were checked.
    pub reports: Vec<Report>,
}

/// The document that `--format json` writes: one report, or several.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(
    dead_code,
    reason = "the schema is made from it; it is written by its parts"
)]
enum Document {
    One(Box<Report>),
    Many(Reports),
}

/// JSON schema of what this output writes, as committed in `schema/report.v1.json`.
#[must_use]
pub fn schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Document);
    schema.insert("title".into(), "mslab report, version 1".into());
    schema
}

fn render(reports: &[Report], _: &Options) -> String {
    match reports {
        [one] => to_json(one),
        many => to_json(&Reports {
            schema: REPORTS_SCHEMA.to_owned(),
            reports: many.to_vec(),
        }),
    }
}

/// Indented JSON with a newline at its end, in which every hidden character is escaped, so that the document can be
/// looked at in a terminal, and the bracket of `##word[`, which a CI system's log would read as a command.
#[must_use]
pub fn to_json(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    // Writing to memory cannot fail, and no type of ours has a key that is not a text.
    if write_json(&mut out, value).is_err() {
        return String::new();
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Like [`to_json`], for what is too long to be held as text.
///
/// # Errors
/// It cannot be written.
pub fn write_json(out: &mut dyn io::Write, value: &impl Serialize) -> io::Result<()> {
    let mut writer = serde_json::Serializer::with_formatter(&mut *out, Visible::default());
    value.serialize(&mut writer)?;
    out.write_all(b"\n")
}

#[derive(Default)]
struct Visible {
    pretty: PrettyFormatter<'static>,
}

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut from = 0;
        let mut hashes = 0;
        for (at, c) in fragment.char_indices() {
            let command = c == '[' && hashes >= 2;
            hashes = match c {
                '#' => hashes + 1,
                c if c.is_ascii_alphanumeric() && hashes >= 2 => hashes,
                _ => 0,
            };
            if !is_hidden(c) && !command {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[from..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            from = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[from..])
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.pretty.write_char_escape(writer, escape)
    }
    fn begin_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.pretty.begin_array(w)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.pretty.end_array(w)
    }
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.pretty.begin_array_value(w, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(w)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.pretty.begin_object(w)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.pretty.end_object(w)
    }
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.pretty.begin_object_key(w, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(w)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(w)
    }
}
