//! What is known of images: read once, and remembered by image id and layer digest.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcetera::{BaseStrategy as _, choose_base_strategy};
use mslab_core::evidence::Built;
use mslab_core::image::{Image, Needles, ReadOptions, read_archive};
use mslab_engine::{Engine, FactsCache};

use crate::failure::{Failure, Result};
use crate::progress::{Event, Listener};

/// How often the person is told how far the reading is.
const NEWS: Duration = Duration::from_millis(200);

/// Where mslab keeps what it can do without: `MSLAB_CACHE_DIR`, or its part of the system's folder for caches.
pub(crate) fn cache_folder() -> PathBuf {
    let dirs = || Some(choose_base_strategy().ok()?.cache_dir().join("mslab"));
    let folder = std::env::var_os("MSLAB_CACHE_DIR")
        .map(PathBuf::from)
        .or_else(dirs);
    folder.unwrap_or_else(|| std::env::temp_dir().join("mslab-cache"))
}

/// Facts of images that were read before.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    cache: FactsCache,
}

impl Facts {
    /// The facts kept for this user, in [`cache_folder`].
    pub(crate) fn open() -> Self {
        Self {
            cache: FactsCache::new(cache_folder().join("facts")),
        }
    }

    /// Forgets everything, and says how many bytes that was.
    pub(crate) fn forget(&self) -> Result<u64> {
        self.cache
            .clear()
            .map_err(|e| Failure::file("clear", self.cache.folder(), &e))
    }

    /// The image that a build made, with `canary` searched for in it; an empty one is not searched for.
    pub(crate) async fn image(
        &self,
        engine: &Engine,
        built: &Built,
        canary: &str,
        listener: &dyn Listener,
    ) -> Result<Image> {
        let needles = needles(canary);
        let id = built.image_id.clone();
        let (cache, key) = (self.cache.clone(), needles.key().to_owned());
        let name = id.clone();
        if let Some(image) = blocking(move || cache.image(&name, &key)).await? {
            return Ok(image);
        }
        let bytes = Arc::new(AtomicU64::new(0));
        let reader = Counted {
            inner: engine.export(&[&id]),
            bytes: bytes.clone(),
        };
        let (mut layers, cache, name) = (self.cache.clone(), self.cache.clone(), id.clone());
        let reading = blocking(move || {
            let key = needles.key().to_owned();
            let options = ReadOptions {
                needles,
                ..ReadOptions::default()
            };
            let mut image = read_archive(reader, &options, &mut layers)?;
            image.id.clone_from(&name);
            // What cannot be kept is read again the next time.
            let _ = cache.keep_image(&image, &name, &key);
            Ok(image)
        });
        let mut reading = std::pin::pin!(reading);
        let read: std::result::Result<Image, mslab_core::image::ReadError> = loop {
            tokio::select! {
                read = &mut reading => break read?,
                () = tokio::time::sleep(NEWS) => listener.on(Event::Reading(bytes.load(Ordering::Relaxed))),
            }
        };
        read.map_err(|e| {
            let help = e.help().unwrap_or_default();
            Failure::environment(format!("the image {id} cannot be read"))
                .because(&e)
                .help(help)
        })
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Failure::environment("reading the image broke off").because(&e))
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// What is searched for in an image: the canary, if there is one.
pub(super) fn needles(canary: &str) -> Needles {
    Needles::new(Some(canary).filter(|c| !c.is_empty()))
}
