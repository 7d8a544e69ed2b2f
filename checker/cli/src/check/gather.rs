//! Evidence from builds, images and containers: what the plan needs, and no more.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use mslab_core::checks::{View, misspelt_stage};
use mslab_core::dockerfile::{Command, Instruction, features};
use mslab_core::evidence::{
    BuildEvidence, BuildFailure, BuildFailureCause, BuildLimit, BuildOutcome, Built, Evidence,
    Extra, Need, Observed, PlatformImage,
};
use mslab_core::image::{Image, NoCache, Platform, ReadOptions, read_archive};
use mslab_core::plan::{PlannedBuild, PlannedCheck};
use mslab_core::stages::Base as StageBase;
use mslab_engine::{Capabilities, Engine};

use super::build::{Builder, Variation};
use super::evidence::Reason;
use super::rebuild::{Edit, after_edit};
use super::verdicts::Verdicts;
use super::{Bench, Options, Subject, foreign, probes};
use crate::failure::{Failure, Result};
use crate::progress::Listener;

/// Builds what the plan needs, reads the images, starts the probes. Returns the base images that were stand-ins.
///
/// Whatever was made on the engine is removed, however this ends.
pub(super) async fn by_building(
    subject: &Subject<'_>,
    bench: &Bench,
    options: &Options,
    listener: &dyn Listener,
    evidence: &mut Evidence,
) -> Result<Vec<String>> {
    let builder = Builder::new(
        bench,
        *subject,
        evidence.dockerfiles.clone(),
        options,
        listener,
    );
    let result = async {
        let mut verdicts = Verdicts::new(subject.plan, listener);
        verdicts.tell(evidence);
        for build in &subject.plan.builds {
            let built = one_build(&builder, build, evidence).await?;
            evidence.builds.insert(build.key.clone(), built);
            verdicts.has_build(&build.key);
            verdicts.tell(evidence);
        }
        for check in &subject.plan.checks {
            if let Some(extra) = extra(&builder, check, evidence).await? {
                evidence.extras.insert(check.key.clone(), extra);
                verdicts.has_extra(&check.key);
                verdicts.tell(evidence);
            }
        }
        Ok(())
    };
    let result: Result<()> = result.await;
    builder.remove_images().await;
    result.map(|()| builder.stand_ins())
}

/// Builds one target for each of its platforms, and reads the images if a check looks into them.
async fn one_build(
    builder: &Builder<'_>,
    build: &PlannedBuild,
    evidence: &Evidence,
) -> Result<BuildEvidence> {
    let subject = &builder.subject;
    let wanted = |need: &Need| !matches!(need, Need::Context);
    let needs = |c: &PlannedCheck| c.bound.needs();
    let own = subject
        .plan
        .checks
        .iter()
        .filter(|c| subject.plan.build_of(c).key == build.key);
    if !own.clone().any(|c| needs(c).iter().any(wanted)) {
        return Ok(BuildEvidence {
            outcome: Observed::Skipped("no check needs it built".into()),
            ..BuildEvidence::default()
        });
    }
    let secrets = build
        .secrets
        .iter()
        .map(|id| (id.clone(), subject.canary.to_owned()))
        .collect();
    let failed = |outcome| BuildEvidence {
        outcome,
        images: Vec::new(),
        secrets,
    };
    let refused = refused_by_text(build, evidence)
        .or_else(|| too_old(build, evidence, builder.bench.engine.capabilities()));
    if let Some(failure) = refused {
        return Ok(failed(Observed::Seen(BuildOutcome::Failed(failure))));
    }
    if let Some(reason) = cannot_be_built_here(build, evidence, &builder.bench.engine) {
        return Ok(failed(Observed::Failed(reason)));
    }
    let reads_image = |n: &Need| matches!(n, Need::Image);
    let other = |n: &Need| matches!(n, Need::OtherImage(key) if *key == build.key);
    let read = own.clone().any(|c| needs(c).iter().any(reads_image))
        || subject.plan.needs().any(|(_, n)| other(&n));
    let platforms: Vec<Option<&str>> = if build.platforms.is_empty() {
        vec![None]
    } else {
        build.platforms.iter().map(|p| Some(p.as_str())).collect()
    };
    if let Some(reason) = foreign::not_yet(builder, build, evidence) {
        return Ok(failed(Observed::Skipped(reason)));
    }
    let mut images = Vec::new();
    let mut first = None;
    for platform in platforms {
        let what = platform.map_or_else(|| build.key.clone(), |p| format!("{} for {p}", build.key));
        let mut outcome = builder
            .build(build, platform, &Variation::default(), &what)
            .await?;
        if let (Observed::Failed(reason), true) = (&outcome, builder.options.control) {
            let suspected = builder.suspected();
            // The same lab's solution gets through from nothing: then it is not the environment.
            if builder.control(build).await? {
                let own = own_fault(suspected, reason);
                outcome = Observed::Seen(BuildOutcome::Failed(own));
            }
        }
        if let Observed::Failed(reason) = &outcome
            && let Some(failure) = misspelt(reason, build, evidence)
        {
            outcome = Observed::Seen(BuildOutcome::Failed(failure));
        }
        if let Some(limit) = over(&outcome)
            && !builder.solution_keeps_within(build).await?
        {
            let reason = format!("the lab's own solution does not build with {limit}");
            return Ok(failed(Observed::Failed(reason)));
        }
        let Observed::Seen(BuildOutcome::Built(built)) = &outcome else {
            return Ok(failed(outcome));
        };
        let image = if read {
            // A build that does not know the canary cannot leak it, and what is known of its image holds for every one.
            let canary = if build.knows_canary() {
                builder.subject.canary
            } else {
                ""
            };
            Observed::Seen(Arc::new(
                builder
                    .bench
                    .facts
                    .image(&builder.bench.engine, built, canary, builder.listener)
                    .await?,
            ))
        } else {
            Observed::Skipped("no check looks into it".into())
        };
        let base_layers = base_layers(builder, build, evidence, &image).await?;
        images.push(PlatformImage {
            platform: platform.map(parse_platform),
            image,
            base_layers,
        });
        first = first.or(Some(outcome));
    }
    let outcome = first.unwrap_or_else(|| Observed::Failed("the lab names no platform".into()));
    Ok(BuildEvidence {
        images,
        ..failed(outcome)
    })
}

