//! One submission judged by the check pipeline, held apart from all others.

use std::path::Path;

use mslab_core::evidence::SourceEvidence;
use mslab_core::judge::read_sources;
use mslab_core::plan::Plan;
use mslab_core::stages::Needs;
use mslab_core::units::Bytes;
use mslab_engine::context::Sent;
use mslab_engine::{CancellationToken, Fence};
use mslab_grade::gradebook::Job;
use mslab_grade::rules::Rules;
use mslab_grade::run::{Judge, Judged, Tell};
use mslab_grade::submission::Trusted;

use crate::check::evidence::read_text_files;
use crate::check::{self, Bench, Hold, Means, Options, Subject};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::{Event, Listener};

/// Judges submissions on an engine.
pub(crate) struct ClassJudge<'a> {
    pub(crate) bench: &'a Bench,
    /// What a Dockerfile may reach.
    pub(crate) rules: &'a Rules,
    /// Where builds are held within limits; nowhere, if they are trusted.
    pub(crate) fence: Option<&'a Fence>,
    /// The engine's only way out, if builds may reach package registries alone.
    pub(crate) proxy: Option<String>,
    /// The largest build context that is built, in bytes.
    pub(crate) max_context: Option<u64>,
    /// Bytes of each step's log that are kept.
    pub(crate) max_log: Option<usize>,
}

impl Judge for ClassJudge<'_> {
    type Error = Failure;

    async fn judge(
        &self,
        trusted: &Trusted,
        job: &Job,
        tell: Tell<'_>,
        cancel: &CancellationToken,
    ) -> Result<Judged> {
        match self.look(trusted, job, tell, cancel).await {
            Ok(judged) => Ok(judged),
            Err(_) if cancel.is_cancelled() => Ok(Judged::Stopped),
            Err(failure) => match failure.exit {
                Exit::Interrupted => Ok(Judged::Stopped),
                Exit::Environment => Ok(Judged::Environment(failure.in_one_line())),
                _ => Err(failure),
            },
        }
    }
}

impl ClassJudge<'_> {
    async fn look(
        &self,
        trusted: &Trusted,
        job: &Job,
        tell: Tell<'_>,
        cancel: &CancellationToken,
    ) -> Result<Judged> {
        let dir =
            tempfile::tempdir().map_err(|e| Failure::file("make", &std::env::temp_dir(), &e))?;
        trusted
            .lay_out(dir.path(), &job.files)
            .map_err(|e| Failure::file("write", dir.path(), &e))?;
        let subject = Subject {
            lab: &trusted.lab,
            plan: &trusted.plan,
            dir: dir.path(),
            canary: &job.canary,
        };
        if let Some(reason) = self.refused(&subject).await? {
            return Ok(Judged::Refused(reason));
        }
        let own = match self.fence {
            Some(fence) => {
                tell("waiting for its turn".to_owned());
                tokio::select! {
                    own = fence.lane(&job.key) => Some(own),
                    () = cancel.cancelled() => return Ok(Judged::Stopped),
                }
            }
            None => None,
        };
        let options = Options {
            control: true,
            hold: Hold {
                // The key is the same for the same work only, so that no two submissions share a cache mount.
                cache_namespace: Some(format!("mslab-{}", &job.key[..job.key.len().min(32)])),
                log_limit: self.max_log,
                lane: own.as_ref().map(|own| own.lane.clone()),
                proxy: self.proxy.clone(),
            },
            cancel: cancel.child_token(),
            ..Options::default()
        };
        let means = Means::Engine(self.bench);
        let listener = Told(tell);
        let report = check::examine(&subject, &means, &options, &listener).await?;
        Ok(Judged::Report(Box::new(report)))
    }

    /// Why nothing of a submission is built, if the instructor's rules do not allow it.
    async fn refused(&self, subject: &Subject<'_>) -> Result<Option<String>> {
        let sources = read_sources(&read_text_files(subject)?, &subject.plan.builds);
        if let Some(reason) = sources.values().find_map(|s| self.rules.broken_by(s)) {
            return Ok(Some(reason));
        }
        if let Some(limit) = self.max_context
            && let Some(reason) = too_large(subject.dir, subject.plan, limit)
        {
            return Ok(Some(reason));
        }
        if self.rules.offline {
            for source in sources.values() {
                if let Some(reason) = self.not_here(source, subject.plan).await? {
                    return Ok(Some(reason));
                }
            }
        }
        Ok(None)
    }

    /// An image that would have to be fetched. One that the lab's own solution needs is nobody's fault.
    async fn not_here(&self, source: &SourceEvidence, plan: &Plan) -> Result<Option<String>> {
        let is_labs_own = |image: &String| {
            let solution = read_sources(&plan.solution, &plan.builds);
            solution.values().any(|s| images(s).any(|i| i == image))
        };
        for image in images(source) {
            if self
                .bench
                .bases
                .find(&self.bench.engine, image)
                .await?
                .is_some()
            {
                continue;
            }
            if is_labs_own(image) {
                return Err(Failure::environment(format!(
                    "the base image {image} is not on the engine, and nothing may be fetched"
                ))
                .help("`mslab images pull` fetches the labs' base images."));
            }
            return Ok(Some(format!(
                "{} takes the image `{image}`, which is not here, and nothing may be fetched",
                source.path
            )));
        }
        Ok(None)
    }
}

fn images(source: &SourceEvidence) -> impl Iterator<Item = &String> {
    source.graph.edges.iter().filter_map(|e| match &e.needs {
        Needs::Image(name) => Some(name),
        Needs::Stage(_) => None,
    })
}

/// A context above the limit. One that cannot be sent at all is a finding of the build's own.
fn too_large(dir: &Path, plan: &Plan, limit: u64) -> Option<String> {
    plan.builds.iter().find_map(|build| {
        let sent = Sent::of(dir, &build.dockerfile).ok()?;
        let bytes = sent.context.bytes();
        (bytes > limit).then(|| {
            format!(
                "the build context of {} has {}; {} are built at most",
                build.dockerfile,
                Bytes(bytes),
                Bytes(limit)
            )
        })
    })
}

/// Passes on what a check does, in a few words.
struct Told<'a>(Tell<'a>);

impl Listener for Told<'_> {
    fn on(&self, event: Event) {
        match event {
            Event::Building(what, _) => (self.0)(format!("building {what}")),
            Event::Probing(key) => (self.0)(format!("starting it for `{key}`")),
            _ => {}
        }
    }
}
