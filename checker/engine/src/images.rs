//! Images on an engine: looking at them, streaming them out and in, pulling, naming, removing.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;

use bollard::models::{ImageInspect, ImageSummary};
use bollard::query_parameters::{
    CreateImageOptions, ImportImageOptions, ListImagesOptions, RemoveImageOptions, TagImageOptions,
};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use mslab_core::image::{Config, Healthcheck, Platform};
use tokio::io::AsyncRead;
use tokio::runtime::Runtime;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::error::{EngineError, says_unreachable};
use crate::info::Flavor;

/// How long a registry may take to answer before it counts as unreachable.
const REGISTRY_PATIENCE: std::time::Duration = std::time::Duration::from_secs(6);

/// What an engine with a graph driver says when it is to export an image that has no layers.
const NO_LAYERS: &str = "empty export";

/// An image as the engine describes it, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageDescription {
    /// The engine's id: the configuration's digest, or the manifest's where containerd keeps the images.
    pub id: String,
    /// Its names.
    pub names: Vec<String>,
    /// What it is for.
    pub platform: Platform,
    /// What its containers run as.
    pub config: Config,
    /// Digests of its layers' uncompressed tars, lowest first.
    pub diff_ids: Vec<String>,
    /// The engine's own idea of its size in bytes, which depends on how it keeps images.
    pub engine_size: u64,
}

/// An image in the engine's list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedImage {
    /// Its id.
    pub id: String,
    /// Its names; none for an image that lost them.
    pub names: Vec<String>,
    /// The engine's own idea of its size in bytes.
    pub engine_size: u64,
    /// Its labels.
    pub labels: HashMap<String, String>,
}

/// How far a pull is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullEvent {
    /// The layer's short id; empty for messages about the whole image.
    pub layer: String,
    /// The engine's words: `Downloading`, `Pull complete`, …
    pub status: String,
    /// Bytes so far.
    pub current: u64,
    /// Bytes in all; 0 where that is not known.
    pub total: u64,
}

impl Engine {
    /// Describes an image by name or id.
    ///
    /// # Errors
    /// [`EngineError::NoSuchImage`], or the engine failed.
    pub async fn inspect_image(&self, image: &str) -> Result<ImageDescription, EngineError> {
        match self.docker().inspect_image(image).await {
            Ok(mut inspect) => {
                if self.identity().flavor == Flavor::Podman {
                    self.complete(image, &mut inspect).await;
                }
                Ok(description(inspect))
            }
            Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Err(EngineError::NoSuchImage(image.to_owned())),
            Err(e) => Err(self.fault(&format!("inspecting {image}"), &e)),
        }
    }

    /// Adds what Podman leaves out of its Docker-compatible answer and tells in its own (since 4.0): the healthcheck.
    async fn complete(&self, image: &str, inspect: &mut ImageInspect) {
        let path = format!("/v4.0.0/libpod/images/{image}/json");
        let own = self.get_json(&path, &format!("inspecting {image}")).await;
        if let (Ok(mut own), Some(config)) = (own, &mut inspect.config) {
            config.healthcheck = serde_json::from_value(own["Healthcheck"].take()).ok();
        }
    }

