//! A check's documentation as a page, for the terminal and as Markdown for the book: both say the same.

use std::fmt::Write as _;

use serde_json::Value;

use super::{ALL, AnyCheck, Example};
use crate::evidence::Need;
use crate::text::{Glyphs, Pen, Tone, columns, escape, fill};
use crate::units::Bytes;

/// How a page is to look.
#[derive(Debug, Clone)]
pub enum PageOptions {
    /// Text for a terminal.
    Terminal {
        /// Whether it carries colours as ANSI sequences.
        color: bool,
        /// Whether nothing but ASCII may be shown.
        ascii: bool,
        /// Columns; prose is never wider than 100.
        width: usize,
    },
    /// Markdown.
    Markdown {
        /// Level of the page's own heading: 1 for a page, more inside a chapter.
        heading: usize,
    },
}

/// The page of a check.
#[must_use]
pub fn page(check: &dyn AnyCheck, options: &PageOptions) -> String {
    let sections = sections(check);
    match options {
        PageOptions::Markdown { heading } => markdown(check, &sections, *heading),
        PageOptions::Terminal {
            color,
            ascii,
            width,
        } => {
            let mut sheet = Sheet::new(*color, *ascii, *width);
            sheet.title(check.id(), check.title());
            for section in &sections {
                sheet.section(section);
            }
            sheet.finish()
        }
    }
}

/// All checks in one list: what `mslab explain` shows when no check is named.
#[must_use]
pub fn list(options: &PageOptions) -> String {
    let width = ALL.iter().map(|c| c.id().len()).max().unwrap_or(0);
    match options {
        PageOptions::Markdown { .. } => {
            let mut out = String::from("| check | holds when |\n|---|---|\n");
            for check in ALL {
                let _ = writeln!(
                    out,
                    "| `{}` | {} |",
                    check.id(),
                    escape::markdown(check.title())
                );
            }
            out
        }
        PageOptions::Terminal {
            color,
            ascii,
            width: columns,
        } => {
            let mut sheet = Sheet::new(*color, *ascii, *columns);
            for check in ALL {
                let id = format!("{:width$}", check.id());
                let lead = format!("{}  ", sheet.pen.paint(Tone::Name, &id));
                sheet.hanging(&lead, width + 2, check.title());
            }
            sheet.finish()
        }
    }
}

/// A part of a page.
struct Section {
    /// Empty for the beginning.
    heading: &'static str,
    blocks: Vec<Block>,
}

enum Block {
    /// A paragraph of Markdown on one line.
    Prose(String),
    /// Items of a list, each on one line.
    Items(Vec<String>),
    /// Lines of a file: its name, its language, its text.
    File(String, &'static str, String),
    /// Parameters.
    Params(Vec<Param>),
}

/// A parameter of a check as its schema describes it.
struct Param {
    name: String,
    kind: String,
    /// `required`, or its default.
    default: String,
    about: String,
}

fn sections(check: &dyn AnyCheck) -> Vec<Section> {
    let doc = check.doc();
    let mut sections = vec![
        Section {
            heading: "",
            blocks: prose(doc.what),
        },
        Section {
            heading: "Why it matters",
            blocks: prose(doc.why),
        },
    ];
    let params = params(check.params_schema().as_value());
    if !params.is_empty() {
        sections.push(Section {
            heading: "Parameters",
            blocks: vec![Block::Params(params)],
        });
    }
    if let Some(evidence) = evidence(check) {
        sections.push(Section {
            heading: "What it looks at",
            blocks: vec![Block::Items(evidence)],
        });
    }
    for (heading, example) in [("Does not hold", &doc.bad), ("Holds", &doc.good)] {
        sections.push(Section {
            heading,
            blocks: example_blocks(check.id(), example),
        });
    }
    sections
}

/// Paragraphs and lists of Markdown. Documentation has no other blocks.
fn prose(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in text.split("\n\n").map(str::trim).filter(|p| !p.is_empty()) {
        let mut items: Vec<String> = Vec::new();
        let mut words = String::new();
        for line in part.lines().map(str::trim) {
            if let Some(item) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
                items.push(item.to_owned());
            } else if let Some(last) = items.last_mut() {
                let _ = write!(last, " {line}");
            } else {
                let gap = if words.is_empty() { "" } else { " " };
                let _ = write!(words, "{gap}{line}");
            }
        }
        if !words.is_empty() {
            blocks.push(Block::Prose(words));
        }
        if !items.is_empty() {
            blocks.push(Block::Items(items));
        }
    }
    blocks
}

