//! A plan and its evidence made into verdicts, and every fix tried on a copy before anybody sees it.

mod solution;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::checks::{Verdict, View};
use crate::diagnostic::{Files, Finding, Fix, Place};
use crate::dockerfile;
use crate::evidence::{BuildOutcome, Evidence, Observed, SourceEvidence, Unseen};
use crate::plan::{Plan, PlannedBuild, PlannedCheck};
use crate::report::{
    BuildReport, CheckReport, FixReport, Hint, ImageSize, PlaceReport, RelatedReport, Report,
    SCHEMA, Status, Verified,
};
use crate::stages::{BuildOptions, StageGraph};

use solution::Becomes;

/// Reads every Dockerfile that the builds name and that is there.
#[must_use]
pub fn read_sources(
    files: &Files,
    builds: &[PlannedBuild],
) -> BTreeMap<String, Arc<SourceEvidence>> {
    let mut sources = BTreeMap::new();
    for build in builds {
        let Some(source) = files.get(&build.dockerfile) else {
            continue;
        };
        sources.entry(build.dockerfile.clone()).or_insert_with(|| {
            let dockerfile = dockerfile::parse(source.clone());
            let options = BuildOptions {
                build_args: build.args.clone(),
                ..BuildOptions::default()
            };
            let graph = StageGraph::build(&dockerfile, &options);
            Arc::new(SourceEvidence {
                path: build.dockerfile.clone(),
                dockerfile,
                graph,
            })
        });
    }
    sources
}

/// Judges every check of `plan` on `evidence`.
///
/// The report's exercise, title, engine, stand-ins and times are the caller's to fill in.
#[must_use]
pub fn judge(plan: &Plan, evidence: &Evidence) -> Report {
    let verdicts: Vec<_> = plan
        .checks
        .iter()
        .map(|c| c.bound.judge(&View::new(plan, c, evidence)))
        .collect();
    let trial = Trial {
        plan,
        evidence,
        verdicts: &verdicts,
        hunks: OnceCell::new(),
    };
    let checks: Vec<CheckReport> = plan
        .checks
        .iter()
        .zip(&verdicts)
        .map(|(c, v)| trial.check_report(c, v))
        .collect();
    let counted =
        |c: &&CheckReport| !(c.status == Status::Skipped && skipped_on_purpose(&c.message));
    Report {
        schema: SCHEMA.to_owned(),
        exercise: String::new(),
        lab: String::new(),
        title: String::new(),
        outcome: Report::outcome_of(&checks),
        score: checks.iter().map(|c| c.points).sum(),
        max_score: checks.iter().filter(counted).map(|c| c.max_points).sum(),
        engine: None,
        builds: plan
            .builds
            .iter()
            .flat_map(|b| build_reports(b, evidence))
            .collect(),
        partial: checks.iter().any(|c| !counted(&c)),
        stand_ins: Vec::new(),
        checks,
        duration_ms: 0,
    }
}

/// A verdict alone, without its place and its fixes: what can be said at once while other evidence is still gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The verdict.
    pub status: Status,
    /// What was seen, or why nothing was.
    pub message: String,
    /// Points earned.
    pub points: u32,
}

/// Judges one check of `plan` on the evidence that there is.
#[must_use]
pub fn glance(plan: &Plan, planned: &PlannedCheck, evidence: &Evidence) -> Glance {
    let (status, message) = match planned.bound.judge(&View::new(plan, planned, evidence)) {
        Ok(Verdict::Passed(message)) => (Status::Passed, message),
        Ok(Verdict::Failed(finding)) => (Status::Failed, finding.message),
        Err(Unseen::Skipped(reason)) => (Status::Skipped, reason),
        Err(Unseen::Failed(reason)) => (Status::Error, reason),
    };
    Glance {
        points: if status == Status::Passed {
            planned.points
        } else {
            0
        },
        status,
        message,
    }
}

/// The beginning of the reason for which evidence is left out on purpose; such checks leave `max_score`.
pub const ON_PURPOSE: &str = "not looked at: ";

fn skipped_on_purpose(reason: &str) -> bool {
    reason.starts_with(ON_PURPOSE)
}