    /// Whether an image is on the engine.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn image_exists(&self, image: &str) -> Result<bool, EngineError> {
        match self.inspect_image(image).await {
            Ok(_) => Ok(true),
            Err(EngineError::NoSuchImage(_)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The images that have a name.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn images(&self) -> Result<Vec<ListedImage>, EngineError> {
        let images = self
            .ask(
                "listing images",
                self.docker().list_images(None::<ListImagesOptions>),
            )
            .await?;
        Ok(images.into_iter().map(listed).collect())
    }

    /// Streams images out, as `docker save` does.
    ///
    /// The reader blocks: use it in `spawn_blocking` or on a thread of its own, for `mslab_core::image`. Dropping
    /// it ends the stream, so that who has seen enough pays for no more.
    #[must_use]
    pub fn export(&self, images: &[&str]) -> ExportReader {
        ExportReader {
            engine: self.clone(),
            names: images.iter().map(|i| (*i).to_owned()).collect(),
            exporting: None,
            current: Bytes::new(),
        }
    }

    /// Streams images out to an asynchronous reader's consumer, as `docker save` does.
    ///
    /// An image without any layer, which engines with graph drivers refuse to export, comes out as well.
    pub fn save(
        &self,
        images: &[&str],
    ) -> impl Stream<Item = Result<Bytes, EngineError>> + Send + use<> {
        let doing = format!("exporting {}", images.join(", "));
        let only = match images {
            [only] => Some((*only).to_owned()),
            _ => None,
        };
        let engine = self.clone();
        self.docker().export_images(images).then(move |chunk| {
            let (engine, only, doing) = (engine.clone(), only.clone(), doing.clone());
            async move {
                match (chunk.map_err(|e| engine.fault(&doing, &e)), only) {
                    (Err(EngineError::Refused { reason, .. }), Some(image))
                        if reason.contains(NO_LAYERS) =>
                    {
                        engine.archive_without_layers(&image).await
                    }
                    (chunk, _) => chunk,
                }
            }
        })
    }

    /// The archive of an image that has no layers, from what the engine says of it.
    async fn archive_without_layers(&self, image: &str) -> Result<Bytes, EngineError> {
        let doing = format!("describing {image}");
        let inspect = self.docker().inspect_image(image).await;
        let inspect = inspect.map_err(|e| self.fault(&doing, &e))?;
        let history = self.docker().image_history(image).await;
        let history = history.map_err(|e| self.fault(&doing, &e))?;
        // The engine begins with the newest.
        let history: Vec<_> = history
            .into_iter()
            .rev()
            .map(|h| serde_json::json!({ "created_by": h.created_by, "comment": h.comment, "empty_layer": true }))
            .collect();
        let config = serde_json::json!({
            "os": inspect.os,
            "architecture": inspect.architecture,
            "variant": inspect.variant,
            "config": inspect.config,
            "rootfs": { "type": "layers", "diff_ids": [] },
            "history": history,
        });
        let manifest = serde_json::json!([{
            "Config": "config.json",
            "RepoTags": inspect.repo_tags,
            "Layers": [],
        }]);
        let packing = |source| EngineError::Local {
            what: format!("packing what is known of {image}"),
            source,
        };
        let mut archive = tar::Builder::new(Vec::new());
        for (name, content) in [("config.json", config), ("manifest.json", manifest)] {
            let content = content.to_string();
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            let added = archive.append_data(&mut header, name, content.as_bytes());
            added.map_err(packing)?;
        }
        let bytes = archive.into_inner().map_err(packing)?;
        Ok(bytes.into())
    }

    /// Streams images in, as `docker load` does, and gives their names or ids.
    ///
    /// # Errors
    /// The reader fails, the archive is none, or the engine failed.
    pub async fn load(
        &self,
        archive: impl AsyncRead + Send + 'static,
    ) -> Result<Vec<String>, EngineError> {
        let options = ImportImageOptions {
            quiet: true,
            ..ImportImageOptions::default()
        };
        let chunks = ReaderStream::with_capacity(archive, 1 << 20);
        let mut stream = self.docker().import_image_stream(options, chunks, None);
        let mut names = Vec::new();
        while let Some(info) = stream.next().await {
            let info = info.map_err(|e| self.fault("loading images", &e))?;
            names.extend(
                info.stream
                    .iter()
                    .flat_map(|text| text.lines())
                    .filter_map(loaded_name),
            );
        }
        Ok(names)
    }

    /// Makes an image from a filesystem's tar, with Dockerfile lines such as `ENV A=b` as its configuration.
    ///
    /// # Errors
    /// The engine refuses a line or the tar, or failed.
    pub async fn import(
        &self,
        name: &str,
        tar: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        changes: &[String],
    ) -> Result<(), EngineError> {
        let (repo, tag) = split_name(name);
        let options = CreateImageOptions {
            from_src: Some("-".into()),
            repo: Some(repo.to_owned()),
            tag: Some(tag.unwrap_or("latest").to_owned()),
            changes: changes.to_vec(),
            ..CreateImageOptions::default()
        };
        let body = bollard::body_try_stream(tar);
        let mut stream = self.docker().create_image(Some(options), Some(body), None);
        while let Some(info) = stream.next().await {
            info.map_err(|e| self.fault(&format!("importing {name}"), &e))?;
        }
        Ok(())
    }

    /// Pulls an image, for the engine's own platform or another.
    ///
    /// # Errors
    /// [`EngineError::Registry`] where no registry answers, [`EngineError::NoSuchImage`] where it has no such
    /// image, [`EngineError::Cancelled`], or the engine failed.
    pub async fn pull(
        &self,
        image: &str,
        platform: Option<&str>,
        events: &(dyn Fn(PullEvent) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let (repo, tag) = split_name(image);
        let options = CreateImageOptions {
            from_image: Some(repo.to_owned()),
            tag: Some(tag.unwrap_or("latest").to_owned()),
            platform: platform.unwrap_or_default().to_owned(),
            ..CreateImageOptions::default()
        };
        let mut stream = self.docker().create_image(Some(options), None, None);
        loop {
            let next = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(EngineError::Cancelled),
                next = stream.next() => next,
            };
            let Some(info) = next else { return Ok(()) };
            let info =
                info.map_err(|e| pull_fault(image, self.fault(&format!("pulling {image}"), &e)))?;
            let bytes = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
            let detail = info.progress_detail.unwrap_or_default();
            events(PullEvent {
                layer: info.id.unwrap_or_default(),
                status: info.status.unwrap_or_default(),
                current: bytes(detail.current),
                total: bytes(detail.total),
            });
        }
    }

    /// Whether the registry of an image answers the engine, whatever it says of the image.
    ///
    /// No answer within seconds is none.
    pub async fn registry_answers(&self, image: &str, cancel: &CancellationToken) -> bool {
        let ask = self.docker().inspect_registry_image(image, None);
        let answer = tokio::select! {
            answer = tokio::time::timeout(REGISTRY_PATIENCE, ask) => answer,
            () = cancel.cancelled() => return false,
        };
        match answer {
            Ok(Ok(_)) => true,
            Ok(Err(e)) => {
                let fault = self.fault(&format!("asking the registry of {image}"), &e);
                let said = fault.to_string();
                !says_unreachable(&said) && says_no_image(&said)
            }
            Err(_) => false,
        }
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    /// There is no such image, the name is none, or the engine failed.
    pub async fn tag(&self, image: &str, name: &str) -> Result<(), EngineError> {
        let (repo, tag) = split_name(name);
        let options = TagImageOptions {
            repo: Some(repo.to_owned()),
            tag: Some(tag.unwrap_or("latest").to_owned()),
        };
        self.ask(
            &format!("naming {image} {name}"),
            self.docker().tag_image(image, Some(options)),
        )
        .await
    }

    /// Takes a name from an image, and removes the image with its last name. What is not there is no error.
    ///
    /// Layers that other images use stay; so does an image in use by a container, unless `force` says otherwise.
    ///
    /// # Errors
    /// The engine refuses, or failed.
    pub async fn remove_image(&self, image: &str, force: bool) -> Result<(), EngineError> {
        let options = RemoveImageOptions {
            force,
            ..RemoveImageOptions::default()
        };
        match self.docker().remove_image(image, Some(options), None).await {
            Ok(_)
            | Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(()),
            Err(e) => Err(self.fault(&format!("removing {image}"), &e)),
        }
    }
}

/// An export as a blocking reader; see [`Engine::export`].
#[derive(Debug)]
pub struct ExportReader {
    engine: Engine,
    names: Vec<String>,
    exporting: Option<Exporting>,
    current: Bytes,
}

/// An export that has begun: a connection that the reading thread serves itself. Between threads, each of the engine's
/// many small pieces would wake somebody up.
struct Exporting {
    runtime: Runtime,
    pieces: Pin<Box<dyn Stream<Item = Result<Bytes, EngineError>> + Send>>,
}

impl fmt::Debug for Exporting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporting").finish_non_exhaustive()
    }
}

impl Exporting {
    fn begin(engine: &Engine, names: &[String]) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let images: Vec<&str> = names.iter().map(String::as_str).collect();
        let engine = engine.dial_anew().map_err(io::Error::other)?;
        Ok(Self {
            runtime,
            pieces: Box::pin(engine.save(&images)),
        })
    }
}

