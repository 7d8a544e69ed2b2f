//! The report's types. Their JSON schema is committed as `schema/report.v1.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Edit, Files, Fix};

/// What came of one exercise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `mslab/report/v1`.
    pub schema: String,
    /// `exercise-5`; `file` for a Dockerfile that belongs to no exercise.
    pub exercise: String,
    /// The lab's slug; empty for a Dockerfile that belongs to no exercise.
    pub lab: String,
    /// The lab's title, or the file's path.
    pub title: String,
    /// What came of it as a whole.
    pub outcome: Outcome,
    /// Points earned.
    pub score: u32,
    /// Points that could be earned: checks skipped on purpose do not count.
    pub max_score: u32,
    /// The engine that was asked; `null` where none was needed.
    pub engine: Option<EngineReport>,
    /// The builds, in the lab's order.
    pub builds: Vec<BuildReport>,
    /// Whether checks were skipped on purpose, by `--static` or `--image`.
    pub partial: bool,
    /// Stand-in images that took the place of base images.
    #[serde(default)]
    pub stand_ins: Vec<String>,
    /// The checks, in the lab's order.
    pub checks: Vec<CheckReport>,
    /// Wall time of the whole.
    pub duration_ms: u64,
}

/// What came of an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing failed, nothing errored, at least one check passed.
    Passed,
    /// A check failed.
    Failed,
    /// Something could not be looked at, for a reason that is not the learner's; or nothing was looked at.
    Error,
}

/// The engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineReport {
    /// `Docker` or `Podman`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `overlay2`, `containerd`, …
    pub image_store: String,
    /// `linux/amd64`.
    pub platform: String,
}

/// One build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BuildReport {
    /// Its key in the lab.
    pub key: String,
    /// The stage that was built.
    pub target: Option<String>,
    /// The platform, where the lab names one.
    pub platform: Option<String>,
    /// The image, where there is one.
    pub image_id: Option<String>,
    /// Wall time.
    pub duration_ms: u64,
    /// Steps of the build.
    pub steps: u32,
    /// Steps that came from the cache.
    pub cached_steps: u32,
    /// The image's size, where it was read.
    pub size: Option<ImageSize>,
}

/// An image's size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageSize {
    /// Sum of the regular files over the unpacked layers, a hard link counted once in its layer.
    pub unpacked_bytes: u64,
    /// Bytes that a registry would send, where they are known.
    pub compressed_bytes: Option<u64>,
    /// How it was measured: always `layers`.
    pub basis: String,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// Unique in the lab and stable.
    pub key: String,
    /// Which check.
    pub id: String,
    /// The build that it judges.
    pub build: Option<String>,
    /// The check's title.
    pub title: String,
    /// What it asks with the lab's parameters: `at most 15 MB`.
    pub summary: String,
    /// Its verdict.
    pub status: Status,
    /// Points earned.
    pub points: u32,
    /// Points that can be earned.
    pub max_points: u32,
    /// What was seen, or why nothing was.
    pub message: String,
    /// Where.
    pub place: Option<PlaceReport>,
    /// Further places.
    #[serde(default)]
    pub related: Vec<RelatedReport>,
    /// What was wanted.
    pub expected: Option<String>,
    /// What was found.
    pub actual: Option<String>,
    /// Why it matters: one sentence.
    pub why: String,
    /// What to do.
    pub help: Option<String>,
    /// Lines of evidence.
    #[serde(default)]
    pub details: Vec<String>,
    /// A way to mend it that was tried on a copy.
    pub fix: Option<FixReport>,
    /// How much of the hints is shown; `null` for a check that did not fail.
    pub hint: Option<Hint>,
}

/// A check's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It was not looked at on purpose, or not reached.
    Skipped,
    /// It could not be looked at.
    Error,
}

