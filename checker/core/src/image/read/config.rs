//! An image's configuration document.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::config::{Config, Healthcheck, HistoryEntry, Platform};
use super::error::ReadError;

/// What a configuration document says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigDocument {
    /// What the image is for.
    pub platform: Platform,
    /// What its containers run as.
    pub config: Config,
    /// How it was made.
    pub history: Vec<HistoryEntry>,
    /// Digests of its uncompressed layers, lowest first.
    pub diff_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    config: Option<RawConfig>,
    #[serde(default)]
    history: Option<Vec<RawHistory>>,
    #[serde(default)]
    rootfs: Option<RootFs>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawConfig {
    user: Option<String>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    volumes: Option<BTreeMap<String, serde_json::Value>>,
    working_dir: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    stop_signal: Option<String>,
    healthcheck: Option<RawHealthcheck>,
    shell: Option<Vec<String>>,
    on_build: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawHealthcheck {
    #[serde(default)]
    test: Option<Vec<String>>,
    #[serde(default)]
    interval: i64,
    #[serde(default)]
    timeout: i64,
    #[serde(default)]
    start_period: i64,
    #[serde(default)]
    retries: i64,
}

#[derive(Deserialize)]
struct RawHistory {
    #[serde(default)]
    created_by: Option<String>,
    #[serde(default)]
    empty_layer: bool,
    #[serde(default)]
    comment: Option<String>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<String>>,
}

/// Reads an image's configuration: the document whose digest is the image's id on most engines.
///
/// # Errors
///
/// [`ReadError::Malformed`] where it is no such document.
pub fn parse_config(what: &str, json: &[u8]) -> Result<ConfigDocument, ReadError> {
    let document: Document = serde_json::from_slice(json)
        .map_err(|e| ReadError::malformed(what, format!("is no image configuration: {e}")))?;
    let raw = document.config.unwrap_or_default();
    let non_empty = |v: Option<String>| v.filter(|s| !s.is_empty());
    Ok(ConfigDocument {
        platform: Platform {
            os: document.os.unwrap_or_default(),
            architecture: document.architecture.unwrap_or_default(),
            variant: non_empty(document.variant),
        },
        config: Config {
            user: raw.user.unwrap_or_default(),
            entrypoint: raw.entrypoint,
            cmd: raw.cmd,
            env: raw.env.unwrap_or_default(),
            exposed_ports: raw.exposed_ports.unwrap_or_default().into_keys().collect(),
            labels: raw.labels.unwrap_or_default(),
            working_dir: raw.working_dir.unwrap_or_default(),
            stop_signal: non_empty(raw.stop_signal),
            volumes: raw.volumes.unwrap_or_default().into_keys().collect(),
            healthcheck: raw.healthcheck.map(|h| Healthcheck {
                test: h.test.unwrap_or_default(),
                interval: h.interval,
                timeout: h.timeout,
                start_period: h.start_period,
                retries: h.retries,
            }),
            shell: raw.shell,
            on_build: raw.on_build.unwrap_or_default(),
        },
        history: document
            .history
            .unwrap_or_default()
            .into_iter()
            .map(|h| HistoryEntry {
                created_by: h.created_by.unwrap_or_default(),
                empty_layer: h.empty_layer,
                comment: h.comment.unwrap_or_default(),
            })
            .collect(),
        diff_ids: document.rootfs.and_then(|r| r.diff_ids).unwrap_or_default(),
    })
}
