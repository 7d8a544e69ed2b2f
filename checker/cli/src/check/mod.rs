//! From a learner's folder to a report: read, gather what the plan needs, judge.

mod bases;
mod bench;
mod build;
pub(crate) mod evidence;
mod facts;
mod foreign;
mod gather;
mod probes;
mod rebuild;
mod verdicts;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use mslab_core::evidence::Evidence;
use mslab_core::judge;
use mslab_core::lab::Lab;
use mslab_core::plan::Plan;
use mslab_core::report::Report;
use mslab_core::source::Source;
use mslab_engine::{CancellationToken, Lane};

pub(crate) use bases::{Base, STAND_IN_LABEL};
pub(crate) use bench::Bench;
pub(crate) use facts::{Facts, cache_folder};
pub(crate) use gather::read_file;

use crate::failure::Result;
use crate::progress::{Event, Listener};
use evidence::Reason;

/// One folder to judge by a lab's plan.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The lab.
    pub(crate) lab: &'a Lab,
    /// Its plan.
    pub(crate) plan: &'a Plan,
    /// The folder: the build context with the Dockerfiles.
    pub(crate) dir: &'a Path,
    /// The random text that stands for each secret.
    pub(crate) canary: &'a str,
}

/// How evidence beyond the text is had.
pub(crate) enum Means<'a> {
    /// By building on an engine.
    Engine(&'a Bench),
    /// From an image on an engine, without building.
    Image(&'a Bench, &'a str),
    /// From an archive, without building; `-` is standard input.
    Archive(&'a Path),
}

/// What the person asked for beyond a plain check.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Start no container.
    pub(crate) no_run: bool,
    /// Build each offered fix too.
    pub(crate) verify_fixes: bool,
    /// Tell by building the solution whose fault a failed network or a passed time limit is.
    pub(crate) control: bool,
    /// What holds work that nobody trusts.
    pub(crate) hold: Hold,
    /// Cancelled by Ctrl-C, or by a newer save.
    pub(crate) cancel: CancellationToken,
}

/// What holds builds of work that nobody trusts apart and within limits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hold {
    /// Cache mounts of this work only: another's cannot be read, and cannot be spoiled. The lab's own builds have a
    /// name of their own.
    pub(crate) cache_namespace: Option<String>,
    /// Bytes of each step's log that are kept, and of the whole that are passed on.
    pub(crate) log_limit: Option<usize>,
    /// Where the builds are held within limits; nowhere, if they are trusted.
    pub(crate) lane: Option<Lane>,
    /// The proxy through which commands reach package registries, where that is all they may reach.
    pub(crate) proxy: Option<String>,
}

/// Texts that take the place of files, before they are saved; `None` for a file that is gone.
pub(crate) type Unsaved = BTreeMap<String, Option<String>>;

/// Judges what the text shows; no engine, for `reason`.
pub(crate) fn of_text(subject: &Subject<'_>, reason: &Reason) -> Result<Report> {
    of_unsaved(subject, reason, &Unsaved::new()).map(|(report, _)| report)
}

/// The same with texts that are not saved yet.
pub(crate) fn of_unsaved(
    subject: &Subject<'_>,
    reason: &Reason,
    unsaved: &Unsaved,
) -> Result<(Report, Evidence)> {
    let started = Instant::now();
    let mut files = evidence::read_text_files(subject)?;
    for (name, text) in unsaved {
        match text {
            Some(text) => {
                files.insert(name.clone(), Source::new(name.as_str(), text.as_bytes()));
            }
            None => {
                files.remove(name);
            }
        }
    }
    let mut evidence = evidence::of_text(files, subject.plan, reason);
    evidence::add_contexts(&mut evidence, subject, unsaved);
    let report = judge::judge(subject.plan, &evidence);
    Ok((finish(subject, report, started), evidence))
}

/// Judges with all that the plan needs.
pub(crate) async fn examine(
    subject: &Subject<'_>,
    means: &Means<'_>,
    options: &Options,
    listener: &dyn Listener,
) -> Result<Report> {
    let looked = look(subject, means, options, listener).await;
    looked.map(|(report, _)| report)
}

/// The same, and what was seen.
pub(crate) async fn look(
    subject: &Subject<'_>,
    means: &Means<'_>,
    options: &Options,
    listener: &dyn Listener,
) -> Result<(Report, Evidence)> {
    let started = Instant::now();
    let files = evidence::read_text_files(subject)?;
    let mut evidence = evidence::of_text(files, subject.plan, &Reason::NotBuilt);
    evidence::add_contexts(&mut evidence, subject, &Unsaved::new());
    let gathered = match means {
        Means::Engine(bench) => {
            gather::by_building(subject, bench, options, listener, &mut evidence).await
        }
        Means::Image(bench, reference) => {
            let seen =
                gather::from_image(subject, bench, reference, options, listener, &mut evidence)
                    .await;
            seen.map(|()| Vec::new())
        }
        Means::Archive(path) => {
            gather::from_archive(subject, path, &mut evidence).map(|()| Vec::new())
        }
    };
    if let Means::Engine(bench) | Means::Image(bench, _) = means {
        // However it ended: nothing is left behind.
        bench.engine.settle().await;
    }
    let stand_ins = gathered?;
    let mut report = judge::judge(subject.plan, &evidence);
    report.stand_ins = stand_ins;
    if let Means::Engine(bench) | Means::Image(bench, _) = means {
        report.engine = Some(bench.report().await?);
    }
    if let (Means::Engine(bench), true) = (means, options.verify_fixes) {
        crate::verify::build_fixes(subject, bench, options, listener, &mut report).await?;
    }
    listener.on(Event::Done);
    Ok((finish(subject, report, started), evidence))
}

fn finish(subject: &Subject<'_>, report: Report, started: Instant) -> Report {
    Report {
        exercise: subject.lab.exercise(),
        lab: subject.lab.slug.clone(),
        title: subject.lab.definition.title.clone(),
        duration_ms: started.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        ..report
    }
}