/// A place in a file or in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PlaceReport {
    /// Words of a file; lines and columns begin at 1, columns count Unicode characters, the end is exclusive.
    Text {
        /// The file's path in the workspace folder.
        file: String,
        /// Line of the first character.
        line: usize,
        /// Column of the first character.
        column: usize,
        /// Line of the end.
        end_line: usize,
        /// Column one past the last character.
        end_column: usize,
        /// The lines themselves, for people.
        snippet: Vec<String>,
    },
    /// Something in an image.
    Image {
        /// Index of the layer, lowest first.
        layer: Option<usize>,
        /// Path in the image.
        path: Option<String>,
    },
}

/// A further place with a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RelatedReport {
    /// Where.
    pub place: PlaceReport,
    /// What is there.
    pub note: String,
}

/// A fix that was applied to a copy and judged again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FixReport {
    /// What it does.
    pub title: String,
    /// How it was tried.
    pub verified: Verified,
    /// Unified diff of the learner's files.
    pub diff: String,
    /// The edits, each with its place in the file as it is.
    pub edits: Vec<EditReport>,
}

/// One edit of a fix: its bytes, and the same place in lines and columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EditReport {
    /// File, bytes and new text.
    #[serde(flatten)]
    pub edit: Edit,
    /// Line of the first character that goes, from 1.
    pub line: usize,
    /// Its column in Unicode characters, from 1.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column one past the last character that goes.
    pub end_column: usize,
}

/// How a fix was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verified {
    /// Applied, parsed and judged by the checks that read text.
    Text,
    /// Built, too, and judged by all checks.
    Build,
}

/// How far a check's hints are open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hint {
    /// 1: the nudge; 2: the place with expected and found; 3: the diff.
    pub level: u8,
    /// The lab's question that makes the learner look.
    pub nudge: Option<String>,
}

impl FixReport {
    /// A fix of `files` as the report carries it.
    #[must_use]
    pub fn new(fix: &Fix, files: &Files, verified: Verified) -> Self {
        Self {
            title: fix.title.clone(),
            verified,
            diff: fix.diff(files),
            edits: fix
                .edits
                .iter()
                .map(|edit| EditReport::new(edit, files))
                .collect(),
        }
    }

    /// The fix itself, ready to be applied.
    #[must_use]
    pub fn to_fix(&self) -> Fix {
        Fix {
            title: self.title.clone(),
            edits: self.edits.iter().map(|e| e.edit.clone()).collect(),
        }
    }
}

impl EditReport {
    /// An edit with its place in `files`; a file that is not there yet begins at line 1, column 1.
    #[must_use]
    pub fn new(edit: &Edit, files: &Files) -> Self {
        let place = |offset| {
            let source = files.get(&edit.file);
            source.map_or((1, 1), |s| {
                let position = s.position(offset);
                (position.line, position.column)
            })
        };
        let (line, column) = place(edit.span.start);
        let (end_line, end_column) = place(edit.span.end);
        Self {
            edit: edit.clone(),
            line,
            column,
            end_line,
            end_column,
        }
    }
}

impl Report {
    /// How many checks have this verdict.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|c| c.status == status).count()
    }

    /// The outcome that these checks make: `error` wins over `failed`, and nothing seen is no pass.
    #[must_use]
    pub fn outcome_of(checks: &[CheckReport]) -> Outcome {
        let any = |status| checks.iter().any(|c| c.status == status);
        if any(Status::Error) {
            Outcome::Error
        } else if any(Status::Failed) {
            Outcome::Failed
        } else if any(Status::Passed) {
            Outcome::Passed
        } else {
            Outcome::Error
        }
    }

    /// Closes hints: of a failed check only what `level` opens stays in the report, so that every output agrees.
    pub fn close_hints(&mut self, level: impl Fn(&str) -> u8) {
        for check in &mut self.checks {
            let Some(hint) = &mut check.hint else {
                continue;
            };
            hint.level = level(&check.key).clamp(1, 3);
            if hint.level < 3 {
                check.fix = None;
            }
            if hint.level < 2 {
                check.place = None;
                check.related.clear();
                check.expected = None;
                check.actual = None;
                check.help = None;
                check.details.clear();
            }
        }
    }
}
