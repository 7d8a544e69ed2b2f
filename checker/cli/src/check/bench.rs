//! An engine with what is kept beside it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use mslab_core::report::EngineReport;
use mslab_engine::{CancellationToken, DiscoverOptions, Engine};
use tokio::sync::{Mutex, OnceCell, Semaphore, SemaphorePermit};

use super::bases::Bases;
use super::facts::Facts;
use crate::args::Global;
use crate::failure::{Failure, Result};

/// An engine with what is kept beside it.
pub(crate) struct Bench {
    /// The engine.
    pub(crate) engine: Engine,
    /// Facts of images that were read before.
    pub(crate) facts: Facts,
    /// Which base images have stand-ins.
    pub(crate) bases: Bases,
    /// The builds of labs whose solutions were seen to keep within the limits of this run.
    pub(super) within_limits: Mutex<BTreeSet<String>>,
    report: OnceCell<EngineReport>,
    next: AtomicU64,
    building: Semaphore,
}

/// More builds than ever are at work together.
const BUILDS: u32 = 1 << 16;

impl Bench {
    /// Finds the engine. Waiting for it ends with `cancel`.
    pub(crate) async fn open(global: &Global, cancel: &CancellationToken) -> Result<Self> {
        let options = DiscoverOptions::from_env(global.engine.clone());
        let engine = tokio::select! {
            engine = Engine::discover(&options) => engine?,
            () = cancel.cancelled() => return Err(Failure::interrupted()),
        };
        Ok(Self::with(engine))
    }

    /// A bench around an engine that was found.
    pub(crate) fn with(engine: Engine) -> Self {
        Self {
            engine,
            facts: Facts::open(),
            bases: Bases::default(),
            within_limits: Mutex::default(),
            report: OnceCell::new(),
            next: AtomicU64::new(0),
            building: Semaphore::new(BUILDS as usize),
        }
    }

    /// The engine as reports name it.
    pub(crate) async fn report(&self) -> Result<EngineReport> {
        let ask = || async {
            let info = self.engine.info().await?;
            let identity = self.engine.identity();
            Ok::<_, Failure>(EngineReport {
                name: identity.flavor.to_string(),
                version: identity.version.clone(),
                image_store: info.image_store,
                platform: identity.platform.clone(),
            })
        };
        self.report.get_or_try_init(ask).await.cloned()
    }

    /// A number that no other build of this or another run has at the moment.
    pub(super) fn next_number(&self) -> String {
        format!(
            "{}-{}",
            std::process::id(),
            self.next.fetch_add(1, Ordering::Relaxed)
        )
    }

    /// Waits for leave to build, which holds as long as what is returned: if it must be `alone`, while no other build of
    /// this bench is at work. Who came first is first.
    pub(super) async fn turn(&self, alone: bool) -> Option<SemaphorePermit<'_>> {
        let places = if alone { BUILDS } else { 1 };
        // It is never closed.
        self.building.acquire_many(places).await.ok()
    }
}