impl Read for ExportReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let Exporting { runtime, pieces } = match &mut self.exporting {
                Some(begun) => begun,
                none => none.insert(Exporting::begin(&self.engine, &self.names)?),
            };
            match runtime.block_on(pieces.next()) {
                Some(piece) => self.current = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let n = buf.len().min(self.current.len());
        self.current.copy_to_slice(&mut buf[..n]);
        Ok(n)
    }
}

impl Drop for ExportReader {
    fn drop(&mut self) {
        // A runtime that is dropped waits, which a thread of another runtime may not.
        if let Some(exporting) = self.exporting.take() {
            exporting.runtime.shutdown_background();
        }
    }
}

fn pull_fault(image: &str, fault: EngineError) -> EngineError {
    match fault {
        EngineError::Refused { reason, .. } if says_unreachable(&reason) => EngineError::Registry {
            image: image.to_owned(),
            reason,
        },
        EngineError::Refused { reason, .. } if says_no_image(&reason) => {
            EngineError::NoSuchImage(format!("{image} in its registry ({reason})"))
        }
        fault => fault,
    }
}

/// Whether an engine's message says that a registry answered, and has no such image.
pub(crate) fn says_no_image(message: &str) -> bool {
    let m = message.to_ascii_lowercase();
    [
        "manifest unknown",
        "not found",
        "pull access denied",
        "repository does not exist",
        "insufficient_scope",
        "no matching manifest",
    ]
    .iter()
    .any(|s| m.contains(s))
}