/// A failure that no log tells of, because nothing was started.
fn failure(message: String, cause: BuildFailureCause) -> BuildFailure {
    BuildFailure {
        message,
        cause,
        lines: None,
        exit_code: None,
        log_tail: Vec::new(),
        steps: Vec::new(),
        duration_ms: 0,
    }
}

/// A failure that the text shows: no engine is asked then.
fn refused_by_text(build: &PlannedBuild, evidence: &Evidence) -> Option<BuildFailure> {
    let Some(source) = evidence.dockerfiles.get(&build.dockerfile) else {
        return Some(failure(
            format!("there is no {}", build.dockerfile),
            BuildFailureCause::Other,
        ));
    };
    if let Some(error) = source.dockerfile.errors.first() {
        return Some(failure(error.message.clone(), BuildFailureCause::Syntax));
    }
    if source
        .graph
        .find_first(build.target.iter().map(String::as_str))
        .is_none()
    {
        let names = build.target_names();
        return Some(failure(
            format!("there is no stage called {names}"),
            BuildFailureCause::UnknownStage(names),
        ));
    }
    None
}

/// A feature that the file uses and this engine does not know. Said before the engine says it: older ones read what
/// they do not know as something else, and answer with riddles.
fn too_old(
    build: &PlannedBuild,
    evidence: &Evidence,
    engine: Capabilities,
) -> Option<BuildFailure> {
    let source = evidence.dockerfiles.get(&build.dockerfile)?;
    let unknown = features(&source.dockerfile)
        .into_iter()
        .find(|u| !engine.supports(u.feature))?;
    let file = &source.dockerfile.source;
    let line = file.position(unknown.span.start).line;
    let feature = unknown.feature;
    let message = format!(
        "line {line} uses {}, which needs {}",
        feature.title(),
        feature.needs()
    );
    Some(BuildFailure {
        lines: Some((line, line)),
        ..failure(message, BuildFailureCause::EngineTooOld { feature })
    })
}

/// What the exercise needs and this engine cannot do, whatever the learner writes: nobody's failure.
fn cannot_be_built_here(
    build: &PlannedBuild,
    evidence: &Evidence,
    engine: &Engine,
) -> Option<String> {
    if engine.capabilities().secrets || build.secrets.is_empty() {
        return None;
    }
    let source = evidence.dockerfiles.get(&build.dockerfile)?;
    let mounts_secret = |i: &Instruction| matches!(&i.command, Command::Run(run) if run.mounts.iter().any(|m| m.kind == "secret"));
    source
        .dockerfile
        .instructions
        .iter()
        .any(mounts_secret)
        .then(|| {
            format!(
                "{} takes no secrets for a build through its API",
                engine.identity().label()
            )
        })
}

/// What looked like a registry's fault, and is a slip of the finger: a stage's name that is not quite one. Some engines
/// see that themselves; others ask for an image of that name.
fn misspelt(reason: &str, build: &PlannedBuild, evidence: &Evidence) -> Option<BuildFailure> {
    let source = evidence.dockerfiles.get(&build.dockerfile)?;
    let target = source
        .graph
        .find_first(build.target.iter().map(String::as_str))?;
    let (_, name, _) = misspelt_stage(source, target)?;
    Some(failure(
        reason.to_owned(),
        BuildFailureCause::UnknownStage(name.to_owned()),
    ))
}

