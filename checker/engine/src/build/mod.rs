//! Building a target, and what came of it.
//!
//! [`Engine::build`] speaks BuildKit's own protocol over the engine's session and gRPC endpoints; where there are
//! none (Podman) it falls back to the classic build API. Both tell the same events and end in the same [`BuildEnd`].

mod cause;
#[cfg(test)]
mod cause_tests;
mod classic;
mod failure;
mod progress;
mod session;
mod solve;
mod targets;
mod twins;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mslab_core::evidence::{BuildFailure, BuildFailureCause, Built};
use mslab_core::units::Bytes;
use tokio_util::sync::CancellationToken;

pub use failure::environment_fault;
pub use progress::{BuildEvent, Lines, Step};
pub use targets::{Target, Targets};

use crate::context::Archive;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::fence::{Lane, Stopped, Watch};
use progress::Progress;

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The build context and the Dockerfile, packed by [`crate::context::pack`].
    pub context: Archive,
    /// Stage to build; the last one where there is none.
    pub target: Option<String>,
    /// Name to give the image, such as `mslab.local/check/…`; without one it stays nameless.
    pub tag: Option<String>,
    /// Platform, such as `linux/arm64`; the engine's own where there is none.
    pub platform: Option<String>,
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// Labels to give the image, besides its own.
    pub labels: BTreeMap<String, String>,
    /// Secrets by id.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// Images to put in the place of others: `node:24-alpine` → `mslab.local/stand-in/node:24-alpine`.
    pub named_contexts: BTreeMap<String, String>,
    /// Whether every step runs again.
    pub no_cache: bool,
    /// Whether commands run without a network.
    pub offline: bool,
    /// Keeps this build's cache mounts apart from others'.
    pub cache_namespace: Option<String>,
    /// What holds the build within limits.
    pub lane: Option<Lane>,
    /// Wall time that the build may take.
    pub time_limit: Option<Duration>,
    /// How many bytes of each step's log are kept: its end.
    pub step_log_limit: usize,
    /// How many bytes of log are passed on to the listener over the whole build.
    pub log_limit: usize,
}

impl BuildRequest {
    /// A build of the last stage of `context`, with no limits but those on logs.
    #[must_use]
    pub fn new(context: Archive) -> Self {
        Self {
            context,
            target: None,
            tag: None,
            platform: None,
            build_args: BTreeMap::new(),
            labels: BTreeMap::new(),
            secrets: BTreeMap::new(),
            named_contexts: BTreeMap::new(),
            no_cache: false,
            offline: false,
            cache_namespace: None,
            lane: None,
            time_limit: None,
            step_log_limit: 64 * 1024,
            log_limit: 8 * 1024 * 1024,
        }
    }
}

/// How a build ended.
#[derive(Debug, Clone)]
pub enum BuildEnd {
    /// An image was made.
    Built(BuildDone),
    /// The learner's file did not build, or something in its surroundings failed: see [`environment_fault`].
    Failed(BuildFailure),
}

/// A build that made an image.
#[derive(Debug, Clone)]
pub struct BuildDone {
    /// The image's id: the configuration's digest, or the manifest's where containerd keeps the images.
    pub image_id: String,
    /// Wall time.
    pub duration_ms: u64,
    /// Every step, the engine's internal ones too, in the order in which they appeared.
    pub steps: Vec<Step>,
}

impl From<BuildDone> for Built {
    fn from(done: BuildDone) -> Self {
        Self {
            image_id: done.image_id,
            duration_ms: done.duration_ms,
            steps: core_steps(&done.steps),
        }
    }
}

/// The steps that come from lines of the Dockerfile, in the order of those lines.
fn core_steps(steps: &[Step]) -> Vec<mslab_core::evidence::Step> {
    let mut steps: Vec<&Step> = steps.iter().filter(|s| !s.internal).collect();
    // BuildKit tells of stages side by side in any order. Without lines the order of appearance is all there is.
    steps.sort_by_key(|s| s.lines.map_or(usize::MAX, |l| l.first));
    steps
        .into_iter()
        .map(|s| mslab_core::evidence::Step {
            name: s.name.clone(),
            lines: s.lines.map(|l| (l.first, l.last)),
            cached: s.cached,
            duration_ms: s.duration_ms.unwrap_or(0),
        })
        .collect()
}

