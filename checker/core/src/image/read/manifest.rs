//! Which images an archive holds, by its `manifest.json` and its OCI index.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::super::config::Platform;
use super::error::ReadError;

/// One image of an archive: where its parts are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ImageRef {
    /// Path of the configuration in the archive.
    pub(super) config: String,
    /// Paths of the layers, lowest first.
    pub(super) layers: Vec<String>,
    /// What it is called, if anything.
    pub(super) names: Vec<String>,
    /// Digest of its OCI manifest, where it has one.
    pub(super) manifest: Option<String>,
    /// Whether the engine's own `manifest.json` lists it.
    pub(super) by_engine: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EngineEntry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    platform: Option<OciPlatform>,
}

#[derive(Deserialize)]
struct OciPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

/// Indexes inside indexes are followed this far.
const DEEPEST: usize = 4;

/// JSON documents of an archive by their paths.
pub(super) type Documents = BTreeMap<String, Vec<u8>>;

/// The images of an archive, those that `manifest.json` lists first, each once.
///
/// An index may name images of other platforms that were not saved with it; these are left out, as are attestations.
pub(super) fn images(documents: &Documents) -> Result<Vec<ImageRef>, ReadError> {
    let mut found: Vec<ImageRef> = Vec::new();
    let mut known = false;
    if let Some(json) = documents.get("manifest.json") {
        known = true;
        for entry in parse::<Vec<EngineEntry>>("manifest.json", json)? {
            found.push(ImageRef {
                config: clean(&entry.config),
                layers: entry
                    .layers
                    .unwrap_or_default()
                    .iter()
                    .map(|l| clean(l))
                    .collect(),
                names: entry.repo_tags.unwrap_or_default(),
                manifest: None,
                by_engine: true,
            });
        }
    }
    if let Some(json) = documents.get("index.json") {
        known = true;
        let index: Index = parse("index.json", json)?;
        let mut walk = Walk {
            documents,
            seen: BTreeSet::new(),
            found: Vec::new(),
        };
        walk.index(index, &[], 0)?;
        for image in walk.found {
            match found.iter_mut().find(|f| f.config == image.config) {
                Some(same) => {
                    same.manifest = same.manifest.take().or(image.manifest);
                    same.names.extend(image.names);
                }
                None => found.push(image),
            }
        }
    }
    if !known {
        return Err(ReadError::NotAnImage);
    }
    Ok(found)
}

struct Walk<'a> {
    documents: &'a Documents,
    seen: BTreeSet<String>,
    found: Vec<ImageRef>,
}

impl Walk<'_> {
    fn index(&mut self, index: Index, names: &[String], depth: usize) -> Result<(), ReadError> {
        for descriptor in index.manifests.unwrap_or_default() {
            let annotations = descriptor.annotations.unwrap_or_default();
            let attestation = annotations.contains_key("vnd.docker.reference.type")
                || descriptor
                    .platform
                    .is_some_and(|p| p.os == "unknown" && p.architecture == "unknown");
            let path = blob_path(&descriptor.digest)?;
            let Some(json) = self.documents.get(&path) else {
                continue;
            };
            if attestation || depth >= DEEPEST || !self.seen.insert(path.clone()) {
                continue;
            }
            let mut own_names = names.to_vec();
            for key in [
                "io.containerd.image.name",
                "org.opencontainers.image.ref.name",
            ] {
                own_names.extend(annotations.get(key).cloned());
            }
            let manifest: Index = parse(&path, json)?;
            if manifest.manifests.is_some() {
                self.index(manifest, &own_names, depth + 1)?;
            } else if let Some(config) = manifest.config {
                self.image(descriptor.digest, &config, manifest.layers, own_names)?;
            }
        }
        Ok(())
    }

    fn image(
        &mut self,
        digest: String,
        config: &Descriptor,
        layers: Option<Vec<Descriptor>>,
        names: Vec<String>,
    ) -> Result<(), ReadError> {
        let layers = layers.unwrap_or_default();
        let config_type = config.media_type.as_deref().unwrap_or_default();
        let is_image = config_type.is_empty() || config_type.contains(".image.");
        let config = blob_path(&config.digest)?;
        if !is_image || !self.documents.contains_key(&config) {
            return Ok(());
        }
        self.found.push(ImageRef {
            config,
            layers: layers
                .iter()
                .map(|l| blob_path(&l.digest))
                .collect::<Result<_, _>>()?,
            names,
            manifest: Some(digest),
            by_engine: false,
        });
        Ok(())
    }
}

