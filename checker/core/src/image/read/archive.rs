//! The archive as a whole: its files in any order, put together to an image at the end.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Value;

use super::super::assemble::assemble;
use super::super::config::Platform;
use super::super::resolve::normalize;
use super::super::tree::{Image, Layer};
use super::LayerCache;
use super::blob::{Form, SNIFF, read_layer};
use super::config::parse_config;
use super::entries::{Kind, TarReader};
use super::error::ReadError;
use super::layer::{Budget, LayerFacts, entry_path};
use super::limits::Limits;
use super::manifest::{self, Documents};
use super::needles::Needles;
use super::stream::{Tally, Tap, digest, digest_of};

/// What to read of an archive, and how much it may ask for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadOptions {
    /// Limits.
    pub limits: Limits,
    /// Values to search for in every layer, the configuration and the history.
    pub needles: Needles,
    /// Which image, in an archive of several: a name, or a manifest's digest.
    pub name: Option<String>,
    /// Which platform, in an archive of several.
    pub platform: Option<Platform>,
    /// Whether to compress layers that are stored uncompressed, only to know their size as a registry sends them. This
    /// takes several times as long as reading them.
    pub compressed_sizes: bool,
}

/// Reads an image from an archive, once from front to end.
///
/// The result's `id` is the digest of its configuration, which is what most engines call the image; the containerd
/// image store takes the manifest's digest instead.
///
/// # Errors
///
/// Whatever keeps the archive from being read as one image: see [`ReadError`].
pub fn read_archive(
    input: impl Read,
    options: &ReadOptions,
    cache: &mut dyn LayerCache,
) -> Result<Image, ReadError> {
    let mut contents = Contents {
        options,
        cache,
        budget: Budget::new(&options.limits),
        json_left: options.limits.total_json_bytes,
        documents: Documents::new(),
        layers: BTreeMap::new(),
        others: BTreeMap::new(),
        aliases: BTreeMap::new(),
    };
    contents.read(input)?;
    contents.image()
}

/// What an archive turned out to hold, by path.
struct Contents<'a> {
    options: &'a ReadOptions,
    cache: &'a mut dyn LayerCache,
    budget: Budget,
    json_left: u64,
    documents: Documents,
    /// Whatever reads as a layer, needed or not. What is wrong with one counts only if it is needed.
    layers: BTreeMap<String, Result<LayerFacts, ReadError>>,
    /// Files that are neither JSON nor layers, with what they seem to be.
    others: BTreeMap<String, &'static str>,
    /// Links, which older engines write for layers that several images share.
    aliases: BTreeMap<String, String>,
}

const ARCHIVE: &str = "the image archive";

