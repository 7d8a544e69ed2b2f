//! SARIF 2.1.0: findings for code-scanning tools and editors, one run an exercise.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0". Only what failed is a result; what
//! could not be looked at makes the invocation unsuccessful, so that a missing finding is never taken for a mended one.

use serde_json::{Map, Value, json};

use super::{
    CheckReport, EditReport, FixReport, Options, Output, PlaceReport, Report, Status, json, words,
};
use crate::text::escape;

pub(super) const OUTPUT: Output = Output {
    name: "sarif",
    extension: "sarif",
    about: "SARIF 2.1.0, for code scanning and editors",
    platform: false,
    render,
};

/// The address of SARIF's own schema.
pub const SARIF_SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

fn render(reports: &[Report], options: &Options) -> String {
    let runs: Vec<Value> = reports.iter().map(|r| run(r, options)).collect();
    json::to_json(&json!({
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": runs,
    }))
}

fn run(report: &Report, options: &Options) -> Value {
    let mut run = SarifRun::default();
    let results = run.add(report, options, &report.exercise);
    run.say_of(report, Status::Skipped, "note");
    let mut run = run.end(&format!("mslab/{}/", report.exercise));
    run.insert("results".into(), json!(results));
    run.insert(
        "properties".into(),
        json!({
            "outcome": words::outcome(report),
            "partial": report.partial,
            "standIns": report.stand_ins,
        }),
    );
    Value::Object(run)
}

/// A run to which reports are added one at a time: the results of each can be written at once, and what is kept until
/// the end is what they refer to.
#[derive(Debug, Default)]
pub struct SarifRun {
    /// The ids of the checks, each once: an index is a rule's index.
    ids: Vec<String>,
    rules: Vec<Value>,
    notifications: Vec<Value>,
    failed: bool,
}

impl SarifRun {
    /// What failed in a report, as results. `name` tells it from every other report of the run, now and in later runs.
    pub fn add(&mut self, report: &Report, options: &Options, name: &str) -> Vec<Value> {
        for check in &report.checks {
            match self.ids.iter().position(|id| *id == check.id) {
                None => {
                    self.ids.push(check.id.clone());
                    self.rules.push(rule(report, &check.id));
                }
                // A check says why it matters where it fails.
                Some(n) if self.rules[n].get("fullDescription").is_none() => {
                    self.rules[n] = rule(report, &check.id);
                }
                Some(_) => {}
            }
        }
        self.say_of(report, Status::Error, "error");
        self.failed |= report.outcome == super::Outcome::Error;
        let failed = report.checks.iter().filter(|c| c.status == Status::Failed);
        failed
            .map(|c| result(report, c, &self.ids, options, name))
            .collect()
    }

    /// Something that kept work from being judged: the run is not a whole one.
    pub fn missed(&mut self, text: &str) {
        self.failed = true;
        self.notifications.push(json!({
            "level": "error",
            "message": { "text": plain(filled(text, "not graded")) },
        }));
    }

    /// Something to know about the run.
    pub fn note(&mut self, text: &str) {
        self.notifications.push(json!({
            "level": "warning",
            "message": { "text": plain(filled(text, "a note")) },
        }));
    }

    /// The checks with this verdict as notifications: what could not be looked at, and what was left out.
    fn say_of(&mut self, report: &Report, status: Status, level: &str) {
        for check in report.checks.iter().filter(|c| c.status == status) {
            let text = format!(
                "{}: {}",
                words::status(status),
                filled(&check.message, &check.title)
            );
            self.notifications.push(json!({
                "level": level,
                "message": { "text": plain(&text) },
                "associatedRule": { "id": check.id, "index": self.ids.iter().position(|id| *id == check.id) },
            }));
        }
    }

    /// All of the run but its results. `category` tells it from other runs.
    #[must_use]
    pub fn end(self, category: &str) -> Map<String, Value> {
        let mut run = Map::new();
        run.insert(
            "tool".into(),
            json!({ "driver": {
                "name": "mslab",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": self.rules,
            } }),
        );
        run.insert("automationDetails".into(), json!({ "id": category }));
        run.insert("columnKind".into(), json!("unicodeCodePoints"));
        run.insert(
            "invocations".into(),
            json!([{
                "executionSuccessful": !self.failed,
                "toolExecutionNotifications": self.notifications,
            }]),
        );
        run
    }
}

fn rule(report: &Report, id: &str) -> Value {
    let of_id = report.checks.iter().filter(|c| c.id == id);
    let (title, why) = of_id
        .map(|c| (c.title.as_str(), c.why.as_str()))
        .max_by_key(|(_, why)| why.len())
        .unwrap_or((id, ""));
    let mut rule = json!({
        "id": id,
        "shortDescription": { "text": filled(title, id) },
        "help": { "text": format!("{why}\n`mslab explain {id}` says more.").trim_start() },
        "defaultConfiguration": { "level": "error" },
    });
    if !why.is_empty() {
        rule["fullDescription"] = json!({ "text": why });
    }
    rule
}

