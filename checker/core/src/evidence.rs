//! All that a check may see, frozen before the first check runs.
//!
//! Whatever was not looked at is there too, with the reason: a check can tell "absent" from "could not look".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::diagnostic::Files;
use crate::dockerfile::{Dockerfile, Feature};
use crate::image::{Image, Platform};
use crate::stages::StageGraph;
use crate::units::Bytes;

/// Something that was looked at, or the reason why it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed<T> {
    /// Looked at.
    Seen(T),
    /// Not looked at on purpose (`--static`, a build that failed): the verdict is *skipped*.
    Skipped(String),
    /// Looking failed for a reason that is not the learner's: the verdict is *error*.
    Failed(String),
}

impl<T> Observed<T> {
    /// The thing itself, or what a check answers without it.
    ///
    /// # Errors
    /// It was not looked at.
    pub fn seen(&self) -> Result<&T, Unseen> {
        match self {
            Self::Seen(t) => Ok(t),
            Self::Skipped(reason) => Err(Unseen::Skipped(reason.clone())),
            Self::Failed(reason) => Err(Unseen::Failed(reason.clone())),
        }
    }
}

/// Why evidence is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// It was not wanted, or not reached.
    Skipped(String),
    /// It could not be had, and the learner is not the cause.
    Failed(String),
}

/// Everything that was seen of one exercise.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The learner's text files.
    pub files: Files,
    /// Why the text is not judged, where an image is judged that need not come from it.
    pub text_left_out: Option<String>,
    /// Every Dockerfile that a build names, by path.
    pub dockerfiles: BTreeMap<String, Arc<SourceEvidence>>,
    /// What would be sent for a Dockerfile, by its path.
    pub contexts: BTreeMap<String, Observed<ContextEvidence>>,
    /// Each build by its key.
    pub builds: BTreeMap<String, BuildEvidence>,
    /// What a check asked for beyond its build, by the check's key.
    pub extras: BTreeMap<String, Observed<Extra>>,
}

/// A Dockerfile, understood.
#[derive(Debug, Clone)]
pub struct SourceEvidence {
    /// Its path in the learner's folder.
    pub path: String,
    /// The tree.
    pub dockerfile: Dockerfile,
    /// Its stages.
    pub graph: StageGraph,
}

/// The build context that is really sent: `.dockerignore` applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextEvidence {
    /// Path and size in bytes of every regular file, sorted by path.
    pub files: Vec<(String, u64)>,
    /// The ignore file in force, if there is one.
    pub ignore_file: Option<String>,
}

impl ContextEvidence {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, n)| n).sum()
    }
}

/// One build of a target, for one platform or several.
#[derive(Debug, Clone)]
pub struct BuildEvidence {
    /// What happened. For several platforms it is the first that failed, or the first.
    pub outcome: Observed<BuildOutcome>,
    /// The image for each platform; one entry where the lab names no platform.
    pub images: Vec<PlatformImage>,
    /// The canaries given to it as secrets, by id, in the order of the needles searched for.
    pub secrets: Vec<(String, String)>,
}

impl Default for BuildEvidence {
    fn default() -> Self {
        Self {
            outcome: Observed::Skipped("not built".into()),
            images: Vec::new(),
            secrets: Vec::new(),
        }
    }
}

/// The image that a build made for a platform.
#[derive(Debug, Clone)]
pub struct PlatformImage {
    /// The platform asked for; `None` for the engine's own.
    pub platform: Option<Platform>,
    /// The image.
    pub image: Observed<Arc<Image>>,
    /// How many of its lowest layers are its base image's; 0 for scratch.
    pub base_layers: Observed<usize>,
}

/// How a build ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildOutcome {
    /// An image was made.
    Built(Built),
    /// The learner's file did not build.
    Failed(BuildFailure),
}

/// A build that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Built {
    /// The image's id on the engine, or empty where it came from an archive.
    pub image_id: String,
    /// Wall time.
    pub duration_ms: u64,
    /// Its steps in order.
    pub steps: Vec<Step>,
}

/// One step of a build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// As the engine names it: `[builder 3/5] RUN npm ci`.
    pub name: String,
    /// First and last line of the instruction, from 1, where the engine says.
    pub lines: Option<(usize, usize)>,
    /// Whether its result came from the cache.
    pub cached: bool,
    /// Wall time.
    pub duration_ms: u64,
}

/// A build that failed for a reason in the learner's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFailure {
    /// The engine's own message.
    pub message: String,
    /// What it comes down to.
    pub cause: BuildFailureCause,
    /// First and last line of the failing instruction, from 1.
    pub lines: Option<(usize, usize)>,
    /// The step's exit code, if a command ran.
    pub exit_code: Option<i64>,
    /// The end of the step's log, a line each, control characters removed.
    pub log_tail: Vec<String>,
    /// The steps that were reached, in order.
    pub steps: Vec<Step>,
    /// Wall time.
    pub duration_ms: u64,
}

/// The well-known causes of a failed build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildFailureCause {
    /// A `COPY` source is not in the context or in the stage; the path, if it is known.
    MissingCopySource(Option<String>),
    /// `--target` or `--from` names no stage; the name.
    UnknownStage(String),
    /// A command is not in the image (exit code 127); the command, if it is known.
    CommandNotFound(Option<String>),
    /// A file is not executable or may not be read (exit code 126, `EACCES`).
    PermissionDenied,
    /// A name could not be resolved, or a host not reached, by a command of the build.
    Network,
    /// A base image is neither on the engine nor in a registry that answers; its reference.
    BaseImage(String),
    /// No space is left on the engine's disk.
    NoSpace,
    /// A binary for another machine, or a script without `#!`.
    ExecFormat,
    /// Killed, most often for memory (exit code 137).
    Killed,
    /// Longer than the lab allows; the limit in milliseconds.
    TimeLimit(u64),
    /// More than whoever grades lets a build use.
    Limit(BuildLimit),
    /// A secret is required and was not given; its id.
    MissingSecret(String),
    /// The engine does not know a feature that the file uses.
    EngineTooOld {
        /// Which.
        feature: Feature,
    },
    /// The file does not parse.
    Syntax,
    /// The folder cannot be sent to the engine; what to do about it.
    Context(String),
    /// None of these.
    Other,
}