/// Splits the tag or digest from a name: the last colon after the last slash, or the `@`.
fn split_name(name: &str) -> (&str, Option<&str>) {
    if let Some((repo, digest)) = name.split_once('@') {
        return (repo, Some(digest));
    }
    match name.rsplit_once(':') {
        Some((repo, tag)) if !tag.contains('/') => (repo, Some(tag)),
        _ => (name, None),
    }
}

/// The name or id in a line of `docker load`'s output.
fn loaded_name(line: &str) -> Option<String> {
    let rest = line
        .strip_prefix("Loaded image: ")
        .or_else(|| line.strip_prefix("Loaded image ID: "))?;
    Some(rest.trim().to_owned())
}

fn size(n: Option<i64>) -> u64 {
    n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}

fn listed(image: ImageSummary) -> ListedImage {
    ListedImage {
        id: image.id,
        names: image
            .repo_tags
            .into_iter()
            .filter(|n| n != "<none>:<none>")
            .collect(),
        engine_size: size(Some(image.size)),
        labels: image.labels,
    }
}

fn description(image: ImageInspect) -> ImageDescription {
    let config = image.config.unwrap_or_default();
    ImageDescription {
        id: image.id.unwrap_or_default(),
        names: image.repo_tags.unwrap_or_default(),
        platform: Platform {
            os: image.os.unwrap_or_default(),
            architecture: image.architecture.unwrap_or_default(),
            variant: image.variant.filter(|v| !v.is_empty()),
        },
        config: Config {
            user: config.user.unwrap_or_default(),
            entrypoint: config.entrypoint,
            cmd: config.cmd,
            env: config.env.unwrap_or_default(),
            exposed_ports: config.exposed_ports.unwrap_or_default(),
            labels: config.labels.unwrap_or_default().into_iter().collect(),
            working_dir: config.working_dir.unwrap_or_default(),
            stop_signal: config.stop_signal,
            volumes: config.volumes.unwrap_or_default(),
            healthcheck: config.healthcheck.map(|h| Healthcheck {
                test: h.test.unwrap_or_default(),
                interval: h.interval.unwrap_or(0),
                timeout: h.timeout.unwrap_or(0),
                start_period: h.start_period.unwrap_or(0),
                retries: h.retries.unwrap_or(0),
            }),
            shell: config.shell,
            on_build: config.on_build.unwrap_or_default(),
        },
        diff_ids: image.root_fs.and_then(|r| r.layers).unwrap_or_default(),
        engine_size: size(image.size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_where_engines_split_them() {
        assert_eq!(split_name("node:24-alpine"), ("node", Some("24-alpine")));
        assert_eq!(split_name("localhost:5000/x"), ("localhost:5000/x", None));
        assert_eq!(split_name("a/b@sha256:1"), ("a/b", Some("sha256:1")));
    }

    #[test]
    fn loaded_names_are_read() {
        assert_eq!(loaded_name("Loaded image: a:1\n"), Some("a:1".into()));
        assert_eq!(
            loaded_name("Loaded image ID: sha256:12"),
            Some("sha256:12".into())
        );
        assert_eq!(loaded_name("something else"), None);
    }

    #[test]
    fn an_absent_image_is_no_unreachable_registry() {
        let refused = |reason: &str| {
            pull_fault(
                "x:1",
                EngineError::Refused {
                    doing: "pulling".into(),
                    reason: reason.into(),
                },
            )
        };
        assert!(matches!(
            refused("manifest for x:1 not found: manifest unknown"),
            EngineError::NoSuchImage(_)
        ));
        assert!(matches!(
            refused("Get \"https://registry/v2/\": dial tcp: lookup registry: no such host"),
            EngineError::Registry { .. }
        ));
    }
}
