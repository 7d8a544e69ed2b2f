//! A stored try at a lab, with the verdict that it must get.

use schemars::JsonSchema;
use serde::Deserialize;

use super::definition::parse_toml;
use super::error::LabError;
use super::{Folder, Lab};
use crate::source::Source;

/// A right or wrong try at a lab.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its folder's name.
    pub name: String,
    /// `expected.toml`.
    pub expected: Expected,
    /// The whole workspace folder: the base's files, without those removed, with the attempt's own over them.
    pub files: Folder,
}

/// `expected.toml`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expected {
    /// What the attempt's files are laid over.
    pub base: AttemptBase,
    /// Files of the base that are not there.
    #[serde(default)]
    pub remove: Vec<String>,
    /// What must come of it.
    pub outcome: ExpectedOutcome,
    /// Keys of exactly those checks that fail.
    #[serde(default)]
    pub fails: Vec<String>,
    /// Keys of exactly those checks that are not reached.
    #[serde(default)]
    pub skipped: Vec<String>,
    /// Engine features without which the attempt is not built.
    #[serde(default)]
    pub requires: Vec<String>,
    /// One line on what it shows.
    pub why: String,
}

/// What an attempt is laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptBase {
    /// The lab's solution.
    Solution,
    /// The lab's starter.
    Starter,
}

/// What must come of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedOutcome {
    /// Every check passes.
    Passed,
    /// The checks in [`Expected::fails`] fail.
    Failed,
}

impl Lab {
    /// The lab's attempts, by name.
    ///
    /// # Errors
    /// An attempt's `expected.toml` is missing or wrong, or names a check that the lab has not.
    pub fn attempts(&self) -> Result<Vec<Attempt>, Vec<LabError>> {
        let mut names: Vec<&str> = self
            .files
            .keys()
            .filter_map(|p| p.strip_prefix("attempts/")?.split_once('/'))
            .map(|(n, _)| n)
            .collect();
        names.dedup();
        let mut attempts = Vec::new();
        let mut errors = Vec::new();
        for name in names {
            match self.attempt(name) {
                Ok(attempt) => attempts.push(attempt),
                Err(e) => errors.push(e),
            }
        }
        if errors.is_empty() {
            Ok(attempts)
        } else {
            Err(errors)
        }
    }

    fn attempt(&self, name: &str) -> Result<Attempt, LabError> {
        let mut own = self.subfolder(&format!("attempts/{name}"));
        let path = format!(
            "{:02}-{}/attempts/{name}/expected.toml",
            self.number, self.slug
        );
        let Some(file) = own.remove("expected.toml") else {
            return Err(LabError::new(
                &path,
                "expected.toml is missing",
                "It says what verdict the attempt must get.",
            ));
        };
        own.remove("report.json");
        let source = Source::new(path, file.bytes.as_ref());
        let expected: Expected = parse_toml(&source, &source.text())?;
        for key in expected.fails.iter().chain(&expected.skipped) {
            if !self.definition.check.iter().any(|c| c.key() == key) {
                let help = "The keys are those of lab.toml's checks.";
                return Err(LabError::at(
                    &source,
                    None,
                    format!("the lab has no check `{key}`"),
                    help,
                ));
            }
        }
        if expected.fails.is_empty() != (expected.outcome == ExpectedOutcome::Passed) {
            let help = "An attempt fails when, and only when, it lists the checks that fail.";
            return Err(LabError::at(
                &source,
                None,
                "`outcome` and `fails` contradict each other",
                help,
            ));
        }
        let mut files = match expected.base {
            AttemptBase::Solution => self.solution(),
            AttemptBase::Starter => self.starter(),
        };
        for path in &expected.remove {
            if files.remove(path).is_none() {
                let help =
                    format!("`remove` names files of the {:?}.", expected.base).to_lowercase();
                return Err(LabError::at(
                    &source,
                    None,
                    format!("there is no {path} to remove"),
                    help,
                ));
            }
        }
        files.extend(own);
        Ok(Attempt {
            name: name.to_owned(),
            expected,
            files,
        })
    }
}
