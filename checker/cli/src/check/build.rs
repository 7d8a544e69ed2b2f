//! Builds for a check: the lab's targets, and their variations with an overlay or an edit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mslab_core::evidence::{
    BuildFailure, BuildFailureCause, BuildOutcome, Observed, SourceEvidence,
};
use mslab_core::lab::Folder;
use mslab_core::plan::PlannedBuild;
use mslab_core::stages::{Needs, Stage};
use mslab_engine::context::{self, Archive, ContextError, Sent};
use mslab_engine::{BuildEnd, BuildRequest, EngineError};

use super::{Bench, Options, Subject};
use crate::failure::{Failure, Result};
use crate::progress::{Event, Listener};

/// The cache mounts of builds of a lab's own files, where those of others are kept apart.
const LABS_NAMESPACE: &str = "mslab-lab";

/// Dockerfiles by path.
type Sources = BTreeMap<String, Arc<SourceEvidence>>;

/// What differs from the plain build.
#[derive(Debug, Clone, Default)]
pub(super) struct Variation {
    /// Files laid over the folder. What the ignore file keeps out of the build is kept out here too: a test that never
    /// reaches the build cannot fail in it.
    pub(super) overlay: Folder,
    /// Text to append to a file of the context.
    pub(super) append: Option<(String, String)>,
    /// Build without the cache: a control.
    pub(super) fresh: bool,
    /// Build while no other build is at work.
    pub(super) alone: bool,
}

