//! Building again after an edit: no more than the check looks at, and no more often than it must.

use mslab_core::checks::{Verdict, View};
use mslab_core::evidence::{BuildOutcome, Built, Evidence, Extra, Observed};
use mslab_core::plan::{PlannedBuild, PlannedCheck};

use super::build::{Builder, Variation};
use crate::failure::Result;

/// The edit, and what is looked at after it.
pub(super) struct Edit<'a> {
    /// File to edit, relative to the context.
    pub(super) path: &'a str,
    /// Text to append; `{nonce}` in it becomes a new random value each time.
    pub(super) append: &'a str,
    /// The stages that are looked at, each by its names; none for the whole target.
    pub(super) stages: &'a [Vec<String>],
}

/// Builds after the edit, and tells what came of it.
pub(super) async fn after_edit(
    builder: &Builder<'_>,
    check: &PlannedCheck,
    evidence: &Evidence,
    edit: Edit<'_>,
) -> Result<Observed<BuildOutcome>> {
    let parts = parts(builder.subject.plan.build_of(check), evidence, edit.stages);
    let first = rebuild(builder, check, &parts, &edit, false).await?;
    if holds(builder, check, evidence, &first) {
        return Ok(first);
    }
    // BuildKit runs a step again that it has in its cache, while another build is at work that shares the steps before it
    // (BuildKit issue 4674). A line that breaks the cache breaks it alone as well.
    let second = rebuild(builder, check, &parts, &edit, true).await?;
    Ok(more_cached(first, second))
}

/// What to build so that no more than `stages` is built: the stages themselves where the target needs each, or else the
/// target.
fn parts(build: &PlannedBuild, evidence: &Evidence, stages: &[Vec<String>]) -> Vec<PlannedBuild> {
    let source = evidence.dockerfiles.get(&build.dockerfile);
    let found = source.and_then(|source| {
        let graph = &source.graph;
        let target = graph.find_first(build.target.iter().map(String::as_str))?;
        let needed = graph.reachable(target.index);
        let part = |names: &Vec<String>| {
            let stage = graph.find_first(names.iter().map(String::as_str))?;
            needed.contains(&stage.index).then(|| PlannedBuild {
                target: vec![stage.label()],
                ..build.clone()
            })
        };
        stages.iter().map(part).collect::<Option<Vec<_>>>()
    });
    match found {
        Some(mut parts) if !parts.is_empty() => {
            parts.dedup();
            parts
        }
        _ => vec![build.clone()],
    }
}

/// Builds once more after an edit that was never made before: all `parts`, as if they were one. Other builds are waited
/// for where it must be `alone`.
async fn rebuild(
    builder: &Builder<'_>,
    check: &PlannedCheck,
    parts: &[PlannedBuild],
    edit: &Edit<'_>,
    alone: bool,
) -> Result<Observed<BuildOutcome>> {
    let text = edit
        .append
        .replace("{nonce}", &crate::workspace::random_text());
    let variation = Variation {
        append: Some((edit.path.to_owned(), text)),
        alone,
        ..Variation::default()
    };
    let what = format!("`{}`: after an edit", check.key);
    let mut all = Built::default();
    for part in parts {
        match builder.build(part, None, &variation, &what).await? {
            Observed::Seen(BuildOutcome::Built(built)) => all.steps.extend(built.steps),
            other => return Ok(other),
        }
    }
    Ok(Observed::Seen(BuildOutcome::Built(all)))
}

fn cached_steps(outcome: &Observed<BuildOutcome>) -> Option<(usize, usize)> {
    match outcome {
        Observed::Seen(BuildOutcome::Built(built)) => {
            let cached = built.steps.iter().filter(|s| s.cached).count();
            Some((cached, built.steps.len()))
        }
        _ => None,
    }
}

/// Whether the check holds with what came of its need.
fn holds(
    builder: &Builder<'_>,
    check: &PlannedCheck,
    evidence: &Evidence,
    outcome: &Observed<BuildOutcome>,
) -> bool {
    let seen = match outcome {
        Observed::Seen(outcome) => Observed::Seen(Extra::Rebuild(outcome.clone())),
        _ => return true,
    };
    let mut evidence = evidence.clone();
    evidence.extras.insert(check.key.clone(), seen);
    let view = View::new(builder.subject.plan, check, &evidence);
    matches!(check.bound.judge(&view), Ok(Verdict::Passed(_)))
}

fn more_cached(
    first: Observed<BuildOutcome>,
    second: Observed<BuildOutcome>,
) -> Observed<BuildOutcome> {
    if cached_steps(&second) > cached_steps(&first) {
        second
    } else {
        first
    }
}
