//! Talks to Docker engines: discovery, builds through BuildKit, exports and probes.
//!
//! ```no_run
//! # async fn example() -> Result<(), mslab_engine::EngineError> {
//! use mslab_engine::{DiscoverOptions, Engine};
//!
//! let engine = Engine::discover(&DiscoverOptions::from_env(None)).await?;
//! println!("{} at {}", engine.identity().label(), engine.host());
//! # Ok(())
//! # }
//! ```
//!
//! Everything here is the environment: what fails is an [`EngineError`], exit code 3. What is the learner's
//! (a Dockerfile that does not build, a container that does not start) is a value, as `mslab_core::evidence` has it.

pub mod context;

mod build;
mod cache;
mod clean;
mod dial;
mod discover;
mod engine;
mod error;
mod fence;
mod images;
mod info;
mod probe;

pub use build::{
    BuildDone, BuildEnd, BuildEvent, BuildRequest, Lines, Step, Target, Targets, environment_fault,
};
pub use cache::FactsCache;
pub use clean::{CleanOptions, CleanReport, OWN_PREFIX, OwnContainer, STAND_IN_PREFIX};
pub use dial::{Host, SshHost};
pub use discover::{Candidate, DiscoverOptions, Discovery, Origin, Outcome, discover};
pub use engine::Engine;
pub use error::EngineError;
pub use fence::{Fence, FenceError, Lane, Limits, OwnLane, sweep};
pub use images::{ExportReader, ImageDescription, ListedImage, PullEvent};
pub use mslab_core::dockerfile::Feature;

pub use info::{Capabilities, DiskUsage, EngineInfo, Flavor, Identity, Version};
pub use tokio_util::sync::CancellationToken;
