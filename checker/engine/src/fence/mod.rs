//! What holds the builds of people whom nobody trusts: memory, processes, processors and disk.
//!
//! Memory, processes and processors are the kernel's to limit: mslab makes a control group for each build that runs at
//! the same time, and has BuildKit put the build's containers into it. That takes root, and an engine on this very
//! machine; whether an engine really does it is tried with a build of mslab's own. Disk is watched, because no engine
//! limits it. The group's name is part of BuildKit's cache key, so the names are few and always the same.

mod cgroup;
mod disk;
mod places;
mod trial;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mslab_core::evidence::BuildLimit;
use tokio::sync::OwnedMutexGuard;

use crate::engine::Engine;
use crate::error::EngineError;
use cgroup::{Group, Hierarchies, Reading};
use disk::Written;
use places::Place;

/// How often a build is looked at.
const TICK: Duration = Duration::from_millis(100);
/// What was written is measured at the latest after this time.
const MEASURE: Duration = Duration::from_secs(5);
/// Measuring takes at most one part in so many of the time.
const SHARE: u32 = 10;
/// How long the containers of an earlier build may take to go.
const EMPTY: Duration = Duration::from_secs(10);
/// Work that is in a lane for so long is not all in the engine's cache. Until then, those whose lane it is wait for it:
/// in another one nothing of theirs is in the cache, and what takes a second here would take minutes there.
const LONG: Duration = Duration::from_secs(60);
/// So long a build may have all the processes that it may have.
const FULL: Duration = Duration::from_secs(2);
/// With less free space than this on the engine's disk, in bytes, builds are stopped.
const FLOOR: u64 = 2 << 30;

/// What one build may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Memory in bytes, swap included.
    pub memory: u64,
    /// Processors: 1.5 is one and a half; all of them where there is none.
    pub cpus: Option<f64>,
    /// Processes and threads.
    pub pids: u64,
    /// What the build's commands write, in bytes.
    pub disk: u64,
}

impl Default for Limits {
    /// Enough for every lab, and little enough for a machine of 8 GB with two builds at the same time.
    fn default() -> Self {
        Self {
            memory: 2 << 30,
            cpus: None,
            pids: 1_024,
            disk: 4 << 30,
        }
    }
}

/// Why builds cannot be held within limits here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FenceError(String);

impl FenceError {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Places in which builds are held. Dropping it removes what it made.
#[derive(Debug)]
pub struct Fence {
    lanes: Vec<Place<Lane>>,
}

/// A place for one build at a time. Cloning is cheap and shares it.
#[derive(Debug, Clone)]
pub struct Lane(Arc<Inner>);

/// A lane that nobody else has, as long as this lives.
#[derive(Debug)]
pub struct OwnLane {
    /// The lane.
    pub lane: Lane,
    _own: OwnedMutexGuard<()>,
}

#[derive(Debug)]
struct Inner {
    group: Group,
    limits: Limits,
    /// Where the engine's data is, in its own root folder.
    data: String,
}

impl Fence {
    /// Makes `lanes` places on an engine of this machine, and tries one of them with a build.
    ///
    /// # Errors
    /// They cannot be made, or the engine does not hold its builds in them. The inner error is the engine's own, which
    /// failed on the way.
    pub async fn new(
        engine: &Engine,
        limits: Limits,
        lanes: usize,
    ) -> Result<Result<Self, FenceError>, EngineError> {
        if !engine.capabilities().build_limits {
            let label = engine.identity().label();
            return Ok(Err(FenceError::new(format!(
                "{label} is too old for it, or no Docker"
            ))));
        }
        let Some(root) = engine.host().root().await else {
            return Ok(Err(FenceError::new(
                "the engine is not on this machine, or only root may look at its processes",
            )));
        };
        let info = engine.info().await?;
        let fence = match Self::make(&root, &info.data_root, limits, lanes) {
            Ok(fence) => fence,
            Err(e) => return Ok(Err(e)),
        };
        Ok(match trial::holds(engine, fence.lanes[0].what()).await? {
            None => Ok(fence),
            Some(reason) => Err(FenceError::new(reason)),
        })
    }

    fn make(root: &Path, data: &str, limits: Limits, lanes: usize) -> Result<Self, FenceError> {
        let hierarchies = Hierarchies::here()?;
        if free(&below(root, data)).is_none() {
            return Err(FenceError::new(format!(
                "the engine's data in {data} cannot be looked at from here"
            )));
        }
        let mut number = 0;
        let lanes = (0..lanes.max(1)).map(|_| {
            let group = Group::make(&hierarchies, &mut number, &limits)?;
            let inner = Inner {
                group,
                limits,
                data: data.to_owned(),
            };
            Ok(Place::new(Lane(Arc::new(inner))))
        });
        Ok(Self {
            lanes: lanes.collect::<Result<_, FenceError>>()?,
        })
    }

    /// Waits for a lane: the one that `key` always has, so that its steps are in the cache when it comes again; or
    /// another that is free, where that one is taken for long.
    pub async fn lane(&self, key: &str) -> OwnLane {
        let (lane, _own) = places::place(&self.lanes, key, LONG).await;
        OwnLane { lane, _own }
    }
}

/// Removes the control groups that earlier runs of mslab left when they were killed; those in use stay.
pub fn sweep() {
    if let Ok(hierarchies) = Hierarchies::here() {
        hierarchies.sweep();
    }
}

/// What stopped a build from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It wrote more than it may.
    Limit(BuildLimit),
    /// The engine's disk has only so many bytes left, whoever took the others.
    Floor(u64),
}

