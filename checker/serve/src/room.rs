//! What the server serves: a learner's exercises, and what judges them. The command line implements it with its own
//! pipeline, tests with what they need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use mslab_core::image::inspect::Inspection;
use tokio_util::sync::CancellationToken;

use crate::api::{
    Examined, ExerciseSummary, Goal, HintGiven, HintStyle, Problem, ResetDone, Shown, Solution,
};
use crate::files::Place;
use crate::run::Teller;

/// What a room's questions answer.
pub type Answer<T> = Result<T, Problem>;

/// A learner's exercises. Questions may take a while: they are asked on threads that may wait.
pub trait Room: Send + Sync + 'static {
    /// The workspace's folder.
    fn root(&self) -> &Path;

    /// Every exercise, in the order of the course; [`ExerciseSummary::page`] is the server's to fill in.
    fn course(&self) -> Answer<Vec<ExerciseSummary>>;

    /// Where an exercise's files are. Makes its folder from the starter if it is not there.
    fn place(&self, exercise: &str) -> Answer<Place>;

    /// The file that holds an exercise's newest report, there or not.
    fn report_path(&self, exercise: &str) -> Option<PathBuf>;

    /// What is known of an exercise.
    fn about(&self, exercise: &str) -> Answer<About>;

    /// What the text shows, with unsaved texts in the place of files; `None` for a file that is gone.
    fn examine(
        &self,
        exercise: &str,
        unsaved: &BTreeMap<String, Option<String>>,
    ) -> Answer<Examined>;

    /// One level more of a failed check's hints: of the one called `key`, or of the first.
    fn hint(&self, exercise: &str, key: Option<&str>) -> Answer<HintGiven>;

    /// Puts the starter back.
    fn reset(&self, exercise: &str) -> Answer<ResetDone>;

    /// The reference solution, after a pass or with `spoil`.
    fn solution(&self, exercise: &str, spoil: bool) -> Answer<Solution>;

    /// Checks what is on the disk, and keeps what came of it. A cancelled token ends it soon, and leaves nothing behind.
    fn check(
        self: Arc<Self>,
        exercise: String,
        tell: Arc<Teller>,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Answer<Checked>>;
}

/// What is known of an exercise.
#[derive(Debug, Clone)]
pub struct About {
    /// Its line of the list.
    pub summary: ExerciseSummary,
    /// The newest report that was kept.
    pub report: Option<Shown>,
    /// Whether one of the learner's files was changed after it.
    pub changed_since_report: bool,
    /// What the builds should come to.
    pub goals: Vec<Goal>,
    /// How the lab gives hints.
    pub hints: HintStyle,
}

/// What came of a check.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The report, with hints as open as the learner has them.
    pub shown: Shown,
    /// Where the bytes of each build's image are, by the build's key.
    pub images: BTreeMap<String, Inspection>,
}
