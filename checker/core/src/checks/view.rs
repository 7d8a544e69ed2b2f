//! What one check sees: the evidence, from the place of the build that it judges.

use std::collections::BTreeSet;

use super::Check as _;
use super::copy_from_named_stage::CopyFromNamedStage;
use crate::diagnostic::{Finding, Place};
use crate::dockerfile::Instruction;
use crate::evidence::{
    BuildEvidence, BuildOutcome, Built, Evidence, Extra, PlatformImage, SourceEvidence, Unseen,
};
use crate::image::Image;
use crate::plan::{Plan, PlannedBuild, PlannedCheck};
use crate::source::Span;
use crate::stages::Stage;

/// The evidence as one check sees it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// All evidence.
    pub evidence: &'a Evidence,
    /// The check's key, under which its own extra evidence is found.
    pub key: &'a str,
    /// The build that the check judges.
    pub build: &'a PlannedBuild,
    /// The lab's dependency manifests, such as `go.mod`: paths or globs.
    pub manifests: &'a [String],
    /// Whether `copy-from-named-stage` judges the same text: it says more of a misspelt `--from` than `builds` does.
    pub copies_judged: bool,
}

impl<'a> View<'a> {
    /// The evidence as a check of `plan` sees it.
    #[must_use]
    pub fn new(plan: &'a Plan, check: &'a PlannedCheck, evidence: &'a Evidence) -> Self {
        Self {
            evidence,
            key: &check.key,
            build: plan.build_of(check),
            manifests: &plan.manifests,
            copies_judged: plan
                .checks
                .iter()
                .any(|c| c.check.id() == CopyFromNamedStage::ID),
        }
    }

    /// The build's Dockerfile.
    ///
    /// # Errors
    /// The file is not there, or it does not parse: the check is skipped, because `builds` reports that.
    pub fn source(&self) -> Result<&'a SourceEvidence, Unseen> {
        if let Some(reason) = &self.evidence.text_left_out {
            return Err(Unseen::Skipped(reason.clone()));
        }
        let path = &self.build.dockerfile;
        let Some(source) = self.evidence.dockerfiles.get(path) else {
            return Err(Unseen::Skipped(format!("there is no {path}")));
        };
        if source.dockerfile.errors.is_empty() {
            Ok(source)
        } else {
            Err(Unseen::Skipped(format!("{path} does not parse")))
        }
    }

    /// The stage that the build's target names: the first of the lab's names that exists.
    ///
    /// # Errors
    /// There is no such stage, or no readable Dockerfile.
    pub fn target(&self) -> Result<&'a Stage, Unseen> {
        let source = self.source()?;
        let names = self.build.target.iter().map(String::as_str);
        source.graph.find_first(names).ok_or_else(|| {
            Unseen::Skipped(format!(
                "there is no stage called {}",
                self.build.target_names()
            ))
        })
    }

    /// Indexes of the stages that the target needs, itself included: the only ones that are judged.
    ///
    /// # Errors
    /// See [`View::target`].
    pub fn reachable(&self) -> Result<BTreeSet<usize>, Unseen> {
        Ok(self.source()?.graph.reachable(self.target()?.index))
    }

    /// Indexes of the target and the stages it starts from, lowest first: the stages whose config it inherits.
    ///
    /// # Errors
    /// See [`View::target`].
    pub fn lineage(&self) -> Result<Vec<&'a Stage>, Unseen> {
        let graph = &self.source()?.graph;
        let mut at = self.target()?;
        let mut line = vec![at];
        while let crate::stages::Base::Stage(i) = at.base {
            match graph.stages.get(i) {
                Some(next) if next.index < at.index => at = next,
                _ => break,
            }
            line.push(at);
        }
        line.reverse();
        Ok(line)
    }

    /// A stage's instructions, the `FROM` included, each with its index in the file.
    ///
    /// # Errors
    /// See [`View::source`].
    pub fn instructions(&self, stage: &Stage) -> Result<Vec<(usize, &'a Instruction)>, Unseen> {
        let all = &self.source()?.dockerfile.instructions;
        Ok(stage
            .instructions
            .clone()
            .filter_map(|i| all.get(i).map(|x| (i, x)))
            .collect())
    }

    /// A place in the build's Dockerfile.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        Place::text(self.build.dockerfile.clone(), span)
    }

    /// What is known of the build.
    ///
    /// # Errors
    /// It was not tried.
    pub fn outcome(&self) -> Result<&'a BuildOutcome, Unseen> {
        self.build_evidence()?.outcome.seen()
    }

    /// The build, if it succeeded.
    ///
    /// # Errors
    /// It failed (then `builds` says so and this check is not reached), or it was not tried.
    pub fn built(&self) -> Result<&'a Built, Unseen> {
        match self.outcome()? {
            BuildOutcome::Built(built) => Ok(built),
            BuildOutcome::Failed(_) => Err(Unseen::Skipped("not reached: the build failed".into())),
        }
    }

    /// The images of the check's build: one for each platform of the lab, at least one.
    ///
    /// # Errors
    /// The build failed or was not tried.
    pub fn images(&self) -> Result<&'a [PlatformImage], Unseen> {
        self.built()?;
        Ok(&self.build_evidence()?.images)
    }

    /// The first of [`View::images`], with what is known of its base.
    ///
    /// # Errors
    /// The build failed or was not tried.
    pub fn first_image(&self) -> Result<&'a PlatformImage, Unseen> {
        self.images()?
            .first()
            .ok_or_else(|| Unseen::Failed("the build gave no image".into()))
    }

    /// The image of the check's build; of several platforms the first.
    ///
    /// # Errors
    /// It was not read, or the build failed.
    pub fn image(&self) -> Result<&'a Image, Unseen> {
        self.first_image()?.image.seen().map(AsRef::as_ref)
    }

    /// The image of another build of the lab.
    ///
    /// # Errors
    /// It was not read, or its build failed.
    pub fn other_image(&self, key: &str) -> Result<&'a Image, Unseen> {
        let Some(other) = self.evidence.builds.get(key) else {
            return Err(Unseen::Failed(format!("the lab has no build `{key}`")));
        };
        match other.outcome.seen()? {
            BuildOutcome::Failed(_) => Err(Unseen::Skipped(format!(
                "not reached: the build `{key}` failed"
            ))),
            BuildOutcome::Built(_) => {
                let first = other
                    .images
                    .first()
                    .ok_or_else(|| Unseen::Failed("the build gave no image".into()))?;
                first.image.seen().map(AsRef::as_ref)
            }
        }
    }

    /// What was seen for this check alone: its probe, its sabotaged or second build.
    ///
    /// # Errors
    /// It was not looked at.
    pub fn extra(&self) -> Result<&'a Extra, Unseen> {
        self.evidence
            .extras
            .get(self.key)
            .ok_or_else(|| Unseen::Skipped("not looked at".into()))?
            .seen()
    }

    /// The canaries that the check's build was given, by secret id.
    ///
    /// # Errors
    /// See [`View::outcome`].
    pub fn secrets(&self) -> Result<&'a [(String, String)], Unseen> {
        Ok(&self.build_evidence()?.secrets)
    }

    /// A finding that points at `span` of the build's Dockerfile.
    #[must_use]
    pub fn finding(&self, message: impl Into<String>, span: Span) -> Finding {
        Finding::new(message).at(self.place(span))
    }

    fn build_evidence(&self) -> Result<&'a BuildEvidence, Unseen> {
        let key = &self.build.key;
        self.evidence
            .builds
            .get(key)
            .ok_or_else(|| Unseen::Skipped(format!("`{key}` was not built")))
    }
}
