//! `lab.toml`: its tables, and what must hold between them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::LabError;
use crate::diagnostic::did_you_mean;
use crate::source::{Source, Span};
use crate::units::Millis;

/// `lab.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Definition {
    /// Version of this format: 1.
    pub schema: u32,
    /// The lab's title.
    pub title: String,
    /// The lesson it belongs to: `node`, `python`, `go`, `react`, …
    pub lesson: String,
    /// Not finished: learners do not see it, and `mslab verify` says what is still to do.
    #[serde(default)]
    pub draft: bool,
    /// How hints are given.
    #[serde(default)]
    pub hints: Hints,
    /// Dependencies are vendored and builds run without a network.
    #[serde(default)]
    pub offline: bool,
    /// Wall time of one build.
    #[serde(default = "default_time_limit")]
    pub time_limit: Millis,
    /// Whose files are whose.
    #[serde(default)]
    pub files: FilesTable,
    /// What is built.
    #[serde(default)]
    pub build: Vec<BuildTable>,
    /// What is checked, in the order in which learners see it.
    #[serde(default)]
    pub check: Vec<CheckTable>,
    /// What the starter must fail.
    #[serde(default)]
    pub starter: StarterTable,
}

fn default_time_limit() -> Millis {
    Millis(300_000)
}

/// How hints are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hints {
    /// `mslab check` shows the diff at once.
    #[default]
    Diff,
    /// `mslab hint` shows more each time: nudge, place, diff.
    Progressive,
}

/// `[files]`
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FilesTable {
    /// Files and folders that the learner may change; all else is the lab's own when graded.
    #[serde(default = "default_learner")]
    pub learner: Vec<String>,
    /// Dependency manifests and lock files: paths or globs.
    #[serde(default)]
    pub manifests: Vec<String>,
    /// Files of the starter that a repository cannot store: path in the workspace, and the lab's file it comes from.
    #[serde(default)]
    pub generate: BTreeMap<String, String>,
}

fn default_learner() -> Vec<String> {
    vec!["Dockerfile".into(), ".dockerignore".into()]
}

impl Default for FilesTable {
    fn default() -> Self {
        Self {
            learner: default_learner(),
            manifests: Vec::new(),
            generate: BTreeMap::new(),
        }
    }
}

/// `[[build]]`
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BuildTable {
    /// The name that checks use.
    pub key: String,
    /// Path of the Dockerfile in the learner's folder.
    #[serde(default = "default_dockerfile")]
    pub dockerfile: String,
    /// Names of the target stage: the first that exists is built; `@last` is the file's last stage.
    #[serde(default = "default_target")]
    pub target: Vec<String>,
    /// Platforms, one build each: `linux/arm64`. Empty for the engine's own.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// Build arguments. `{canary}` in a value becomes the random text that the secrets have, so that a Dockerfile that
    /// takes its secret as an argument works, and is found out.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    /// Secrets by id. The only value is `canary`: a random text that the checks search for.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
}

fn default_dockerfile() -> String {
    "Dockerfile".into()
}

fn default_target() -> Vec<String> {
    vec!["@last".into()]
}

/// `[[check]]`
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckTable {
    /// Which check.
    pub id: String,
    /// Its name in this lab and in every report; the id where none is given.
    #[serde(default)]
    pub key: Option<String>,
    /// The build that it judges; the first where none is given.
    #[serde(default)]
    pub build: Option<String>,
    /// What it earns.
    pub points: u32,
    /// The first hint: a question that makes the learner look.
    #[serde(default)]
    pub nudge: Option<String>,
    /// The check's own parameters.
    #[serde(flatten)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub params: toml::Table,
}

impl CheckTable {
    /// The key in force.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.id)
    }
}

/// `[starter]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StarterTable {
    /// Keys of exactly those checks that fail on the starter.
    #[serde(default)]
    pub fails: Vec<String>,
    /// Keys of exactly those checks that are not reached on the starter.
    #[serde(default)]
    pub skipped: Vec<String>,
}

