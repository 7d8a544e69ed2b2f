//! A lab and the registry of checks made into bound checks and the evidence that they need.

use std::collections::BTreeMap;

use crate::checks::{self, BoundCheck};
use crate::diagnostic::{Files, did_you_mean};
use crate::evidence::Need;
use crate::lab::{BuildTable, Lab, LabError};
use crate::source::Source;
use crate::units::Millis;

/// The checks that make sense for any Dockerfile and need nothing but its text.
pub const GENERAL: &[&str] = &[
    "builds",
    "copy-from-named-stage",
    "base-pinned",
    "no-secret-in-source",
    "exec-form",
];

/// What will be built and judged.
pub struct Plan {
    /// The builds, by key in the order of the lab.
    pub builds: Vec<PlannedBuild>,
    /// The checks, in the order of the lab.
    pub checks: Vec<PlannedCheck>,
    /// Dependency manifests: paths or globs.
    pub manifests: Vec<String>,
    /// The reference solution's files of those that the learner may change; empty where there is none.
    pub solution: Files,
    /// Wall time of one build.
    pub time_limit: Millis,
    /// Whether builds run without a network.
    pub offline: bool,
}

/// One build of a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedBuild {
    /// Its key.
    pub key: String,
    /// Path of the Dockerfile in the learner's folder.
    pub dockerfile: String,
    /// Names of the target; the first that is a stage counts; `@last` is the last stage.
    pub target: Vec<String>,
    /// Platforms; empty for the engine's own.
    pub platforms: Vec<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Ids of the secrets that it is given.
    pub secrets: Vec<String>,
}

impl PlannedBuild {
    /// Whether it is given the canary, as a secret or in an argument, and so can leak it.
    #[must_use]
    pub fn knows_canary(&self) -> bool {
        !self.secrets.is_empty() || self.args.values().any(|v| v.contains("{canary}"))
    }

    /// The target's names for people: `production or runtime`.
    #[must_use]
    pub fn target_names(&self) -> String {
        let names: Vec<&str> = self
            .target
            .iter()
            .filter(|t| *t != "@last")
            .map(String::as_str)
            .collect();
        if names.is_empty() {
            "the last stage".into()
        } else {
            names.join(" or ")
        }
    }
}

impl From<&BuildTable> for PlannedBuild {
    fn from(b: &BuildTable) -> Self {
        Self {
            key: b.key.clone(),
            dockerfile: b.dockerfile.clone(),
            target: b.target.clone(),
            platforms: b.platforms.clone(),
            args: b.args.clone(),
            secrets: b.secrets.keys().cloned().collect(),
        }
    }
}

/// One check of a lab, with its parameters.
pub struct PlannedCheck {
    /// Unique in the lab.
    pub key: String,
    /// Which check.
    pub check: &'static dyn checks::AnyCheck,
    /// With the lab's parameters.
    pub bound: Box<dyn BoundCheck>,
    /// Names of the parameters that the lab gives, in kebab case.
    pub given: Vec<String>,
    /// Index in [`Plan::builds`] of the build that it judges.
    pub build: usize,
    /// What it earns.
    pub points: u32,
    /// The first hint.
    pub nudge: Option<String>,
}

impl Plan {
    /// The plan of a lab.
    ///
    /// # Errors
    /// A check is unknown, or a parameter is: each with its place in `lab.toml` and a suggestion.
    pub fn new(lab: &Lab) -> Result<Self, Vec<LabError>> {
        let definition = &lab.definition;
        let mut planned = Vec::new();
        let mut errors = Vec::new();
        for (n, table) in definition.check.iter().enumerate() {
            let place = |word: &str| nth_check(&lab.source.text(), n, word);
            let Some(check) = checks::find(&table.id) else {
                let ids = checks::ALL.iter().map(|c| c.id());
                let help = match did_you_mean(&table.id, ids) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => "`mslab explain` lists the checks.".into(),
                };
                let message = format!("there is no check `{}`", table.id);
                errors.push(LabError::at(&lab.source, place(&table.id), message, help));
                continue;
            };
            let build = match &table.build {
                None => 0,
                Some(key) => definition
                    .build
                    .iter()
                    .position(|b| b.key == *key)
                    .unwrap_or(0),
            };
            match check.bind(&table.params) {
                Ok(bound) => planned.push(PlannedCheck {
                    key: table.key().to_owned(),
                    check,
                    bound,
                    given: table.params.keys().cloned().collect(),
                    build,
                    points: table.points,
                    nudge: table.nudge.clone(),
                }),
                Err(e) => {
                    let word = e.param.as_deref().unwrap_or(&table.id);
                    errors.push(LabError::at(
                        &lab.source,
                        place(word),
                        e.message.clone(),
                        e.help.unwrap_or_default(),
                    ));
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            builds: definition.build.iter().map(PlannedBuild::from).collect(),
            checks: planned,
            manifests: definition.files.manifests.clone(),
            solution: solution_files(lab),
            time_limit: definition.time_limit,
            offline: definition.offline,
        })
    }

    /// A plan for any Dockerfile that belongs to no lab: the checks in [`GENERAL`] with their defaults, and `builds`
    /// for what the text alone shows to be refused.
    #[must_use]
    pub fn general(dockerfile: &str) -> Self {
        let bind = |id: &&str| {
            let check = checks::find(id)?;
            let bound = check.bind(&toml::Table::new()).ok()?;
            Some(PlannedCheck {
                key: (*id).to_owned(),
                check,
                bound,
                given: Vec::new(),
                build: 0,
                points: 0,
                nudge: None,
            })
        };
        let build = PlannedBuild {
            key: "file".into(),
            dockerfile: dockerfile.to_owned(),
            target: vec!["@last".into()],
            platforms: Vec::new(),
            args: BTreeMap::new(),
            secrets: Vec::new(),
        };
        Self {
            builds: vec![build],
            checks: GENERAL.iter().filter_map(bind).collect(),
            manifests: Vec::new(),
            solution: Files::new(),
            time_limit: Millis(0),
            offline: false,
        }
    }

    /// All that the checks need, each with the key of the check that needs it.
    pub fn needs(&self) -> impl Iterator<Item = (&PlannedCheck, Need)> {
        self.checks
            .iter()
            .flat_map(|c| c.bound.needs().into_iter().map(move |n| (c, n)))
    }

    /// The build that a check judges.
    #[must_use]
    pub fn build_of(&self, check: &PlannedCheck) -> &PlannedBuild {
        &self.builds[check.build]
    }
}

fn solution_files(lab: &Lab) -> Files {
    let files = lab.solution().into_iter();
    files
        .filter(|(path, _)| lab.is_learners(path))
        .map(|(path, file)| (path.clone(), Source::new(path, file.bytes.as_ref())))
        .collect()
}

/// Where `word` stands in the `n`th `[[check]]` of a `lab.toml`.
fn nth_check(text: &str, n: usize, word: &str) -> Option<crate::source::Span> {
    let table = text.match_indices("[[check]]").nth(n)?.0;
    let end = text[table + 2..]
        .find("\n[")
        .map_or(text.len(), |i| table + 2 + i);
    let at = table + text[table..end].find(word)?;
    Some(crate::source::Span::new(at, at + word.len()))
}