/// What looked like the environment's fault, and is not: the lab's solution gets through.
fn own_fault(suspected: Option<BuildFailure>, reason: &str) -> BuildFailure {
    let message =
        format!("{reason} (the lab's own solution builds here, so it is this Dockerfile)");
    match suspected {
        Some(failure) => BuildFailure { message, ..failure },
        None => failure(message, BuildFailureCause::Other),
    }
}

/// The limit that a build went over.
fn over(outcome: &Observed<BuildOutcome>) -> Option<BuildLimit> {
    match outcome {
        Observed::Seen(BuildOutcome::Failed(BuildFailure {
            cause: BuildFailureCause::Limit(limit),
            ..
        })) => Some(*limit),
        _ => None,
    }
}

/// How many of the image's lowest layers its base image brought.
async fn base_layers(
    builder: &Builder<'_>,
    build: &PlannedBuild,
    evidence: &Evidence,
    image: &Observed<Arc<Image>>,
) -> Result<Observed<usize>> {
    let Observed::Seen(image) = image else {
        return Ok(Observed::Skipped("the image was not read".into()));
    };
    let Some(source) = evidence.dockerfiles.get(&build.dockerfile) else {
        return Ok(Observed::Failed("there is no Dockerfile".into()));
    };
    let mut stage = source
        .graph
        .find_first(build.target.iter().map(String::as_str));
    while let Some(StageBase::Stage(below)) = stage.map(|s| &s.base) {
        stage = source.graph.stages.get(*below);
    }
    let Some(stage) = stage else {
        return Ok(Observed::Failed("there is no such stage".into()));
    };
    let StageBase::Image(name) = &stage.base else {
        return Ok(Observed::Seen(0));
    };
    let Some(base) = builder
        .bench
        .bases
        .find(&builder.bench.engine, name)
        .await?
    else {
        return Ok(Observed::Failed(format!(
            "the base image {name} is not on the engine"
        )));
    };
    let same = base
        .diff_ids
        .iter()
        .zip(&image.layers)
        .take_while(|(id, layer)| **id == layer.diff_id)
        .count();
    if same == base.diff_ids.len() {
        return Ok(Observed::Seen(same));
    }
    Ok(Observed::Failed(format!(
        "the layers of {name} are not those that the image begins with"
    )))
}

fn parse_platform(text: &str) -> Platform {
    let mut parts = text.split('/');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    let (os, architecture) = (next(), next());
    Platform {
        os,
        architecture,
        variant: Some(next()).filter(|v| !v.is_empty()),
    }
}

/// What one check needs beyond its build; `None` where it needs nothing more.
async fn extra(
    builder: &Builder<'_>,
    check: &PlannedCheck,
    evidence: &Evidence,
) -> Result<Option<Observed<Extra>>> {
    let build = builder.subject.plan.build_of(check);
    for need in check.bound.needs() {
        let seen = match need {
            Need::Context | Need::Build | Need::Image | Need::OtherImage(_) => continue,
            Need::Probe(_) if builder.options.no_run => Observed::Skipped(Reason::NotRun.text()),
            Need::StarterImage => starter_size(builder, build).await?,
            need => match evidence.builds.get(&build.key).map(|b| &b.outcome) {
                Some(Observed::Seen(BuildOutcome::Built(built))) => {
                    after_build(builder, check, evidence, built, need).await?
                }
                Some(Observed::Failed(reason)) => Observed::Failed(reason.clone()),
                Some(Observed::Skipped(reason)) => Observed::Skipped(reason.clone()),
                Some(Observed::Seen(BuildOutcome::Failed(_))) | None => {
                    Observed::Skipped("not reached: the build failed".into())
                }
            },
        };
        return Ok(Some(seen));
    }
    Ok(None)
}

async fn after_build(
    builder: &Builder<'_>,
    check: &PlannedCheck,
    evidence: &Evidence,
    built: &Built,
    need: Need,
) -> Result<Observed<Extra>> {
    let build = builder.subject.plan.build_of(check);
    let again = |o: Observed<BuildOutcome>, extra: fn(BuildOutcome) -> Extra| match o {
        Observed::Seen(outcome) => Observed::Seen(extra(outcome)),
        Observed::Skipped(reason) => Observed::Skipped(reason),
        Observed::Failed(reason) => Observed::Failed(reason),
    };
    Ok(match need {
        Need::Probe(probe) => {
            probes::run(
                builder.bench,
                check,
                built,
                View::new(builder.subject.plan, check, evidence)
                    .image()
                    .ok(),
                probe,
                builder.options,
                builder.listener,
            )
            .await?
        }
        Need::Sabotage { overlay } => {
            let overlay = builder.subject.lab.subfolder(&overlay);
            if overlay.is_empty() {
                return Err(
                    Failure::usage(format!("the lab has no folder for `{}`", check.key))
                        .help("`overlay` names a folder in the lab."),
                );
            }
            let variation = Variation {
                overlay,
                ..Variation::default()
            };
            again(
                builder
                    .build(
                        build,
                        None,
                        &variation,
                        &format!("`{}`: with a test that fails", check.key),
                    )
                    .await?,
                Extra::Sabotage,
            )
        }
        Need::Rebuild {
            path,
            append,
            stages,
        } => {
            let edit = Edit {
                path: &path,
                append: &append,
                stages: &stages,
            };
            again(
                after_edit(builder, check, evidence, edit).await?,
                Extra::Rebuild,
            )
        }
        _ => Observed::Skipped("not looked at".into()),
    })
}