impl Definition {
    /// Reads `lab.toml`.
    ///
    /// # Errors
    /// It is no TOML, a key is unknown or missing, or two tables contradict each other. Parameters of checks are
    /// looked at later, by [`crate::plan::Plan::new`].
    pub fn parse(source: &Source) -> Result<Self, Vec<LabError>> {
        let text = source.text();
        let definition: Self = parse_toml(source, &text).map_err(|e| vec![e])?;
        let errors = definition.contradictions(source);
        if errors.is_empty() {
            Ok(definition)
        } else {
            Err(errors)
        }
    }

    fn contradictions(&self, source: &Source) -> Vec<LabError> {
        let text = source.text();
        let mut errors = Vec::new();
        let mut error = |word: &str, message: String, help: &str| {
            errors.push(LabError::at(
                source,
                find_quoted(&text, word),
                message,
                help,
            ));
        };
        if self.schema != 1 {
            error(
                "schema",
                format!("schema {} is not known", self.schema),
                "This mslab reads schema = 1.",
            );
        }
        let builds: Vec<&str> = self.build.iter().map(|b| b.key.as_str()).collect();
        let keys: Vec<&str> = self.check.iter().map(CheckTable::key).collect();
        if self.build.is_empty() {
            error(
                "build",
                "there is no [[build]]".into(),
                "Say what is built; checks refer to it by its key.",
            );
        }
        if self.check.is_empty() {
            error(
                "check",
                "there is no [[check]]".into(),
                "A lab without checks would pass everything.",
            );
        }
        for (i, key) in builds.iter().enumerate() {
            if builds[..i].contains(key) {
                error(
                    key,
                    format!("two builds have the key `{key}`"),
                    "Give each its own key.",
                );
            }
        }
        for (i, key) in keys.iter().enumerate() {
            if keys[..i].contains(key) {
                error(
                    key,
                    format!("two checks have the key `{key}`"),
                    "Give one of them a `key` of its own.",
                );
            }
        }
        for check in &self.check {
            if let Some(build) = check.build.as_deref().filter(|b| !builds.contains(b)) {
                let help = suggestion(build, &builds);
                error(
                    build,
                    format!(
                        "check `{}` names the build `{build}`, which does not exist",
                        check.key()
                    ),
                    &help,
                );
            }
        }
        for key in self.starter.fails.iter().chain(&self.starter.skipped) {
            if !keys.contains(&key.as_str()) {
                error(
                    key,
                    format!("[starter] names the check `{key}`, which does not exist"),
                    &suggestion(key, &keys),
                );
            }
        }
        for (id, value) in self.build.iter().flat_map(|b| &b.secrets) {
            if value != "canary" {
                let help = "Write \"canary\": mslab makes a random value and searches for it.";
                error(
                    value,
                    format!("secret `{id}` has the value `{value}`"),
                    help,
                );
            }
        }
        let points: u32 = self.check.iter().map(|c| c.points).sum();
        if points != 100 && !self.check.is_empty() {
            error(
                "points",
                format!("the points add up to {points}"),
                "A lab's points add up to 100.",
            );
        }
        errors
    }
}

fn suggestion(word: &str, known: &[&str]) -> String {
    match did_you_mean(word, known.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("There are: {}.", known.join(", ")),
    }
}

/// The first place where `word` stands in quotes or as a key: near enough for an author to look at.
fn find_quoted(text: &str, word: &str) -> Option<Span> {
    let quoted = format!("\"{word}\"");
    let found = text
        .find(&quoted)
        .map(|i| Span::new(i + 1, i + 1 + word.len()));
    found.or_else(|| text.find(word).map(|i| Span::new(i, i + word.len())))
}

/// Reads TOML into a type whose unknown keys are errors, with a place and a suggestion.
pub(crate) fn parse_toml<T: serde::de::DeserializeOwned>(
    source: &Source,
    text: &str,
) -> Result<T, LabError> {
    toml::from_str(text).map_err(|e| {
        let span = e.span().map(|s| Span::new(s.start, s.end));
        let message = e.message().replace('\n', " ");
        let help = unknown_field_help(&message).unwrap_or_default();
        LabError::at(source, span, message, help)
    })
}

/// From serde's "unknown field `a`, expected one of `b`, `c`" a suggestion.
fn unknown_field_help(message: &str) -> Option<String> {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = names.split_first()?;
    if !message.starts_with("unknown ") {
        return None;
    }
    did_you_mean(unknown, known.iter().copied()).map(|near| format!("Did you mean `{near}`?"))
}