/// What a build may use at most, where somebody limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildLimit {
    /// Memory in bytes.
    Memory(u64),
    /// Processes at the same time.
    Processes(u64),
    /// What its commands write, in bytes.
    Disk(u64),
}

impl fmt::Display for BuildLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "{} of memory", Bytes(*bytes)),
            Self::Processes(count) => write!(f, "{count} processes"),
            Self::Disk(bytes) => write!(f, "{} of disk", Bytes(*bytes)),
        }
    }
}

/// What a check needs beyond the Dockerfile's text: asked for by [`crate::checks::Check::needs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The list of what the build context holds.
    Context,
    /// The check's build, its outcome only.
    Build,
    /// The image of the check's build.
    Image,
    /// The images of another build, by key.
    OtherImage(String),
    /// The image that the lab's own starter builds.
    StarterImage,
    /// A container started from the image.
    Probe(Probe),
    /// A second build with the files of the lab's folder `overlay` laid over the context.
    Sabotage {
        /// Folder in the lab.
        overlay: String,
    },
    /// A second build after an edit, right after the first.
    Rebuild {
        /// File to edit, relative to the context.
        path: String,
        /// Text to append; `{nonce}` in it becomes a new random value each time.
        append: String,
        /// The stages that are looked at, each by its names, of which the first that exists counts: where the target
        /// needs them all, these are built and no more. None for the whole target.
        stages: Vec<Vec<String>>,
    },
}

/// What came of a need that is not shared between checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extra {
    /// Of [`Need::Probe`].
    Probe(ProbeOutcome),
    /// Of [`Need::Sabotage`].
    Sabotage(BuildOutcome),
    /// Of [`Need::Rebuild`].
    Rebuild(BuildOutcome),
    /// Of [`Need::StarterImage`]: unpacked bytes.
    StarterSize(u64),
}

/// A container to start from the image, without a network and without capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Run it and wait for its end.
    Run {
        /// Arguments in the place of the image's `CMD`; `None` leaves it.
        args: Option<Vec<String>>,
        /// Further environment, each `NAME=VALUE`.
        env: Vec<String>,
        /// Time limit.
        within_ms: u64,
        /// Whether the root filesystem is read-only.
        read_only: bool,
    },
    /// Run it and ask over HTTP until it answers.
    Http {
        /// Port inside the container.
        port: u16,
        /// Path with its query.
        path: String,
        /// Time limit for the first answer.
        within_ms: u64,
        /// Whether the root filesystem is read-only.
        read_only: bool,
        /// Whether an answer on 127.0.0.1 alone is none.
        for_others: bool,
    },
    /// Try to start a shell, in each of these ways: a program and its arguments.
    Shell(Vec<&'static [&'static str]>),
    /// Do what the image's healthcheck says, without a shell: where its program does not run, and beside it.
    Health {
        /// Time until it must be healthy.
        within_ms: u64,
    },
    /// Start it, wait until it answers or has run for a moment, send SIGTERM.
    Stop {
        /// Port that shows that it is up, if it serves one.
        port: Option<u16>,
        /// Grace time.
        within_ms: u64,
    },
}

impl Probe {
    /// The probe without what an image like this can only refuse: all ways to a shell but the first whose programs are
    /// nowhere in it, under any path.
    #[must_use]
    pub fn for_image(self, image: &Image) -> Self {
        let Self::Shell(mut ways) = self else {
            return self;
        };
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let names: BTreeSet<String> = image.tree.iter().map(|(path, _)| name(path)).collect();
        let first = ways.first().copied();
        ways.retain(|way| Some(*way) == first || names.contains(&name(way[0])));
        Self::Shell(ways)
    }
}

/// What a probe saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// It ended by itself.
    Exited {
        /// Exit code.
        code: i64,
        /// Standard output, capped.
        stdout: String,
        /// Standard error, capped.
        stderr: String,
    },
    /// It could not be started: the engine's reason.
    NotStarted(String),
    /// It ran into the time limit.
    TimedOut {
        /// Output so far, capped.
        output: String,
    },
    /// It answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// Header names in lower case, with values.
        headers: Vec<(String, String)>,
        /// Body, capped.
        body: String,
        /// Time from start to answer.
        after_ms: u64,
    },
    /// Nothing answered on the port.
    NoAnswer {
        /// Exit code, if the container ended.
        exit_code: Option<i64>,
        /// Output so far, capped.
        output: String,
    },
    /// Something answers on 127.0.0.1 and on no other address.
    OnlyToItself {
        /// Output so far, capped.
        output: String,
    },
    /// Each shell that was tried could not be started because it is not there.
    ShellRefused,
    /// A shell started.
    ShellStarted(String),
    /// It ended after SIGTERM.
    Stopped {
        /// Time from the signal to the end.
        after_ms: u64,
        /// Exit code.
        code: i64,
    },
    /// The healthcheck ended with 0.
    Healthy,
    /// The healthcheck ended with 0 where nothing was running.
    AlwaysHealthy,
    /// The healthcheck never ended with 0, although the container was running.
    Unhealthy {
        /// What it ended with the last time; `None` where it did not end.
        code: Option<i64>,
        /// What it wrote then, capped.
        output: String,
    },
    /// It went on after SIGTERM and had to be killed.
    Killed,
}
