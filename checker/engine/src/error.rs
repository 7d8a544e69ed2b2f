//! What can go wrong between mslab and an engine, sorted by what a person can do about it.

use std::io;

/// The environment failed: never the learner's fault, exit code 3.
///
/// A Dockerfile that does not build is no `EngineError` but a [`crate::BuildEnd::Failed`].
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No engine answers anywhere.
    #[error("no container engine answers (tried {tried})")]
    NoEngine {
        /// The places that were tried, in order, separated by commas.
        tried: String,
    },
    /// The engine that was asked for by name does not answer.
    #[error("the engine at {host} ({named_by}) does not answer: {reason}")]
    Unreachable {
        /// Its address.
        host: String,
        /// Who named it: `--engine`, `DOCKER_HOST`, …
        named_by: String,
        /// What the connection attempt said.
        reason: String,
    },
    /// An address that mslab cannot connect to.
    #[error("{host:?} is no engine address that mslab can use: {reason}")]
    BadHost {
        /// As given.
        host: String,
        /// Why not.
        reason: String,
    },
    /// The engine was there, and went away.
    #[error("lost the engine at {host} while {doing}: {reason}")]
    Disconnected {
        /// Its address.
        host: String,
        /// What mslab was doing.
        doing: String,
        /// The transport's message.
        reason: String,
    },
    /// A registry could not be reached for an image.
    #[error("no registry answered for {image}: {reason}")]
    Registry {
        /// The image, or empty where the engine did not say.
        image: String,
        /// The engine's message.
        reason: String,
    },
    /// A host or a name could not be reached from inside the build.
    #[error("the build could not reach the network: {0}")]
    Network(String),
    /// The engine's disk is full.
    #[error("the engine has no disk space left: {0}")]
    DiskFull(String),
    /// The engine lacks something that is needed.
    #[error("{engine} cannot do {feature}, which needs {needs}")]
    TooOld {
        /// The engine's name and version.
        engine: String,
        /// What is needed.
        feature: String,
        /// The version that has it.
        needs: String,
    },
    /// No such image on the engine.
    #[error("no image {0} on the engine")]
    NoSuchImage(String),
    /// The engine did not answer in time.
    #[error("the engine took longer than {seconds} s for {doing}")]
    Slow {
        /// What was asked of it.
        doing: String,
        /// How long mslab waited.
        seconds: u64,
    },
    /// A time limit passed that counts as the environment's fault until a control build shows otherwise.
    #[error("the build took longer than its limit of {0} ms")]
    TimeLimit(u64),
    /// The engine refused, or said something that mslab does not understand.
    #[error("the engine refused {doing}: {reason}")]
    Refused {
        /// What was asked of it.
        doing: String,
        /// Its answer.
        reason: String,
    },
    /// A local file or folder could not be read or written.
    #[error("{what}: {source}")]
    Local {
        /// What was being read or written.
        what: String,
        /// The operating system's message.
        source: io::Error,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl EngineError {
    /// What a person can do about it, in a sentence of its own.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoEngine { .. } => {
                "Start Docker or Podman, or name an engine with --engine or DOCKER_HOST; `scripts/engine up` brings up a private one on Debian and Ubuntu."
            }
            Self::Unreachable { .. } => {
                "Start that engine; or leave --engine out and `unset DOCKER_HOST`, and mslab looks for another. What the text alone shows needs none: `mslab check EXERCISE --static`."
            }
            Self::BadHost { .. } => {
                "Use unix:///path/to/docker.sock, tcp://host:port, ssh://user@host, or npipe:////./pipe/name on Windows."
            }
            Self::Disconnected { .. } => {
                "See whether the engine is still running and whether it was restarted, then run the same command again."
            }
            Self::Registry { .. } => {
                "Check the network, or fetch the base images ahead with `mslab images pull`; where there is no registry, `mslab images stand-ins` builds replacements."
            }
            Self::Network(_) => {
                "Check the network and the proxy settings of the engine, then run the same command again."
            }
            Self::DiskFull(_) => {
                "Free some space: `mslab clean` removes what mslab made, `docker system prune` what nobody uses."
            }
            Self::TooOld { .. } => "Use a newer engine, or rewrite the line without the feature.",
            Self::NoSuchImage(_) => "See the images that are there with `docker images`.",
            Self::Slow { .. } | Self::TimeLimit(_) => {
                "See whether the engine is busy with other work, then run the same command again."
            }
            Self::Refused { .. } => "`mslab doctor` shows what this engine can do.",
            Self::Local { .. } => "Check the path, its permissions, and the free space.",
            Self::Cancelled => "Run the same command again.",
        }
    }

    pub(crate) fn local(what: impl Into<String>, source: io::Error) -> Self {
        Self::Local {
            what: what.into(),
            source,
        }
    }
}

/// Whether an engine's message says that its disk is full.
pub(crate) fn says_no_space(message: &str) -> bool {
    let m = message.to_ascii_lowercase();
    m.contains("no space left on device") || m.contains("disk quota exceeded")
}

/// Whether an engine's message says that a registry, or the way to it, did not answer.
pub(crate) fn says_unreachable(message: &str) -> bool {
    const SIGNS: [&str; 17] = [
        "no such host",
        "temporary failure in name resolution",
        "server misbehaving",
        "network is unreachable",
        "no route to host",
        "connection refused",
        "connection reset by peer",
        "i/o timeout",
        "tls handshake timeout",
        "context deadline exceeded",
        "client.timeout exceeded",
        "request canceled while waiting for connection",
        "certificate signed by unknown authority",
        "proxyconnect tcp",
        "toomanyrequests",
        "bad gateway",
        "service unavailable",
    ];
    let m = message.to_ascii_lowercase();
    SIGNS.iter().any(|s| m.contains(s))
}

/// Whether a failed build's message says that the engine no longer has what it had built: images that are made and
/// removed at the same time get in each other's way there (moby issue 21215, BuildKit issues 5469 and 6977).
pub(crate) fn says_lost_layer(message: &str) -> bool {
    let m = message.trim_end();
    m == "layer does not exist"
        || m.ends_with(": layer does not exist")
        || m.contains("failed to stat lower snapshot")
        || m.contains("failed to prepare") && m.contains(".tmp-committed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_layer_is_the_engines_own() {
        for lost in [
            "layer does not exist",
            "failed to export image: failed to get layer sha256:0f: layer does not exist",
            "failed to prepare sha256:b6 as kc: open /var/lib/docker/overlay2/q3/.tmp-committed25: no such file or directory",
            "failed to apply diffs: failed to stat lower snapshot oq: snapshot oq does not exist: not found",
        ] {
            assert!(says_lost_layer(lost), "{lost}");
        }
        let own = "failed to compute cache key: \"/layer does not exist\": not found";
        assert!(!says_lost_layer(own));
    }
}
