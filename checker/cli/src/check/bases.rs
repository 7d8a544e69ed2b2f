//! Base images: present, missing, or with a stand-in.

use std::collections::HashMap;

use mslab_engine::{Engine, EngineError, ImageDescription};
use tokio::sync::Mutex;

use crate::failure::Result;

/// Where stand-ins are kept, so that no other project on the engine meets them.
pub(crate) const STAND_IN: &str = "mslab.local/stand-in/";
/// The label with the name of the image that a stand-in stands for. Images built on a stand-in inherit it.
pub(crate) const STAND_IN_LABEL: &str = "io.mslab.stand-in.of";

/// What a base image's name leads to on the engine.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    /// The image to build on.
    pub(crate) reference: String,
    /// Digests of its layers, lowest first.
    pub(crate) diff_ids: Vec<String>,
    /// Whether it is a stand-in.
    pub(crate) stand_in: bool,
}

/// What was found out in this run.
#[derive(Debug, Default)]
pub(crate) struct Bases {
    known: Mutex<HashMap<String, Option<Base>>>,
}

impl Bases {
    /// What `name` leads to: the image itself where the engine has it, else its stand-in, else nothing (the engine
    /// will ask the registry).
    pub(crate) async fn find(&self, engine: &Engine, name: &str) -> Result<Option<Base>> {
        let mut known = self.known.lock().await;
        if let Some(base) = known.get(name) {
            return Ok(base.clone());
        }
        let base = look_up(engine, name).await?;
        // A missing image may be pulled by the next build.
        if base.is_some() {
            known.insert(name.to_owned(), base.clone());
        }
        Ok(base)
    }
}

async fn look_up(engine: &Engine, name: &str) -> Result<Option<Base>> {
    if let Some(image) = describe(engine, name).await? {
        let stand_in = image
            .config
            .labels
            .get(STAND_IN_LABEL)
            .is_some_and(|of| *of == plain(name));
        return Ok(Some(Base {
            reference: name.to_owned(),
            diff_ids: image.diff_ids,
            stand_in,
        }));
    }
    let reference = format!("{STAND_IN}{}", plain(name));
    let image = describe(engine, &reference).await?;
    Ok(image.map(|i| Base {
        reference,
        diff_ids: i.diff_ids,
        stand_in: true,
    }))
}

async fn describe(engine: &Engine, image: &str) -> Result<Option<ImageDescription>> {
    match engine.inspect_image(image).await {
        Ok(image) => Ok(Some(image)),
        Err(EngineError::NoSuchImage(_)) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// A reference as stand-ins are named: without Docker Hub's own prefixes, and with a tag.
pub(crate) fn plain(name: &str) -> String {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let tagged = name
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    if tagged || name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn one_image_has_one_plain_name() {
        for name in ["node:24", "library/node:24", "docker.io/library/node:24"] {
            assert_eq!(plain(name), "node:24");
        }
        assert_eq!(plain("localhost:5000/a"), "localhost:5000/a:latest");
        assert_eq!(
            plain("gcr.io/distroless/static"),
            "gcr.io/distroless/static:latest"
        );
    }
}