impl Engine {
    /// Builds an image and tells `events` what happens on the way.
    ///
    /// Cancelling, and dropping the future, stops the build on the engine; Podman has no way to be stopped. A build that
    /// the engine lost a layer of is repeated, the second time without the cache that knows the layer.
    ///
    /// # Errors
    /// The engine failed, or `cancel` was used. A Dockerfile that does not build is [`BuildEnd::Failed`].
    pub async fn build(
        &self,
        request: &BuildRequest,
        events: &(dyn Fn(BuildEvent) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<BuildEnd, EngineError> {
        let lost =
            |end: &BuildEnd| matches!(end, BuildEnd::Failed(failure) if failure::is_lost(failure));
        for _ in 0..2 {
            let end = self.build_once(request, events, cancel).await?;
            if !lost(&end) {
                return Ok(end);
            }
        }
        let anew = BuildRequest {
            no_cache: true,
            ..request.clone()
        };
        self.build_once(&anew, events, cancel).await
    }

    async fn build_once(
        &self,
        request: &BuildRequest,
        events: &(dyn Fn(BuildEvent) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<BuildEnd, EngineError> {
        let replaced = self.tagged(request).await;
        let progress = Progress::new(request.step_log_limit, request.log_limit, events);
        let work = async {
            if self.capabilities().buildkit {
                solve::run(self, request, &progress).await
            } else {
                classic::run(self, request, &progress).await
            }
        };
        let limit = async {
            match request.time_limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let watch = match &request.lane {
            Some(lane) => Some(lane.begin(self).await?),
            None => None,
        };
        let started = Instant::now();
        let stopped = async {
            match &watch {
                Some(watch) => watch.until_stopped().await,
                None => std::future::pending().await,
            }
        };
        let end = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(EngineError::Cancelled),
            end = work => end?,
            stopped = stopped => solve::End::Failed(stop(stopped)?),
            () = limit => solve::End::Failed(solve::Failure::time_limit(request.time_limit)),
        };
        let duration_ms = millis(started.elapsed());
        Ok(match end {
            solve::End::Image(image_id) => BuildEnd::Built({
                if let Some(old) = replaced.filter(|old| *old != image_id) {
                    // Without its name it would stay for ever. One that has another name, or is in use, stays.
                    let _ = self.remove_nameless(&old).await;
                }
                BuildDone {
                    image_id,
                    duration_ms,
                    steps: progress.finish(),
                }
            }),
            solve::End::Failed(failure) => {
                let steps = progress.finish();
                let describe = failure::describe(&failure, &steps, request, duration_ms);
                BuildEnd::Failed(within(describe, watch.as_ref()))
            }
        })
    }
}

impl Engine {
    /// The image that has the name now which the build will give to another.
    async fn tagged(&self, request: &BuildRequest) -> Option<String> {
        let image = self.inspect_image(request.tag.as_deref()?).await.ok()?;
        Some(image.id)
    }

    async fn remove_nameless(&self, id: &str) -> Result<(), EngineError> {
        if self.inspect_image(id).await?.names.is_empty() {
            self.remove_image(id, false).await?;
        }
        Ok(())
    }
}

/// A build that was stopped from outside has failed, or the engine has.
fn stop(stopped: Stopped) -> Result<solve::Failure, EngineError> {
    match stopped {
        Stopped::Limit(limit) => Ok(solve::Failure {
            message: format!("the build was stopped: it went over its limit of {limit}"),
            limit: Some(limit),
            ..solve::Failure::default()
        }),
        Stopped::Floor(left) => Err(EngineError::DiskFull(format!(
            "only {} are left, and what is built now was stopped",
            Bytes(left)
        ))),
    }
}

/// A failure with the limit that it comes from, if it was held and comes from one.
fn within(failure: BuildFailure, watch: Option<&Watch>) -> BuildFailure {
    let own = matches!(failure.cause, BuildFailureCause::Limit(_));
    let limit = watch
        .filter(|_| !own)
        .and_then(|w| w.limit(failure.exit_code, &failure.log_tail));
    match limit {
        Some(limit) => BuildFailure {
            cause: BuildFailureCause::Limit(limit),
            ..failure
        },
        None => failure,
    }
}

impl BuildEnd {
    /// The environment's fault that this end stands for, if it is one.
    #[must_use]
    pub fn environment_fault(&self) -> Option<EngineError> {
        match self {
            Self::Built(_) => None,
            Self::Failed(failure) => environment_fault(failure),
        }
    }

    /// The end as checks see it.
    #[must_use]
    pub fn into_outcome(self) -> mslab_core::evidence::BuildOutcome {
        match self {
            Self::Built(done) => mslab_core::evidence::BuildOutcome::Built(done.into()),
            Self::Failed(failure) => mslab_core::evidence::BuildOutcome::Failed(failure),
        }
    }
}

pub(crate) fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}

/// A name that no other has: for sessions, builds and containers.
pub(crate) fn unique() -> String {
    use std::hash::{BuildHasher, RandomState};
    // Each RandomState takes new keys from the system's randomness.
    let word = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", word(), word())
}