fn example_blocks(id: &str, example: &Example) -> Vec<Block> {
    let mut blocks = vec![Block::File(
        "Dockerfile".into(),
        "dockerfile",
        example.dockerfile.to_owned(),
    )];
    for (path, text) in example.files {
        blocks.push(Block::File((*path).into(), "text", (*text).to_owned()));
    }
    if !example.evidence.context.is_empty() {
        let files = example.evidence.context.iter();
        let files: Vec<String> = files
            .map(|(path, size)| format!("`{path}` ({})", Bytes(*size)))
            .collect();
        blocks.push(Block::Prose(format!(
            "The folder holds {}.",
            files.join(", ")
        )));
    }
    if !example.params.is_empty() {
        let text = format!("[[check]]\nid = \"{id}\"\n{}\n", example.params.trim_end());
        blocks.push(Block::File("lab.toml".into(), "toml", text));
    }
    blocks
}

/// What the check needs to see, with the parameters of its good example.
fn evidence(check: &dyn AnyCheck) -> Option<Vec<String>> {
    let params: toml::Table = toml::from_str(check.doc().good.params).ok()?;
    let needs = check.bind(&params).ok()?.needs();
    if needs.is_empty() {
        let text = "The text of the files alone, so that `mslab check --static` judges it too.";
        return Some(vec![text.into()]);
    }
    let mut said = Vec::new();
    for need in &needs {
        let text = match need {
            Need::Context => "The names and sizes of the files that would be sent to the engine.",
            Need::Build => "How the build of the target ends.",
            Need::Image => "The image that the target gives.",
            Need::OtherImage(_) => "The image of another build.",
            Need::StarterImage => "The image that the lab's own starter gives.",
            Need::Probe(_) => {
                "A container of the image, started without a network and without capabilities."
            }
            Need::Sabotage { .. } => "A second build, with something in it broken on purpose.",
            Need::Rebuild { .. } => "A second build, after an edit.",
        };
        if !said.iter().any(|s| s == text) {
            said.push(text.to_owned());
        }
    }
    Some(said)
}

/// The parameters of a JSON schema.
fn params(schema: &Value) -> Vec<Param> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let required = |name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|n| n.as_str() == Some(name)))
    };
    let param = |(name, property): (&String, &Value)| {
        let default = property.get("default").filter(|d| !d.is_null());
        let default = match default {
            _ if required(name) => "required".to_owned(),
            Some(value) if !is_empty(value) => format!("default `{}`", toml_value(value)),
            _ => "optional".to_owned(),
        };
        let about = property.get("description").or_else(|| {
            let target = resolve(schema, property);
            target.get("description")
        });
        Param {
            name: name.clone(),
            kind: kind(schema, property, 0),
            default,
            about: about
                .and_then(Value::as_str)
                .unwrap_or_default()
                .replace('\n', " "),
        }
    };
    properties.iter().map(param).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        Value::String(s) => s.is_empty(),
        _ => false,
    }
}

/// JSON and TOML write texts, numbers and lists alike; a table takes `=`.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let pairs: Vec<String> = table
                .iter()
                .map(|(k, v)| format!("{k} = {}", toml_value(v)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        value => value.to_string(),
    }
}

fn resolve<'a>(schema: &'a Value, mut property: &'a Value) -> &'a Value {
    for _ in 0..4 {
        let target = property.get("$ref").and_then(Value::as_str);
        let Some(target) = target.and_then(|t| schema.pointer(t.strip_prefix('#')?)) else {
            break;
        };
        property = target;
    }
    property
}

/// A property's type in a word or two.
fn kind(schema: &Value, property: &Value, depth: usize) -> String {
    let property = resolve(schema, property);
    let some = |key: &str| property.get(key).and_then(Value::as_array);
    if depth > 3 {
        return "value".into();
    }
    if let Some(values) = some("enum") {
        let values: Vec<String> = values.iter().map(|v| format!("`{v}`")).collect();
        return values.join(" or ");
    }
    if let Some(value) = property.get("const") {
        return format!("`{value}`");
    }
    if let Some(choices) = some("anyOf").or_else(|| some("oneOf")) {
        let mut kinds: Vec<String> = Vec::new();
        for choice in choices {
            let kind = kind(schema, choice, depth + 1);
            if kind != "nothing" && !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        return kinds.join(" or ");
    }
    let name = match property.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str);
            names.find(|n| *n != "null").unwrap_or("null")
        }
        _ => "",
    };
    match name {
        "string" => match property.get("format").and_then(Value::as_str) {
            Some("size") => "size, as `\"15MB\"`".into(),
            Some("time") => "time, as `\"30s\"`".into(),
            _ => "text".into(),
        },
        "integer" | "number" => "number".into(),
        "boolean" => "`true` or `false`".into(),
        "null" => "nothing".into(),
        "object" => "table".into(),
        "array" => match property.get("items") {
            Some(items) => match kind(schema, items, depth + 1).as_str() {
                "text" => "list of texts".into(),
                "number" => "list of numbers".into(),
                "table" => "list of tables".into(),
                other if other.contains(" or ") => format!("list, each {other}"),
                other => format!("list of {other}"),
            },
            None => "list".into(),
        },
        _ => "value".into(),
    }
}

