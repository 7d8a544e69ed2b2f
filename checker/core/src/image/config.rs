//! An image's configuration, as the OCI image spec's `config.json` has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Operating system and processor that an image is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, … in Go's spelling.
    pub architecture: String,
    /// `v8` and the like.
    pub variant: Option<String>,
}

/// What a container made from the image runs as.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Config {
    /// `USER` as stored: empty, a name or a number, and a group after a colon.
    pub user: String,
    /// `ENTRYPOINT`; `None` where there is none.
    pub entrypoint: Option<Vec<String>>,
    /// `CMD`; `None` where there is none.
    pub cmd: Option<Vec<String>>,
    /// `ENV`, each `NAME=VALUE`, in order.
    pub env: Vec<String>,
    /// `EXPOSE`, each `PORT/PROTOCOL`.
    pub exposed_ports: Vec<String>,
    /// `LABEL`.
    pub labels: BTreeMap<String, String>,
    /// `WORKDIR`; empty for `/`.
    pub working_dir: String,
    /// `STOPSIGNAL`.
    pub stop_signal: Option<String>,
    /// `VOLUME`.
    pub volumes: Vec<String>,
    /// `HEALTHCHECK`.
    pub healthcheck: Option<Healthcheck>,
    /// `SHELL`.
    pub shell: Option<Vec<String>>,
    /// Commands kept by `ONBUILD`.
    pub on_build: Vec<String>,
}

/// A healthcheck; durations in nanoseconds, 0 for the engine's default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Healthcheck {
    /// `["CMD", …]`, `["CMD-SHELL", "…"]` or `["NONE"]`.
    pub test: Vec<String>,
    /// Time between two checks.
    pub interval: i64,
    /// Time that one may take.
    pub timeout: i64,
    /// Time before failures count.
    pub start_period: i64,
    /// Failures that make it unhealthy.
    pub retries: i64,
}

/// One step of an image's history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// What made the step, as the builder wrote it.
    pub created_by: String,
    /// Whether the step made no layer.
    pub empty_layer: bool,
    /// The builder's comment, such as `buildkit.dockerfile.v0`.
    pub comment: String,
}