impl Contents<'_> {
    fn read(&mut self, input: impl Read) -> Result<(), ReadError> {
        let limits = &self.options.limits;
        let mut tar = TarReader::new(super::stream::Stream::new(input), ARCHIVE, limits);
        let mut blobs = 0;
        while let Some(header) = tar.next()? {
            blobs += 1;
            if blobs > limits.blobs {
                let limit = format!("{} files", limits.blobs);
                return Err(ReadError::limit(ARCHIVE, limit));
            }
            let path = entry_path(&header.name, ARCHIVE, limits)?;
            match header.kind {
                Kind::Directory | Kind::Special => {}
                Kind::Symlink | Kind::Hardlink => {
                    let target = String::from_utf8_lossy(&header.link);
                    let parent = path.rfind('/').map_or("", |slash| &path[..slash]);
                    let target = match header.kind {
                        Kind::Symlink if !target.starts_with('/') => {
                            normalize(&format!("{parent}/{target}"))
                        }
                        _ => normalize(&target),
                    };
                    self.aliases.insert(path, target);
                }
                Kind::File => self.file(path, header.size, &mut tar)?,
            }
        }
        Ok(())
    }

    fn file<R: Read>(
        &mut self,
        path: String,
        size: u64,
        tar: &mut TarReader<'_, R>,
    ) -> Result<(), ReadError> {
        let form = Form::of(tar.peek(SNIFF)?);
        let promised = promised_digest(&path);
        match form {
            Form::Other(seems) => {
                self.others.insert(path, seems);
            }
            Form::Json if size > self.options.limits.json_bytes || size > self.json_left => {
                self.others
                    .insert(path, "a JSON document that is too large");
            }
            Form::Json => {
                self.json_left -= size;
                let mut bytes = Vec::with_capacity(size as usize);
                tar.content()
                    .read_to_end(&mut bytes)
                    .map_err(|e| ReadError::from_io(e, ARCHIVE))?;
                if let Some(promised) = promised {
                    verify(&path, &promised, digest_of(&bytes))?;
                }
                self.documents.insert(path, bytes);
            }
            Form::Tar | Form::Gzip | Form::Zstd => {
                let result = self.layer(&path, size, form, promised, tar);
                match result {
                    Err(error) if error.is_fatal() => return Err(error),
                    result => self.layers.insert(path, result),
                };
            }
        }
        Ok(())
    }

    fn layer<R: Read>(
        &mut self,
        path: &str,
        size: u64,
        form: Form,
        promised: Option<String>,
        tar: &mut TarReader<'_, R>,
    ) -> Result<LayerFacts, ReadError> {
        let what = format!("layer {path}");
        if let Some(promised) = &promised
            && let Some(facts) = self.remembered(promised)
        {
            // Known or not: what the archive holds must be what it says.
            let mut tally = Tally::default();
            std::io::copy(
                &mut Tap::new(tar.content(), &mut tally),
                &mut std::io::sink(),
            )
            .map_err(|e| ReadError::from_io(e, &what))?;
            verify(&what, promised, digest(tally.hash))?;
            return Ok(facts);
        }
        let facts = read_layer(
            tar.content(),
            form,
            size,
            path,
            self.options,
            &mut self.budget,
        )?;
        if let Some(promised) = &promised {
            verify(&what, promised, facts.digest.clone())?;
        }
        self.cache.put(&facts);
        Ok(facts)
    }

    fn remembered(&mut self, digest: &str) -> Option<LayerFacts> {
        let key = self.options.needles.key();
        self.cache.get(digest, key).filter(|facts| {
            facts.digest == digest
                && facts.needles_key == key
                && (facts.compressed_bytes.is_some() || !self.options.compressed_sizes)
        })
    }

    fn image(mut self) -> Result<Image, ReadError> {
        let mut images = Vec::new();
        for image in manifest::images(&self.documents)? {
            let config = self.document(&image.config)?;
            let platform = parse_config(&image.config, config)?.platform;
            images.push((image, platform));
        }
        let name = self.options.name.as_deref();
        let chosen = manifest::choose(images, name, self.options.platform.as_ref())?;

        let json = self.document(&chosen.config)?;
        let id = digest_of(json);
        let stem = chosen.config.trim_end_matches(".json");
        if let Some(promised) = promised_digest(stem) {
            verify(&chosen.config, &promised, id.clone())?;
        }
        let document = parse_config(&chosen.config, json)?;
        let needles = outside_needles(&self.options.needles, json);

        let facts = self.take_layers(&chosen.layers)?;
        if facts.len() != document.diff_ids.len() {
            return Err(ReadError::malformed(
                &chosen.config,
                format!(
                    "names {} layers, and the manifest {}",
                    document.diff_ids.len(),
                    facts.len()
                ),
            ));
        }
        for ((facts, promised), path) in facts.iter().zip(&document.diff_ids).zip(&chosen.layers) {
            let what = format!("layer {path}, uncompressed,");
            verify(&what, promised, facts.diff_id.clone())?;
        }
        let (mut layers, tree) = assemble(facts)?;
        let with_layer = document.history.iter().filter(|h| !h.empty_layer).count();
        if with_layer == layers.len() {
            number_history(&mut layers, &document.history);
        }
        Ok(Image {
            id,
            platform: document.platform,
            config: document.config,
            history: document.history,
            layers,
            tree,
            needles,
        })
    }

    fn document(&self, path: &str) -> Result<&[u8], ReadError> {
        let path = self.follow(path);
        if let Some(json) = self.documents.get(path) {
            return Ok(json);
        }
        Err(match self.others.get(path) {
            Some(seems) => ReadError::malformed(path, format!("is {seems}, not a configuration")),
            None => ReadError::Missing(path.to_owned()),
        })
    }

    /// The facts of the chosen layers; one that occurs twice is given twice.
    fn take_layers(&mut self, paths: &[String]) -> Result<Vec<LayerFacts>, ReadError> {
        let paths: Vec<String> = paths.iter().map(|p| self.follow(p).to_owned()).collect();
        let mut out: Vec<LayerFacts> = Vec::with_capacity(paths.len());
        for (i, path) in paths.iter().enumerate() {
            if let Some(before) = paths[..i].iter().position(|p| p == path) {
                let same = out[before].clone();
                out.push(same);
                continue;
            }
            match self.layers.remove(path) {
                Some(result) => out.push(result?),
                None => {
                    return Err(match self.others.get(path) {
                        Some(seems) => ReadError::malformed(
                            format!("layer {path}"),
                            format!(
                                "is {seems}; layers are tar streams, plain or compressed with gzip or zstd"
                            ),
                        ),
                        None => ReadError::Missing(format!("layer {path}")),
                    });
                }
            }
        }
        Ok(out)
    }

    /// Where the archive's links lead.
    fn follow<'p>(&'p self, path: &'p str) -> &'p str {
        let mut at = path;
        for _ in 0..8 {
            match self.aliases.get(at) {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    }
}

fn number_history(layers: &mut [Layer], history: &[super::super::config::HistoryEntry]) {
    let with_layer = history.iter().enumerate().filter(|(_, h)| !h.empty_layer);
    for (layer, (i, _)) in layers.iter_mut().zip(with_layer) {
        layer.history = Some(i);
    }
}

/// The digest that a file's name claims for its content: an OCI blob's, or that of Podman's `<hex>.tar`.
fn promised_digest(path: &str) -> Option<String> {
    let name = path.strip_prefix("blobs/sha256/").or_else(|| {
        let name = path.strip_suffix(".tar").unwrap_or(path);
        (!name.contains('/')).then_some(name)
    })?;
    let is_hex = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| format!("sha256:{}", name.to_ascii_lowercase()))
}

