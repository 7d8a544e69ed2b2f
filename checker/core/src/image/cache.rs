//! Facts as bytes that can be kept: with the version of what found them, and a checksum.
//!
//! Where the bytes are kept is another's business (`mslab-engine` keeps files). What comes back is used only if it is
//! whole, was written by a reader that would find the same facts, and is about what was asked for.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::keep::CONTENT_LIMIT;
use super::read::LayerFacts;
use super::shell::SIGNATURES;
use super::tree::Image;

/// To be raised whenever the types or the rules by which facts are found change.
const FORMAT: u32 = 2;

const MAGIC: &[u8] = b"mslab-facts\n";
const HASH: usize = 32;

/// Why kept bytes are not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// Written by another version of mslab.
    #[error("the cached facts are of another version")]
    Version,
    /// Not what was written, or about something else.
    #[error("the cached facts are damaged")]
    Damaged,
}

/// A layer's facts as bytes.
#[must_use]
pub fn encode_layer(facts: &LayerFacts) -> Vec<u8> {
    encode(&layer_name(&facts.digest, &facts.needles_key), facts)
}

/// A layer's facts from the bytes of [`encode_layer`].
///
/// # Errors
///
/// [`CacheError`]; in either case the bytes are good for nothing.
pub fn decode_layer(
    bytes: &[u8],
    digest: &str,
    needles_key: &str,
) -> Result<LayerFacts, CacheError> {
    decode(&layer_name(digest, needles_key), bytes)
}

/// An image as bytes. `id` is what the engine calls it, and all that it is found by.
#[must_use]
pub fn encode_image(image: &Image, id: &str, needles_key: &str) -> Vec<u8> {
    encode(&image_name(id, needles_key), image)
}

/// An image from the bytes of [`encode_image`].
///
/// # Errors
///
/// [`CacheError`]; in either case the bytes are good for nothing.
pub fn decode_image(bytes: &[u8], id: &str, needles_key: &str) -> Result<Image, CacheError> {
    decode(&image_name(id, needles_key), bytes)
}

/// A file name for a layer's facts: letters, digits and a dash only.
#[must_use]
pub fn layer_name(digest: &str, needles_key: &str) -> String {
    name("layer", digest, needles_key)
}

/// A file name for an image: letters, digits and a dash only.
#[must_use]
pub fn image_name(id: &str, needles_key: &str) -> String {
    name("image", id, needles_key)
}

fn name(kind: &str, id: &str, needles_key: &str) -> String {
    let mut hash = Sha256::new();
    for part in [kind, id, needles_key] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hex: String = hash.finalize()[..20]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("{kind}-{hex}")
}

/// What decides which facts are found: the code's format and version, and the tables that it goes by.
fn version() -> [u8; HASH] {
    let mut hash = Sha256::new();
    hash.update(FORMAT.to_le_bytes());
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(CONTENT_LIMIT.to_le_bytes());
    for signature in SIGNATURES {
        hash.update(signature.kind);
        hash.update(signature.evidence);
        for string in signature.strings() {
            hash.update((string.len() as u64).to_le_bytes());
            hash.update(string);
        }
    }
    hash.finalize().into()
}

/// Magic, version, checksum over name and payload, payload. The name is in the checksum, so that bytes found under
/// another name do not count.
fn encode<T: Serialize>(name: &str, value: &T) -> Vec<u8> {
    // The types hold nothing that cannot be written; empty bytes would be refused on the way back.
    let payload = postcard::to_stdvec(value).unwrap_or_default();
    let mut out = Vec::with_capacity(MAGIC.len() + 2 * HASH + payload.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&version());
    out.extend_from_slice(&checksum(name, &payload));
    out.extend_from_slice(&payload);
    out
}

fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, CacheError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(CacheError::Damaged)?;
    let (found, rest) = rest.split_at_checked(HASH).ok_or(CacheError::Damaged)?;
    let (sum, payload) = rest.split_at_checked(HASH).ok_or(CacheError::Damaged)?;
    if found != version() {
        return Err(CacheError::Version);
    }
    if sum != checksum(name, payload) {
        return Err(CacheError::Damaged);
    }
    postcard::from_bytes(payload).map_err(|_| CacheError::Damaged)
}

fn checksum(name: &str, payload: &[u8]) -> [u8; HASH] {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update(payload);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn image() -> Image {
        fixture::image(
            "user 1
             layer x
             file /bin/sh 0755 busybox
             file /etc/passwd 0644 text root:x:0:0::/:/bin/sh
             link /a -> b
             special /dev/null",
        )
        .unwrap()
    }

    #[test]
    fn what_is_kept_comes_back() {
        let bytes = encode_image(&image(), "sha256:1", "k");
        let back = decode_image(&bytes, "sha256:1", "k").unwrap();
        assert_eq!(back.tree, image().tree);
        assert_eq!(back.layers, image().layers);
        assert_eq!(back.config, image().config);
    }

    #[test]
    fn nothing_comes_back_under_another_name() {
        let bytes = encode_image(&image(), "sha256:1", "k");
        for (id, key) in [("sha256:2", "k"), ("sha256:1", "other")] {
            let error = decode_image(&bytes, id, key).unwrap_err();
            assert_eq!(error, CacheError::Damaged);
        }
        assert_eq!(
            decode_layer(&bytes, "sha256:1", "k").unwrap_err(),
            CacheError::Damaged
        );
        assert_ne!(layer_name("a", "bc"), layer_name("ab", "c"));
    }

    #[test]
    fn every_damage_is_noticed() {
        let bytes = encode_image(&image(), "i", "k");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            let error = decode_image(&damaged, "i", "k").unwrap_err();
            let in_version = (MAGIC.len()..MAGIC.len() + HASH).contains(&at);
            assert_eq!(error == CacheError::Version, in_version, "byte {at}");
        }
        for cut in 0..bytes.len() {
            assert!(decode_image(&bytes[..cut], "i", "k").is_err());
        }
    }
}