fn markdown(check: &dyn AnyCheck, sections: &[Section], heading: usize) -> String {
    let marks = "#".repeat(heading.clamp(1, 5));
    let mut out = format!("{marks} `{}`: {}\n", check.id(), check.title());
    for section in sections {
        if !section.heading.is_empty() {
            let _ = write!(out, "\n{marks}# {}\n", section.heading);
        }
        for block in &section.blocks {
            out.push('\n');
            match block {
                Block::Prose(text) => {
                    let _ = writeln!(out, "{text}");
                }
                Block::Items(items) => {
                    for item in items {
                        let _ = writeln!(out, "- {item}");
                    }
                }
                Block::File(name, language, text) => {
                    if name != "Dockerfile" {
                        let _ = writeln!(out, "`{name}`:\n");
                    }
                    out.push_str(&escape::markdown_fence(language, text));
                }
                Block::Params(params) => {
                    out.push_str("| parameter | takes | needed? | meaning |\n|---|---|---|---|\n");
                    for p in params {
                        let cell = |text: &str| text.replace('|', "\\|");
                        let (kind, default) = (cell(&p.kind), cell(&p.default));
                        let about = cell(&p.about);
                        let _ = writeln!(out, "| `{}` | {kind} | {default} | {about} |", p.name);
                    }
                }
            }
        }
    }
    out
}

/// A page for the terminal as it grows.
struct Sheet {
    pen: Pen,
    glyphs: &'static Glyphs,
    ascii: bool,
    width: usize,
    out: String,
}

impl Sheet {
    fn new(color: bool, ascii: bool, width: usize) -> Self {
        Self {
            pen: Pen { color },
            glyphs: Glyphs::new(ascii),
            ascii,
            width: width.clamp(40, 100),
            out: String::new(),
        }
    }

    fn finish(self) -> String {
        if self.ascii {
            escape::ascii(&self.out)
        } else {
            self.out
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn hanging(&mut self, lead: &str, lead_width: usize, text: &str) {
        let lines = fill(&plain(text), self.width.saturating_sub(lead_width));
        for (n, line) in self.pen.prose(&lines).iter().enumerate() {
            if n == 0 {
                self.line(&format!("{lead}{line}"));
            } else {
                self.line(&format!("{}{line}", " ".repeat(lead_width)));
            }
        }
    }

    fn title(&mut self, id: &str, title: &str) {
        let id = self.pen.paint(Tone::Strong, id);
        self.line(&format!("{id}  {title}"));
    }

    fn section(&mut self, section: &Section) {
        if !section.heading.is_empty() {
            self.line("");
            let heading = self.pen.paint(Tone::Strong, section.heading);
            self.line(&heading);
        }
        for (n, block) in section.blocks.iter().enumerate() {
            if n > 0 || section.heading.is_empty() {
                self.line("");
            }
            match block {
                Block::Prose(text) => self.hanging("  ", 2, text),
                Block::Items(items) => {
                    for item in items {
                        self.hanging("  - ", 4, item);
                    }
                }
                Block::File(name, _, text) => self.file(name, text),
                Block::Params(params) => self.params(params),
            }
        }
    }

    fn file(&mut self, name: &str, text: &str) {
        let frame = |glyph: &str, pen: Pen| pen.paint(Tone::Quiet, glyph);
        let top = frame(self.glyphs.frame_top, self.pen);
        let name = self.pen.paint(Tone::Name, name);
        self.line(&format!("  {top} {name}"));
        let side = frame(self.glyphs.frame, self.pen);
        for line in text.lines() {
            self.line(&format!("  {side} {}", line.replace('\t', "    ")));
        }
    }

    fn params(&mut self, params: &[Param]) {
        let width = params.iter().map(|p| columns(&p.name)).max().unwrap_or(0);
        for p in params {
            let name = format!("{:width$}", p.name);
            let lead = format!("  {}  ", self.pen.paint(Tone::Name, &name));
            self.hanging(&lead, width + 4, &format!("{}, {}", p.kind, p.default));
            if !p.about.is_empty() {
                self.hanging(&" ".repeat(width + 4), width + 4, &p.about);
            }
        }
    }
}

/// Markdown without its stars: emphasis means nothing in a terminal, code keeps its backticks.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, part) in text.split('`').enumerate() {
        let code = n % 2 == 1;
        if n > 0 {
            out.push('`');
        }
        if code {
            out.push_str(part);
        } else {
            out.push_str(&part.replace('*', ""));
        }
    }
    out
}