/// Builds the lab's own starter and measures it.
async fn starter_size(builder: &Builder<'_>, build: &PlannedBuild) -> Result<Observed<Extra>> {
    let dir = tempfile::tempdir().map_err(|e| Failure::file("make", &std::env::temp_dir(), &e))?;
    crate::labs::write_folder(dir.path(), &builder.subject.lab.starter())?;
    let starter = builder.elsewhere(dir.path())?;
    let outcome = starter
        .build(
            build,
            None,
            &Variation::default(),
            "the starter, to compare with",
        )
        .await;
    let size = match outcome {
        Ok(Observed::Seen(BuildOutcome::Built(built))) => {
            let image = builder
                .bench
                .facts
                .image(&builder.bench.engine, &built, "", builder.listener)
                .await;
            image.map(|i| Observed::Seen(Extra::StarterSize(i.unpacked_bytes())))
        }
        Ok(Observed::Seen(BuildOutcome::Failed(f))) => Ok(Observed::Failed(format!(
            "the lab's starter does not build: {}",
            f.message
        ))),
        Ok(Observed::Failed(reason) | Observed::Skipped(reason)) => Ok(Observed::Failed(reason)),
        Err(e) => Err(e),
    };
    starter.remove_images().await;
    size
}

/// Takes an image that is on the engine for what the first build would have made, and starts its probes.
pub(super) async fn from_image(
    subject: &Subject<'_>,
    bench: &Bench,
    reference: &str,
    options: &Options,
    listener: &dyn Listener,
    evidence: &mut Evidence,
) -> Result<()> {
    let described = bench.engine.inspect_image(reference).await?;
    let built = Built {
        image_id: described.id,
        ..Built::default()
    };
    let image = bench
        .facts
        .image(&bench.engine, &built, subject.canary, listener)
        .await?;
    judge_as_built(subject, built.clone(), image, evidence);
    for check in subject.plan.checks.iter().filter(|c| c.build == 0) {
        for need in check.bound.needs() {
            let seen = match need {
                Need::Probe(_) if options.no_run => Observed::Skipped(Reason::NotRun.text()),
                Need::Probe(probe) => {
                    let image = View::new(subject.plan, check, evidence).image().ok();
                    probes::run(bench, check, &built, image, probe, options, listener).await?
                }
                _ => continue,
            };
            evidence.extras.insert(check.key.clone(), seen);
        }
    }
    Ok(())
}

/// Takes an archive's image for what the first build would have made.
pub(super) fn from_archive(
    subject: &Subject<'_>,
    path: &Path,
    evidence: &mut Evidence,
) -> Result<()> {
    let image = read_file(
        path,
        &ReadOptions {
            needles: super::facts::needles(subject.canary),
            ..ReadOptions::default()
        },
    )?;
    judge_as_built(subject, Built::default(), image, evidence);
    Ok(())
}

/// Reads an archive from a file, or from standard input for `-`.
pub(crate) fn read_file(path: &Path, options: &ReadOptions) -> Result<Image> {
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|e| Failure::named_file(path, &e))?)
    };
    read_archive(input, options, &mut NoCache).map_err(|e| {
        let help = e.help().unwrap_or_default();
        Failure::usage(format!("{} cannot be read as an image", path.display()))
            .because(&e)
            .help(help)
    })
}

fn judge_as_built(subject: &Subject<'_>, built: Built, image: Image, evidence: &mut Evidence) {
    evidence.text_left_out = Some(Reason::NotText.text());
    let Some(first) = subject.plan.builds.first() else {
        return;
    };
    let base_layers = Observed::Skipped(Reason::NotBuilt.text());
    let image = PlatformImage {
        platform: None,
        image: Observed::Seen(Arc::new(image)),
        base_layers,
    };
    let seen = BuildEvidence {
        outcome: Observed::Seen(BuildOutcome::Built(built)),
        images: vec![image],
        secrets: first
            .secrets
            .iter()
            .map(|id| (id.clone(), subject.canary.to_owned()))
            .collect(),
    };
    evidence.builds.insert(first.key.clone(), seen);
}