struct Trial<'a> {
    plan: &'a Plan,
    evidence: &'a Evidence,
    verdicts: &'a [Result<Verdict, Unseen>],
    hunks: OnceCell<Vec<Hunk>>,
}

/// A hunk of the reference solution that can be built, as the text proves.
struct Hunk {
    fix: Fix,
    copy: Evidence,
    /// What it makes of each build of the plan.
    becomes: Vec<Becomes>,
}

impl Trial<'_> {
    fn check_report(
        &self,
        planned: &PlannedCheck,
        verdict: &Result<Verdict, Unseen>,
    ) -> CheckReport {
        let mut report = CheckReport {
            key: planned.key.clone(),
            id: planned.check.id().to_owned(),
            build: Some(self.plan.build_of(planned).key.clone()),
            title: planned.check.title().to_owned(),
            summary: planned.bound.summary(),
            status: Status::Passed,
            points: 0,
            max_points: planned.points,
            message: String::new(),
            place: None,
            related: Vec::new(),
            expected: None,
            actual: None,
            why: planned.check.doc().why_short().to_owned(),
            help: None,
            details: Vec::new(),
            fix: None,
            hint: None,
        };
        match verdict {
            Ok(Verdict::Passed(message)) => {
                report.points = planned.points;
                report.message.clone_from(message);
            }
            Ok(Verdict::Failed(finding)) => self.fill_failed(&mut report, planned, finding),
            Err(Unseen::Skipped(reason)) => {
                report.status = Status::Skipped;
                report.message.clone_from(reason);
            }
            Err(Unseen::Failed(reason)) => {
                report.status = Status::Error;
                report.message.clone_from(reason);
            }
        }
        report
    }

    fn fill_failed(&self, report: &mut CheckReport, planned: &PlannedCheck, finding: &Finding) {
        let files = &self.evidence.files;
        report.status = Status::Failed;
        report.message.clone_from(&finding.message);
        report.place = finding.place.as_ref().map(|p| place_report(p, files));
        report.related = finding
            .related
            .iter()
            .map(|(p, note)| RelatedReport {
                place: place_report(p, files),
                note: note.clone(),
            })
            .collect();
        report.expected.clone_from(&finding.expected);
        report.actual.clone_from(&finding.actual);
        report.help.clone_from(&finding.help);
        report.details.clone_from(&finding.details);
        report.hint = Some(Hint {
            level: 3,
            nudge: planned.nudge.clone(),
        });
        let own = finding.fixes.iter();
        let own = own.filter(|f| self.copy(f).is_some_and(|c| self.holds(planned, &c)));
        report.fix = own
            .chain(self.hunks_for(planned))
            .next()
            .map(|fix| FixReport::new(fix, files, Verified::Text));
    }

    /// The evidence with a fix applied; `None` where it changes nothing, or the engine would refuse what it makes.
    fn copy(&self, fix: &Fix) -> Option<Evidence> {
        let files = fix.apply(&self.evidence.files).ok()?;
        if files == self.evidence.files {
            return None;
        }
        let dockerfiles = read_sources(&files, &self.plan.builds);
        let refused = |s: &Arc<SourceEvidence>| {
            !s.dockerfile.errors.is_empty() || !s.graph.problems.is_empty()
        };
        if dockerfiles.values().any(refused) {
            return None;
        }
        Some(Evidence {
            files,
            dockerfiles,
            ..self.evidence.clone()
        })
    }

    /// Whether the text promises that the check holds in the copy, and no check that held gets worse.
    fn holds(&self, planned: &PlannedCheck, copy: &Evidence) -> bool {
        self.promised(planned, copy) == Some(true) && self.harmless(copy)
    }

    fn promised(&self, planned: &PlannedCheck, copy: &Evidence) -> Option<bool> {
        planned
            .bound
            .promised_by_text(&View::new(self.plan, planned, copy))
    }

    fn harmless(&self, copy: &Evidence) -> bool {
        let passed_before = |v: &Result<Verdict, Unseen>| matches!(v, Ok(Verdict::Passed(_)));
        let mut others = self
            .plan
            .checks
            .iter()
            .zip(self.verdicts)
            .filter(|(_, v)| passed_before(v));
        others.all(|(c, _)| self.promised(c, copy) != Some(false))
    }

    /// The hunks of the reference solution that mend a check: by what the text promises, or because the check's build
    /// becomes the solution's.
    fn hunks_for(&self, planned: &PlannedCheck) -> impl Iterator<Item = &Fix> {
        let hunks = self.hunks.get_or_init(|| self.hunks()).iter();
        let mends = move |hunk: &&Hunk| match self.promised(planned, &hunk.copy) {
            Some(promised) => promised,
            None => hunk.becomes.get(planned.build) == Some(&Becomes::Solution),
        };
        hunks.filter(mends).map(|h| &h.fix)
    }

    fn hunks(&self) -> Vec<Hunk> {
        if self.plan.solution.is_empty() || self.evidence.text_left_out.is_some() {
            return Vec::new();
        }
        let reference = read_sources(&self.plan.solution, &self.plan.builds);
        let to_hunk = |fix: Fix| {
            let copy = self.copy(&fix)?;
            let now = (&copy.files, &copy.dockerfiles);
            let was = &self.evidence.dockerfiles;
            let becomes = self
                .plan
                .builds
                .iter()
                .map(|b| solution::becomes(self.plan, b, was, now, &reference))
                .collect::<Option<Vec<_>>>()?;
            self.harmless(&copy).then_some(Hunk { fix, copy, becomes })
        };
        solution::hunks(&self.evidence.files, &self.plan.solution)
            .into_iter()
            .filter_map(to_hunk)
            .collect()
    }
}