/// Chooses by name and platform. Without a wish the engine's own choice counts, if it made just one.
pub(super) fn choose(
    images: Vec<(ImageRef, Platform)>,
    name: Option<&str>,
    platform: Option<&Platform>,
) -> Result<ImageRef, ReadError> {
    let held = images
        .iter()
        .map(|(image, p)| format!("{} ({})", label(image), platform_text(p)))
        .collect::<Vec<_>>()
        .join(", ");
    let mut fitting: Vec<_> = images
        .into_iter()
        .filter(|(image, own)| {
            name.is_none_or(|n| is_called(image, n)) && platform.is_none_or(|p| fits(p, own))
        })
        .map(|(image, _)| image)
        .collect();
    if fitting.len() > 1 && fitting.iter().filter(|i| i.by_engine).count() == 1 {
        fitting.retain(|i| i.by_engine);
    }
    match fitting.len() {
        1 => Ok(fitting.remove(0)),
        0 => Err(ReadError::NoSuchImage {
            wanted: [
                name.map(str::to_owned),
                platform.map(|p| format!("for {}", platform_text(p))),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
            held: if held.is_empty() {
                "none".to_owned()
            } else {
                held
            },
        }),
        _ => Err(ReadError::Ambiguous(held)),
    }
}

/// Whether `name` is one of the image's names: whole, without the registry's part, or with `latest` understood; or the
/// beginning of a digest.
fn is_called(image: &ImageRef, name: &str) -> bool {
    let with_tag = |n: &str| {
        let last = n.rsplit('/').next().unwrap_or(n);
        if last.contains(':') {
            n.to_owned()
        } else {
            format!("{n}:latest")
        }
    };
    let wanted = with_tag(name);
    image.names.iter().any(|own| {
        let own = with_tag(own);
        own == wanted || own.ends_with(&format!("/{wanted}"))
    }) || image.manifest.as_deref() == Some(name)
        || image.config == clean(&name.replace("sha256:", "blobs/sha256/"))
}

/// A platform asked for without a variant takes any.
fn fits(wanted: &Platform, own: &Platform) -> bool {
    wanted.os == own.os
        && wanted.architecture == own.architecture
        && (wanted.variant.is_none() || wanted.variant == own.variant)
}

fn label(image: &ImageRef) -> &str {
    image.names.first().map_or(&image.config, |n| n)
}

fn platform_text(p: &Platform) -> String {
    match &p.variant {
        Some(v) => format!("{}/{}/{v}", p.os, p.architecture),
        None => format!("{}/{}", p.os, p.architecture),
    }
}

fn parse<'a, T: Deserialize<'a>>(what: &str, json: &'a [u8]) -> Result<T, ReadError> {
    serde_json::from_slice(json)
        .map_err(|e| ReadError::malformed(what, format!("is not as its format asks: {e}")))
}

/// Where an OCI layout keeps the blob of a digest.
fn blob_path(digest: &str) -> Result<String, ReadError> {
    let wrong = || ReadError::malformed("index.json", format!("{digest:?} is no digest"));
    let (algorithm, hex) = digest.split_once(':').ok_or_else(wrong)?;
    let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric());
    if !plain(algorithm) || !plain(hex) {
        return Err(wrong());
    }
    Ok(format!("blobs/{algorithm}/{hex}"))
}

fn clean(path: &str) -> String {
    super::super::resolve::normalize(path)
}