fn result(
    report: &Report,
    check: &CheckReport,
    rules: &[String],
    options: &Options,
    name: &str,
) -> Value {
    let mut result = json!({
        "ruleId": check.id,
        "ruleIndex": rules.iter().position(|id| *id == check.id),
        "level": "error",
        "message": { "text": message(check) },
        "locations": [location(report, check.place.as_ref(), options)],
        "partialFingerprints": { "mslabKey/v1": format!("{name}/{}", check.key) },
        "properties": { "points": check.points, "maxPoints": check.max_points },
    });
    let mut related = check.related.iter().map(|r| &r.place);
    let first_text = related.find(|p| matches!(p, PlaceReport::Text { .. }));
    if !matches!(check.place, Some(PlaceReport::Text { .. })) && first_text.is_some() {
        let at = location(report, first_text, options);
        result["locations"][0]["physicalLocation"] = at["physicalLocation"].clone();
    }
    if !check.related.is_empty() {
        let mut related = Vec::new();
        for (n, r) in check.related.iter().enumerate() {
            let mut at = location(report, Some(&r.place), options);
            at["id"] = json!(n);
            at["message"] = json!({ "text": plain(filled(&r.note, "see here")) });
            related.push(at);
        }
        result["relatedLocations"] = json!(related);
    }
    if let Some(fix) = &check.fix {
        result["fixes"] = json!([changes(report, fix, options)]);
    }
    result
}

/// The finding in a few lines.
fn message(check: &CheckReport) -> String {
    let mut text = words::headline(check).into_owned();
    for (label, part) in [
        ("expected", &check.expected),
        ("found", &check.actual),
        ("help", &check.help),
    ] {
        if let Some(part) = part {
            text.push_str(&format!("\n{label}: {part}"));
        }
    }
    plain(filled(&text, &check.title))
}

/// Text of a message. SARIF reads brackets as links and braces as placeholders, so that neither may come from a submission
/// unescaped (sections 3.11.5 and 3.11.6); and a viewer in a terminal would obey control characters.
fn plain(text: &str) -> String {
    let text = escape::block(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            c => out.push(c),
        }
    }
    out
}

/// SARIF forbids empty texts in most places.
fn filled<'a>(text: &'a str, instead: &'a str) -> &'a str {
    if text.trim().is_empty() {
        instead
    } else {
        text
    }
}

/// Where: code-scanning tools want a file and a line for every result. A finding in the image points to the Dockerfile
/// that made it, at the first related line if there is one, and names the path in the image beside it.
fn location(report: &Report, place: Option<&PlaceReport>, options: &Options) -> Value {
    if let Some(PlaceReport::Text {
        file,
        line,
        column,
        end_line,
        end_column,
        ..
    }) = place
    {
        return json!({ "physicalLocation": {
            "artifactLocation": artifact(report, file, options),
            "region": region(*line, *column, *end_line, *end_column),
        } });
    }
    let mut location = json!({ "physicalLocation": {
        "artifactLocation": artifact(report, dockerfile(report), options),
        "region": { "startLine": 1 },
    } });
    if let Some(PlaceReport::Image {
        path: Some(path), ..
    }) = place
    {
        location["logicalLocations"] =
            json!([{ "fullyQualifiedName": escape::line(filled(path, "/")), "kind": "resource" }]);
    }
    location
}

/// The Dockerfile that the report's findings speak of.
fn dockerfile(report: &Report) -> &str {
    let places = report.checks.iter().filter_map(|c| c.place.as_ref());
    places
        .filter_map(|p| match p {
            PlaceReport::Text { file, .. } if file.to_lowercase().contains("dockerfile") => {
                Some(file.as_str())
            }
            _ => None,
        })
        .next()
        .unwrap_or("Dockerfile")
}

fn artifact(report: &Report, file: &str, options: &Options) -> Value {
    json!({ "uri": escape::uri_path(&options.path(report, file)) })
}

fn region(line: usize, column: usize, end_line: usize, end_column: usize) -> Value {
    json!({
        "startLine": line.max(1),
        "startColumn": column.max(1),
        "endLine": end_line.max(1),
        "endColumn": end_column.max(1),
    })
}

fn changes(report: &Report, fix: &FixReport, options: &Options) -> Value {
    let mut files: Vec<(&str, Vec<Value>)> = Vec::new();
    for edit in &fix.edits {
        let file = edit.edit.file.as_str();
        let replacement = replacement(edit);
        match files.iter_mut().find(|(f, _)| *f == file) {
            Some((_, all)) => all.push(replacement),
            None => files.push((file, vec![replacement])),
        }
    }
    let changes: Vec<Value> = files
        .into_iter()
        .map(|(file, replacements)| {
            json!({ "artifactLocation": artifact(report, file, options), "replacements": replacements })
        })
        .collect();
    json!({
        "description": { "text": plain(&format!("{} ({})", fix.title, words::verified(fix.verified))) },
        "artifactChanges": changes,
    })
}

fn replacement(edit: &EditReport) -> Value {
    let region = region(edit.line, edit.column, edit.end_line, edit.end_column);
    let mut replacement = json!({ "deletedRegion": region });
    if !edit.edit.text.is_empty() {
        replacement["insertedContent"] = json!({ "text": edit.edit.text });
    }
    replacement
}