/// Builds of one folder. Every image gets a name of its own run's, and is removed in the end.
pub(super) struct Builder<'a> {
    pub(super) bench: &'a Bench,
    pub(super) subject: Subject<'a>,
    pub(super) options: &'a Options,
    pub(super) listener: &'a dyn Listener,
    sources: Sources,
    /// Whether the folder holds the lab's own files, and not the learner's.
    is_labs_own: bool,
    images: Mutex<Vec<String>>,
    stand_ins: Mutex<BTreeSet<String>>,
    suspected: Mutex<Option<BuildFailure>>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        bench: &'a Bench,
        subject: Subject<'a>,
        sources: Sources,
        options: &'a Options,
        listener: &'a dyn Listener,
    ) -> Self {
        Self {
            bench,
            subject,
            options,
            listener,
            sources,
            is_labs_own: false,
            images: Mutex::default(),
            stand_ins: Mutex::default(),
            suspected: Mutex::default(),
        }
    }

    /// The same, for another folder with the lab's own files; what it makes is its own to remove.
    pub(super) fn elsewhere<'b>(&'b self, dir: &'b Path) -> Result<Builder<'b>> {
        let subject = Subject {
            dir,
            ..self.subject
        };
        let files = super::evidence::read_text_files(&subject)?;
        let sources = mslab_core::judge::read_sources(&files, &subject.plan.builds);
        Ok(Builder {
            is_labs_own: true,
            ..Builder::new(self.bench, subject, sources, self.options, self.listener)
        })
    }

    /// Builds a target for one platform.
    pub(super) async fn build(
        &self,
        build: &PlannedBuild,
        platform: Option<&str>,
        variation: &Variation,
        what: &str,
    ) -> Result<Observed<BuildOutcome>> {
        let archive = match self.pack(build, variation) {
            Ok(archive) => archive,
            Err(e) if e.is_learners() => {
                return Ok(Observed::Seen(BuildOutcome::Failed(context_failure(&e))));
            }
            Err(e) => return Err(Failure::environment(&e).help(e.help())),
        };
        let source = self.sources.get(&build.dockerfile);
        let target =
            source.and_then(|s| s.graph.find_first(build.target.iter().map(String::as_str)));
        let tag = format!(
            "mslab.local/check/{}-{}:{}",
            self.subject.lab.slug,
            build.key,
            self.bench.next_number()
        );
        let mut request = BuildRequest::new(archive);
        // A stage without a name can be built only as the last one, which is what an engine builds by itself.
        request.target = target.and_then(|s| s.name.as_ref()).map(|n| n.text.clone());
        request.tag = Some(tag.clone());
        request.platform = platform.map(str::to_owned);
        request.build_args = build
            .args
            .iter()
            .map(|(name, value)| (name.clone(), value.replace("{canary}", self.subject.canary)))
            .collect();
        request.secrets = build
            .secrets
            .iter()
            .map(|id| (id.clone(), self.subject.canary.as_bytes().to_vec()))
            .collect();
        request.no_cache = variation.fresh;
        request.offline = self.subject.plan.offline;
        request.time_limit = Some(Duration::from_millis(self.subject.plan.time_limit.0));
        let hold = &self.options.hold;
        request.cache_namespace = match &hold.cache_namespace {
            // What a submission leaves in its cache mounts must not decide how a control ends.
            Some(_) if self.is_labs_own => Some(LABS_NAMESPACE.to_owned()),
            own => own.clone(),
        };
        if let Some(proxy) = &hold.proxy {
            // BuildKit knows these: they reach commands, and neither the image nor the cache's keys.
            for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
                request.build_args.insert(name.into(), proxy.clone());
            }
            let here = "localhost,127.0.0.1".to_owned();
            request.build_args.insert("NO_PROXY".into(), here);
        }
        request.lane = hold.lane.clone();
        if let Some(limit) = hold.log_limit {
            request.step_log_limit = limit;
            request.log_limit = limit;
        }
        if let Some(source) = source {
            request.named_contexts = self.stand_ins_for(source, target).await?;
        }
        let _turn = self.bench.turn(variation.alone).await;
        self.keep(tag);
        let own = (!self.is_labs_own).then(|| build.dockerfile.clone());
        self.listener.on(Event::Building(what.to_owned(), own));
        let on = |event| self.listener.on(Event::Build(event));
        let end = self
            .bench
            .engine
            .build(&request, &on, &self.options.cancel)
            .await?;
        Ok(match end.environment_fault() {
            // Whoever fills the disk, builds beside it fail too: no control can tell them apart.
            Some(fault @ EngineError::DiskFull(_)) if hold.lane.is_some() => {
                return Err(fault.into());
            }
            Some(fault) => {
                if let BuildEnd::Failed(failure) = end
                    && let Ok(mut suspected) = self.suspected.lock()
                {
                    *suspected = Some(failure);
                }
                Observed::Failed(explain(&fault))
            }
            None => Observed::Seen(end.into_outcome()),
        })
    }

    /// The last build's failure, which looked like the environment's fault.
    pub(super) fn suspected(&self) -> Option<BuildFailure> {
        self.suspected.lock().ok()?.take()
    }

    /// Builds the lab's own solution from nothing: whether the environment can build this lab at all.
    pub(super) async fn control(&self, build: &PlannedBuild) -> Result<bool> {
        let dir =
            tempfile::tempdir().map_err(|e| Failure::file("make", &std::env::temp_dir(), &e))?;
        crate::labs::write_folder(dir.path(), &self.subject.lab.solution())?;
        let control = self.elsewhere(dir.path())?;
        let fresh = Variation {
            fresh: true,
            ..Variation::default()
        };
        let outcome = control
            .build(build, None, &fresh, "the solution, as a control")
            .await;
        control.remove_images().await;
        Ok(matches!(outcome?, Observed::Seen(BuildOutcome::Built(_))))
    }

    /// Whether the lab's own solution keeps within the limits on builds. Once it has, it does.
    pub(super) async fn solution_keeps_within(&self, build: &PlannedBuild) -> Result<bool> {
        let name = format!("{} {}", self.subject.lab.slug, build.key);
        let mut known = self.bench.within_limits.lock().await;
        if !known.contains(&name) && self.control(build).await? {
            known.insert(name.clone());
        }
        Ok(known.contains(&name))
    }

    fn pack(&self, build: &PlannedBuild, variation: &Variation) -> Result<Archive, ContextError> {
        let Sent {
            mut context,
            ignore,
        } = Sent::of(self.subject.dir, &build.dockerfile)?;
        let reaches = |path: &str| ignore.as_ref().is_none_or(|(_, i)| !i.matches(path));
        for (path, file) in variation.overlay.iter().filter(|(p, _)| reaches(p)) {
            context.put(
                path,
                file.bytes.to_vec(),
                if file.executable { 0o755 } else { 0o644 },
            )?;
        }
        if let Some((path, text)) = &variation.append {
            context.append(path, text.as_bytes())?;
        }
        let text = std::fs::read(self.subject.dir.join(&build.dockerfile)).unwrap_or_default();
        context::pack(&context, &build.dockerfile, &text)
    }

    /// Stand-ins for the base images that the target needs and the engine has not.
    async fn stand_ins_for(
        &self,
        source: &SourceEvidence,
        target: Option<&Stage>,
    ) -> Result<BTreeMap<String, String>> {
        let Some(target) = target else {
            return Ok(BTreeMap::new());
        };
        let reachable = source.graph.reachable(target.index);
        let mut contexts = BTreeMap::new();
        for edge in source
            .graph
            .edges
            .iter()
            .filter(|e| reachable.contains(&e.stage))
        {
            let Needs::Image(name) = &edge.needs else {
                continue;
            };
            let Some(base) = self.bench.bases.find(&self.bench.engine, name).await? else {
                continue;
            };
            if base.stand_in {
                if let Ok(mut used) = self.stand_ins.lock() {
                    used.insert(name.clone());
                }
                // A stand-in under the official name needs nobody to put it there.
                if base.reference != *name {
                    contexts.insert(name.clone(), base.reference);
                }
            }
        }
        Ok(contexts)
    }

    /// The official names of the base images whose stand-ins were used.
    pub(super) fn stand_ins(&self) -> Vec<String> {
        self.stand_ins
            .lock()
            .map(|s| s.iter().cloned().collect())
            .unwrap_or_default()
    }

    fn keep(&self, image: String) {
        if let Ok(mut images) = self.images.lock() {
            images.push(image);
        }
    }

    /// Removes the images that were made: what they cost to make again is in the engine's build cache.
    pub(super) async fn remove_images(&self) {
        let images = self
            .images
            .lock()
            .map(|mut i| std::mem::take(&mut *i))
            .unwrap_or_default();
        for image in images {
            // One that was never made, or an engine that is gone: `mslab clean` finds what stays.
            let _ = self.bench.engine.remove_image(&image, false).await;
        }
    }
}

/// An error and what lies beneath it, in one line.
pub(super) fn explain(error: &EngineError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(e) = source {
        let more = e.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = e.source();
    }
    text
}

fn context_failure(error: &ContextError) -> BuildFailure {
    BuildFailure {
        message: error.to_string(),
        cause: BuildFailureCause::Context(error.help().to_owned()),
        lines: None,
        exit_code: None,
        log_tail: Vec::new(),
        steps: Vec::new(),
        duration_ms: 0,
    }
}