fn verify(what: &str, expected: &str, actual: String) -> Result<(), ReadError> {
    if expected == actual {
        return Ok(());
    }
    Err(ReadError::Digest {
        what: what.to_owned(),
        expected: expected.to_owned(),
        actual,
    })
}

/// Needles in the configuration: as its bytes are, and in its strings with their escapes undone.
fn outside_needles(needles: &Needles, json: &[u8]) -> Vec<(usize, String)> {
    if needles.is_empty() {
        return Vec::new();
    }
    let mut value: Value = serde_json::from_slice(json).unwrap_or_default();
    let history = value
        .as_object_mut()
        .and_then(|o| o.remove("history"))
        .unwrap_or_default();
    let mut out = Vec::new();
    for (part, place) in [(value, "config"), (history, "history")] {
        let mut text = part.to_string();
        strings(&part, &mut text);
        let found = needles.find(text.as_bytes());
        out.extend(found.into_iter().map(|n| (n, place.to_owned())));
    }
    out
}

fn strings(value: &Value, out: &mut String) {
    match value {
        Value::String(s) => {
            out.push('\n');
            out.push_str(s);
        }
        Value::Array(items) => items.iter().for_each(|v| strings(v, out)),
        Value::Object(map) => {
            for (key, value) in map {
                out.push('\n');
                out.push_str(key);
                strings(value, out);
            }
        }
        _ => {}
    }
}
