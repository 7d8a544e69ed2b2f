//! Builds for other machines: whether one would take a base image that is not for this machine.

use mslab_core::checks::{Verdict, View};
use mslab_core::evidence::{Evidence, SourceEvidence};
use mslab_core::plan::PlannedBuild;
use mslab_core::stages::{BuildOptions, Needs, StageGraph, Via};

use super::build::Builder;

/// Why a build for several platforms is left for later: it would take a base image for another machine, and the text
/// shows already that this is not how the lab wants it. Such a base may be missing here, or be emulated for minutes.
pub(super) fn not_yet(
    builder: &Builder<'_>,
    build: &PlannedBuild,
    evidence: &Evidence,
) -> Option<String> {
    let source = evidence.dockerfiles.get(&build.dockerfile)?;
    let mut platforms = build.platforms.iter();
    platforms.find(|p| needs_foreign_base(source, build, p))?;
    let plan = builder.subject.plan;
    let first = plan.checks.iter().find(|check| {
        let view = View::new(plan, check, evidence);
        plan.build_of(check).dockerfile == build.dockerfile
            && check.bound.needs().is_empty()
            && matches!(check.bound.judge(&view), Ok(Verdict::Failed(_)))
    })?;
    Some(format!(
        "not reached: first `{}` must hold, or a base image for another machine would be needed",
        first.key
    ))
}

/// What the builder's platform is taken to be: one that no lab asks for, so that what the file says counts and not what
/// this machine happens to be.
const BUILDER: &str = "linux/s390x";

/// Whether a build for `wanted` starts from an image, or copies from one, that is not for the machine that builds.
fn needs_foreign_base(source: &SourceEvidence, build: &PlannedBuild, wanted: &str) -> bool {
    let options = BuildOptions {
        build_args: build.args.clone(),
        target_platform: wanted.to_owned(),
        build_platform: BUILDER.to_owned(),
        ..BuildOptions::default()
    };
    let graph = StageGraph::build(&source.dockerfile, &options);
    let Some(target) = graph.find_first(build.target.iter().map(String::as_str)) else {
        return false;
    };
    let reachable = graph.reachable(target.index);
    let native = |stage: usize| {
        let platform = graph.stages.get(stage).and_then(|s| s.platform.as_deref());
        platform == Some(BUILDER)
    };
    graph
        .edges
        .iter()
        .filter(|e| reachable.contains(&e.stage) && matches!(e.needs, Needs::Image(_)))
        // What COPY and mounts take from an image is taken from the one for the wanted platform.
        .any(|e| e.via != Via::From || !native(e.stage))
}