impl Lane {
    /// What BuildKit is given as the group above its containers.
    pub(crate) fn cgroup_parent(&self) -> String {
        self.0.group.path()
    }

    /// The largest file that a command may write, in bytes.
    pub(crate) fn file_limit(&self) -> u64 {
        self.0.limits.disk
    }

    /// Begins to watch a build, once what was in the lane before has gone.
    pub(crate) async fn begin(&self, engine: &Engine) -> Result<Watch, EngineError> {
        // An engine that was restarted is another process.
        let root = engine
            .host()
            .root()
            .await
            .ok_or_else(|| engine.lost("building", "nobody listens any more".to_owned()))?;
        let begun = Instant::now();
        while self.0.group.read().processes > 0 && begun.elapsed() < EMPTY {
            tokio::time::sleep(TICK / 4).await;
        }
        self.0.group.forget_peak();
        Ok(Watch {
            data: below(&root, &self.0.data),
            root,
            lane: self.clone(),
            before: self.0.group.read(),
            crowded: Mutex::new(false),
        })
    }
}

/// A build that is watched.
#[derive(Debug)]
pub(crate) struct Watch {
    lane: Lane,
    /// The engine's root folder and its data, as this machine sees them.
    root: PathBuf,
    data: PathBuf,
    before: Reading,
    /// Whether the limit of processes was seen to be met.
    crowded: Mutex<bool>,
}

impl Watch {
    /// Looks at the build until it has to be stopped.
    pub(crate) async fn until_stopped(&self) -> Stopped {
        let lane = &self.lane.0;
        let written = Arc::new(Mutex::new(Written::default()));
        let mut measured = (Instant::now(), free(&self.data).unwrap_or(u64::MAX));
        let mut pause = Duration::ZERO;
        let mut full_since = None;
        loop {
            let reading = lane.group.read();
            let full = reading.processes >= lane.limits.pids;
            if full || reading.processes_met > self.before.processes_met {
                *self.crowded.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
            // What starts processes without an end goes on for ever, and takes the processors from others.
            full_since = full_since.or(Some(Instant::now())).filter(|_| full);
            if full_since.is_some_and(|since| since.elapsed() > FULL) {
                return Stopped::Limit(BuildLimit::Processes(lane.limits.pids));
            }
            let left = free(&self.data).unwrap_or(u64::MAX);
            // Somebody has written, perhaps this build.
            let fell = measured.1.saturating_sub(left) > lane.limits.disk / 16;
            let age = measured.0.elapsed();
            if fell && age >= pause || age >= MEASURE.max(pause) {
                let begun = Instant::now();
                let sum = measure(&self.lane, &self.root, &written).await;
                if sum > lane.limits.disk {
                    return Stopped::Limit(BuildLimit::Disk(lane.limits.disk));
                }
                pause = begun.elapsed() * SHARE;
                measured = (Instant::now(), left);
            }
            if left < FLOOR {
                return Stopped::Floor(left);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// The limit that made a build fail, by its exit code and the end of its log.
    pub(crate) fn limit(&self, exit_code: Option<i64>, log: &[String]) -> Option<BuildLimit> {
        let lane = &self.lane.0;
        let now = lane.group.read();
        let says = |signs: &[&str]| {
            log.iter().rev().take(20).any(|line| {
                let line = line.to_ascii_lowercase();
                signs.iter().any(|s| line.contains(s))
            })
        };
        let killed = match (now.memory_killed, self.before.memory_killed) {
            (Some(now), Some(before)) => now > before,
            _ => {
                // Not every kernel counts how often the limit was met.
                let full = now.memory_peak >= lane.limits.memory / 100 * 99;
                (full || now.memory_met > self.before.memory_met)
                    && (exit_code == Some(137) || says(&["killed", "out of memory"]))
            }
        };
        if killed {
            return Some(BuildLimit::Memory(lane.limits.memory));
        }
        let crowded = *self.crowded.lock().unwrap_or_else(PoisonError::into_inner)
            || now.processes_met > self.before.processes_met;
        // What a fork says that finds no room.
        let refused = says(&[
            "can't fork",
            "cannot fork",
            "resource temporarily unavailable",
            "failed to create new os thread",
        ]);
        if crowded || refused {
            return Some(BuildLimit::Processes(lane.limits.pids));
        }
        // SIGXFSZ, and what a program says that catches it.
        if exit_code == Some(153) || says(&["file too large", "file size limit exceeded"]) {
            return Some(BuildLimit::Disk(lane.limits.disk));
        }
        None
    }
}

/// Measures what a build has written, where it holds nobody up.
async fn measure(lane: &Lane, root: &Path, written: &Arc<Mutex<Written>>) -> u64 {
    let (lane, root, written) = (lane.clone(), root.to_owned(), written.clone());
    let work = tokio::task::spawn_blocking(move || {
        let containers = lane.0.group.containers();
        let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
        written.measure(&containers, &root, lane.0.limits.disk)
    });
    work.await.unwrap_or(0)
}

/// A path of the engine's, from here.
fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// The free space of the file system that holds a path, in bytes.
fn free(path: &Path) -> Option<u64> {
    fs4::available_space(path).ok()
}