fn place_report(place: &Place, files: &Files) -> PlaceReport {
    match place {
        Place::Image { layer, path } => PlaceReport::Image {
            layer: *layer,
            path: path.clone(),
        },
        Place::Text { file, span } => {
            let Some(source) = files.get(file) else {
                return PlaceReport::Text {
                    file: file.clone(),
                    line: 1,
                    column: 1,
                    end_line: 1,
                    end_column: 1,
                    snippet: Vec::new(),
                };
            };
            let (start, end) = (source.position(span.start), source.position(span.end));
            PlaceReport::Text {
                file: file.clone(),
                line: start.line,
                column: start.column,
                end_line: end.line,
                end_column: end.column,
                snippet: (start.line..=end.line).map(|n| source.line(n)).collect(),
            }
        }
    }
}

fn build_reports(build: &PlannedBuild, evidence: &Evidence) -> Vec<BuildReport> {
    let Some(seen) = evidence.builds.get(&build.key) else {
        return Vec::new();
    };
    let Observed::Seen(outcome) = &seen.outcome else {
        return Vec::new();
    };
    let source = evidence.dockerfiles.get(&build.dockerfile);
    let target = source.and_then(|s| s.graph.find_first(build.target.iter().map(String::as_str)));
    let (steps, duration_ms, image_id) = match outcome {
        BuildOutcome::Built(b) => (&b.steps, b.duration_ms, Some(&b.image_id)),
        BuildOutcome::Failed(f) => (&f.steps, f.duration_ms, None),
    };
    let one = |platform: Option<String>, size: Option<ImageSize>| BuildReport {
        key: build.key.clone(),
        target: target.and_then(|t| t.name.as_ref()).map(|n| n.text.clone()),
        platform,
        image_id: image_id.filter(|i| !i.is_empty()).cloned(),
        duration_ms,
        steps: steps.len() as u32,
        cached_steps: steps.iter().filter(|s| s.cached).count() as u32,
        size,
    };
    if seen.images.is_empty() {
        return vec![one(None, None)];
    }
    let of = |image: &crate::evidence::PlatformImage| {
        let platform = image
            .platform
            .as_ref()
            .map(|p| format!("{}/{}", p.os, p.architecture));
        let size = image.image.seen().ok().map(|i| ImageSize {
            unpacked_bytes: i.unpacked_bytes(),
            compressed_bytes: i.compressed_bytes(),
            basis: "layers".to_owned(),
        });
        one(platform, size)
    };
    seen.images.iter().map(of).collect()
}
