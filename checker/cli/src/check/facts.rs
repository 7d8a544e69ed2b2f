//! What is known of images: read once, and remembered by image id and layer digest.

use mslab_core::evidence::Built;
use mslab_core::image::{Image, Needles, NoCache, ReadOptions, read_archive};
use mslab_engine::Engine;

use crate::failure::{Failure, Result};
use crate::progress::Listener;

/// Facts of images that were read before.
#[derive(Debug)]
pub(crate) struct Facts;

impl Facts {
    /// Where they are kept.
    pub(crate) fn open() -> Self {
        Self
    }

    /// Forgets everything, and says how many bytes that was.
    pub(crate) fn forget(&self) -> Result<u64> {
        Ok(0)
    }

    /// The image that a build made, read with the workspace's canary as needle.
    pub(crate) async fn image(
        &self,
        engine: &Engine,
        built: &Built,
        canary: &str,
        _: &dyn Listener,
    ) -> Result<Image> {
        let options = ReadOptions {
            needles: needles(canary),
            ..ReadOptions::default()
        };
        let reader = engine.export(&[&built.image_id]);
        let reading =
            tokio::task::spawn_blocking(move || read_archive(reader, &options, &mut NoCache));
        let read = reading
            .await
            .map_err(|e| Failure::environment("reading the image broke off").because(&e))?;
        let mut image = read.map_err(|e| {
            let help = e.help().unwrap_or_default();
            Failure::environment(format!("the image {} cannot be read", built.image_id))
                .because(&e)
                .help(help)
        })?;
        image.id.clone_from(&built.image_id);
        Ok(image)
    }
}

/// What is searched for in an image: the canary, if there is one.
pub(super) fn needles(canary: &str) -> Needles {
    Needles::new(Some(canary).filter(|c| !c.is_empty()))
}
